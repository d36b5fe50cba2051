"""The game master's own Kubernetes and Rancher on it."""

from __future__ import annotations

import asyncio
import json
import secrets

import pytest
import pytest_asyncio

from common.versions import K3S
from tests.gamemaster.games import BOOTSTRAP_PASSWORD, NEWER_K3S, RANCHER, Game
from tests.gamemaster.steps import cut_before
from tests.gamemaster.web import Browser
from tests.localcloud.instances.cloud import reachable

SNAPSHOTS = "/var/lib/rancher/k3s/server/db/snapshots"

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def browser(game: Game) -> Browser:
    return Browser(game.address, await game.authority.root())


async def test_the_kubernetes_api_answers_on_the_host_and_nowhere_else(game: Game) -> None:
    nodes = json.loads(await game.host.sh("kubectl get nodes --output json"))
    assert [node["metadata"]["name"] for node in nodes["items"]] == ["game-master"]
    # The cloud allows that port in these tests.
    assert not await answers(game, 6443)


async def answers(game: Game, port: int) -> bool:
    """Whether anything answers at a port; the cloud accepts connections, which must go no further."""
    if not await reachable(game.address, port):
        return False
    reader, writer = await asyncio.open_connection(game.address, port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    try:
        async with asyncio.timeout(3):
            return bool(await reader.read(1))
    except (TimeoutError, OSError):
        return False
    finally:
        writer.close()


async def test_its_node_is_heard_from_or_all_on_it_would_soon_count_as_not_ready(game: Game) -> None:
    lease = await game.host.sh("kubectl --namespace kube-node-lease get lease game-master --output name")
    assert lease == "lease.coordination.k8s.io/game-master"


async def test_nobody_on_the_private_network_reaches_kubernetes_either(game: Game) -> None:
    """It listens on every address, for its pods' sake (docs/adr/0006); the packet filter is what keeps it shut."""
    assert "*:6443" in await game.host.sh("ss --no-header --listening --tcp --numeric")
    for port in (6443, 2379, 2380, 10250):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.open_connection(game.private_address, port)


async def test_secrets_are_encrypted_where_they_are_kept(game: Game) -> None:
    hidden, plain = secrets.token_hex(12), secrets.token_hex(12)
    await game.host.sh(f"kubectl create secret generic marked --from-literal=mark={hidden}")
    await game.host.sh(f"kubectl create configmap marked --from-literal=mark={plain}")
    # etcd's own files, as somebody with the disk reads them; what is no secret shows that one would be seen.
    files = "/var/lib/rancher/k3s/server/db/etcd"
    assert await game.host.sh(f"grep -rlaF {plain} {files} | wc -l") != "0"
    assert await game.host.sh(f"grep -rlaF {hidden} {files} | wc -l") == "0"
    await game.host.sh("kubectl delete secret/marked configmap/marked")


async def test_every_change_is_on_record_without_what_was_written(game: Game) -> None:
    mark = secrets.token_hex(12)
    await game.host.sh(f"kubectl create secret generic recorded --from-literal=mark={mark}")
    log = "/var/lib/rancher/k3s/server/logs/audit.log"
    assert "/api/v1/namespaces/default/secrets" in await game.host.sh(f"grep recorded {log} | tail -n 1")
    assert await game.host.sh(f"grep -c {mark} {log} || true") == "0"
    await game.host.sh("kubectl delete secret recorded")


async def test_rancher_answers_through_nginx(browser: Browser) -> None:
    assert await pong(browser)


async def test_rancher_takes_the_bootstrap_password(browser: Browser) -> None:
    login = {"username": "admin", "password": BOOTSTRAP_PASSWORD}
    url = f"https://{RANCHER}/v3-public/localProviders/local?action=login"
    async with browser.session() as session:
        async with session.post(url, json=login) as answer:
            assert answer.status == 201
        async with session.post(url, json={**login, "password": "another"}) as answer:
            assert answer.status == 401


async def test_the_bootstrap_password_is_no_part_of_what_the_host_shows(game: Game) -> None:
    found = await game.host.sh(
        f"grep -rl {BOOTSTRAP_PASSWORD} /etc /var/lib/shambhala /var/log /root /tmp 2>/dev/null || true; "
        f"journalctl --no-pager | grep -c {BOOTSTRAP_PASSWORD} || true"
    )
    assert found == "0"


@pytest.mark.parametrize(("part", "prefix", "name"), [("k3s", "", "k3s"), ("rancher", "helm_", "helm.tar.gz")])
async def test_a_download_that_fails_is_told_and_what_runs_goes_on(
    game: Game, browser: Browser, part: str, prefix: str, name: str
) -> None:
    step, own = game.step(f"gamemaster-{part}-setup"), game.environment.k3s.url.removesuffix("k3s")
    wrong = secrets.token_hex(32)
    there = step.given(**{f"{prefix}sha256": wrong})
    with pytest.raises(AssertionError, match=rf"/{name} has the SHA-256 \w{{64}} and not the pinned {wrong}; "):
        await game.host.run(step.command, there)
    missing = step.given(**{f"{prefix}sha256": wrong, f"{prefix}url": f"{own}nothing"})
    with pytest.raises(AssertionError, match="/nothing cannot be downloaded; check the setting under sources"):
        await game.host.run(step.command, missing)
    assert await game.host.sh("kubectl get --raw /readyz") == "ok"
    assert await pong(browser)


async def test_a_rancher_that_helm_cannot_install_is_told_and_the_one_before_runs_on(
    game: Game, browser: Browser
) -> None:
    step = game.step("gamemaster-rancher-setup")
    with pytest.raises(AssertionError, match=r"rancher: Helm could not install Rancher 0\.0\.1 from http.*; see the"):
        await game.host.run(step.command, step.given(version="0.0.1"))
    assert await pong(browser)
    await game.host.take([step])


async def pong(browser: Browser) -> bool:
    """Whether Rancher answers through nginx."""
    async with browser.session() as session, session.get(f"https://{RANCHER}/ping") as answer:
        return (answer.status, await answer.text()) == (200, "pong")


async def test_a_k3s_that_does_not_start_gives_way_to_the_one_before(game: Game) -> None:
    step = game.step("gamemaster-k3s-setup")
    spoiled = step.stdin.replace("cluster-init: true", "no-such: true").replace(
        "TimeoutStartSec=300", "TimeoutStartSec=9"
    )
    with pytest.raises(AssertionError, match=r"(?s)the one before it runs again.*provided but not defined: no-such"):
        await game.host.run(step.command, spoiled)
    assert await game.host.sh("kubectl get --raw /readyz") == "ok"
    assert await game.host.sh("systemctl show -P TimeoutStartUSec k3s") == "5min"


async def test_rancher_can_tell_its_agents_what_to_trust(game: Game) -> None:
    kept = await game.host.sh(
        "kubectl -n cattle-system get secret tls-ca -o jsonpath='{.data.cacerts\\.pem}' | base64 -d"
    )
    assert kept.strip() == game.environment.acme_ca_bundle.strip()


async def test_another_version_of_k3s_is_an_upgrade_in_place(game: Game) -> None:
    """What a change in common/versions.py comes to: another URL and SHA-256 for the same script."""
    step = game.step("gamemaster-k3s-setup")
    old, new = game.environment.k3s, game.environment.newer_k3s
    await game.host.sh("kubectl create configmap kept --from-literal=over=upgrades")
    assert game.host.said[step.name].startswith(f"k3s version {K3S.version} ")
    newer = step.stdin.replace(old.url, new.url).replace(old.sha256, new.sha256)
    running = "systemctl show -P MainPID k3s"
    before = await game.host.sh(running)
    try:
        with pytest.raises(AssertionError):
            await game.host.run(step.command, cut_before("restart", newer))
        # It was cut when all was written and the old one still ran.
        assert await game.host.sh(running) == before
        assert (await game.host.run(step.command, newer)).startswith(f"k3s version {NEWER_K3S} ")
        assert await game.host.sh(running) != before
        assert await game.host.sh("kubectl get configmap kept --output jsonpath={.data.over}") == "upgrades"
        # Of earlier upgrades, whose ages end their names.
        await game.host.sh(f"cd {SNAPSHOTS} && touch before-upgrade-$HOSTNAME-{{1,2,3,4}}")
        await game.host.take([step])
        kept = await game.host.sh(f"cd {SNAPSHOTS} && ls before-upgrade-* | sed 's/.*-//' | sort -n")
        assert len(kept.split()) == 3
        assert kept.split()[0] == "4"
    finally:
        await game.host.take([step])
    assert await game.host.sh("kubectl get --raw /readyz") == "ok"
    await game.host.sh("kubectl delete configmap kept")
