from __future__ import annotations

from bench.delivery import PLAYERS, TEAM
from bench.game_master import Role, critical_path
from bench.game_program import environment


def test_the_critical_path_is_what_each_role_needed_last() -> None:
    host, bind9 = Role("host", 0, 9), Role("bind9", 0.1, 4)
    k3s, rancher = Role("k3s", 0.1, 12), Role("rancher", 12.2, 30)
    certbot, nginx = Role("certbot", 4.3, 20), Role("nginx", 20.1, 22)
    needs = {"host": {"server"}, "bind9": {"server"}, "k3s": {"server"}, "rancher": {"k3s"}}
    needs |= {"certbot": {"bind9"}, "nginx": {"certbot", "bind9"}}
    assert critical_path([host, bind9, k3s, rancher, certbot, nginx], needs) == [k3s, rancher]
    assert critical_path([host, bind9, k3s, certbot, nginx], needs) == [bind9, certbot, nginx]
    assert critical_path([host], needs) == [host]


def test_an_environment_has_as_many_teams_as_are_measured() -> None:
    teams = {f"t{number}": (f"player{number}",) for number in range(max(PLAYERS) // TEAM)}
    assert {team.name for team in environment(teams).teams.all} == teams.keys()
