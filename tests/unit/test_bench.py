from __future__ import annotations

from bench.game_master import Role, critical_path


def test_the_critical_path_is_what_each_role_waited_for() -> None:
    host, bind9 = Role("hardening-host", 0, 9), Role("dns-bind9", 0.1, 4)
    k3s, rancher = Role("kubernetes-k3s", 0.1, 12), Role("rancher-helm", 12.2, 30)
    certbot, nginx = Role("certificates-certbot", 4.3, 20), Role("proxy-nginx", 20.1, 22)
    assert critical_path([host, bind9, k3s, rancher, certbot, nginx]) == [k3s, rancher]
    assert critical_path([host, bind9, k3s, certbot, nginx]) == [bind9, certbot, nginx]
    assert critical_path([host]) == [host]
