"""What a player and an operator see of the program's Ingresses, by the ingress stand-in."""

from __future__ import annotations

import asyncio
import http.client
import resource
import ssl
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from board.nginx_ingress import CONNECTIONS_OF_A_CLIENT, LARGE_UPLOADS
from tests.localcloud.ingress.board import ADDRESS, Board
from tests.localcloud.ingress.player import LOAD_BALANCER, PLAYER, STRANGER, Answer, Player
from tests.support.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

HOSTS = {"gitea", "hunt", "drone", "grafana"}
MIB = 1 << 20


async def asked(player: Player, host: str, path: str = "/", **how: object) -> Answer:
    return await asyncio.to_thread(partial(player.ask, host, path, **how))  # pyright: ignore[reportArgumentType]


async def test_each_host_leads_to_its_own_pod_with_its_own_certificate(board: Board) -> None:
    hosts = board.program.hosts()
    assert hosts.keys() == HOSTS
    for pod, host in hosts.items():
        # The player trusts a certificate for this name alone.
        answer = await asked(board.player(), host)
        assert (answer.status, answer.told.pod, answer.told.headers["Host"]) == (200, pod, host)


async def test_an_unknown_host_gets_404_under_the_boards_own_certificate(board: Board) -> None:
    assert (await asked(board.player(), "nobody.blue.hunt-dev.example.org")).status == 404
    assert (await asked(board.player(), "nobody.example.org", port=80)).status == 404
    with pytest.raises(ssl.SSLCertVerificationError):
        await asked(board.player(), "nobody.hunt-dev.example.org")


async def test_plain_http_leads_to_https(board: Board) -> None:
    host = board.program.hosts()["hunt"]
    answer = await asked(board.player(), host, "/team?page=2", port=80)
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{host}:443/team?page=2")


@pytest.mark.parametrize(("pod", "mib"), [("hunt", 1), ("drone", 1), ("grafana", 1), ("gitea", 64)])
async def test_a_body_may_have_as_much_as_its_host_allows_and_no_byte_more(board: Board, pod: str, mib: int) -> None:
    host = board.program.hosts()[pod]
    assert (await asked(board.player(), host, method="POST", body=bytes(mib * MIB))).told.pod == pod
    # Refused by what the request says of its body, before any of the body is there.
    too_large = {"Content-Length": str(mib * MIB + 1)}
    assert (await asked(board.player(), host, method="POST", headers=too_large)).status == 413


async def test_websockets_pass_to_grafana_alone(board: Board) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    hosts = board.program.hosts()
    assert await asyncio.to_thread(_echoed, board.player(), hosts["grafana"], upgrade) == b"\x81\x05hello"
    for pod in sorted(HOSTS - {"grafana"}):
        assert "Upgrade" not in (await asked(board.player(), hosts[pod], headers=upgrade)).told.headers


def _echoed(player: Player, host: str, upgrade: dict[str, str]) -> bytes:
    """What comes back for a WebSocket's message."""
    with player.connect(443, host) as connection:
        lines = [f"{name}: {value}" for name, value in {"Host": host, **upgrade}.items()]
        connection.sendall("\r\n".join(["GET /api/live/ws HTTP/1.1", *lines, "", ""]).encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 101
        connection.sendall(b"\x81\x85\0\0\0\0hello")
        return connection.recv(7)


async def test_pods_learn_the_players_own_address_from_load_balancers_and_from_nobody_else(board: Board) -> None:
    host = board.program.hosts()["hunt"]
    forged = {"X-Real-IP": "192.0.2.99", "X-Forwarded-For": "192.0.2.99"}
    by_load_balancer = (await asked(board.player(), host, headers=forged)).told.headers
    assert by_load_balancer["X-Real-IP"] == PLAYER
    assert by_load_balancer["X-Forwarded-For"] == f"192.0.2.99, {PLAYER}"
    assert (by_load_balancer["X-Forwarded-Proto"], by_load_balancer["X-Forwarded-Port"]) == ("https", "443")
    past_it = (await asked(board.player(via=STRANGER), host, headers=forged)).told.headers
    assert past_it["X-Real-IP"] == STRANGER


async def test_a_connection_without_the_proxy_protocol_gets_no_answer(board: Board) -> None:
    host = board.program.hosts()["hunt"]
    with pytest.raises((OSError, http.client.HTTPException)):
        await asked(board.player(address=None, via=LOAD_BALANCER), host, port=80)


async def test_drones_internal_paths_lead_nowhere(board: Board) -> None:
    host = board.program.hosts()["drone"]
    internal = [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/rpc/v2/ping",
        "/varz",
        "/version",
    ]
    for path in [*internal, "/hook", "/api/badges/game/team-red/status.svg", "/api/stream", "/api/stream/"]:
        answer = await asked(board.player(), host, path)
        assert (answer.status, b"nginx/" in answer.body) == (502, False), path
    # Owners and repositories whose names only begin like these are Drone's pages.
    for path in ("/api/stream/game/team-red/1/1/1", "/hook-club/app", "/versions", "/debug-club/app/1"):
        assert (await asked(board.player(), host, path)).status == 200, path


async def test_a_path_that_leaves_what_is_blocked_is_not_read_as_blocked_by_nginx_and_as_inside_by_drone(
    board: Board,
) -> None:
    """nginx judges /metrics/../x as /x, and hands on /metrics/../x, where Drone answers with its metrics."""
    host = board.program.hosts()["drone"]
    for path in (
        "/metrics/../x",
        "/metrics/..",
        "/metrics/%2e%2E/x",
        "/metrics/..%2Fx",
        "/metrics/.%2e?x",
        "/rpc/v2/../../x",
    ):
        assert (await asked(board.player(), host, path)).status == 400, path
    for path in ("/src/branch/main/..hidden/a.b", "/compare/main...feature", "/a?next=/../b"):
        assert (await asked(board.player(), host, path)).told.path == path


async def test_large_uploads_are_few_at_once_whoever_sends_them(board: Board) -> None:
    host = board.program.hosts()["gitea"]

    def crowd() -> list[int]:
        """Statuses of one upload more than is allowed, and of a small one beside."""
        with ExitStack() as stack:
            for number in range(LARGE_UPLOADS):
                player = board.player(address=f"203.0.113.{number + 20}")
                connection = stack.enter_context(player.connect(443, host))
                connection.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2000000\r\n\r\n".encode())
                connection.sendall(bytes(1000))
            large = board.player().ask(host, method="POST", body=bytes(2 * MIB)).status
            return [large, board.player().ask(host, method="POST", body=bytes(1000)).status]

    assert await asyncio.to_thread(crowd) == [429, 200]


async def test_an_address_has_as_many_requests_at_once_as_it_may_and_leaves_room_for_others(board: Board) -> None:
    host, pod = board.program.hosts()["hunt"], board.pods["hunt"]

    def crowd() -> list[int]:
        """Statuses of one request more from the same address, and from another."""
        with ExitStack() as stack:
            for _ in range(CONNECTIONS_OF_A_CLIENT):
                connection = stack.enter_context(board.player().connect(443, host))
                connection.sendall(f"GET /wait HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            until(lambda: pod.waiting == CONNECTIONS_OF_A_CLIENT, lambda: f"{pod.waiting} came through\n{board.tail}")
            try:
                return [board.player(address=address).ask(host).status for address in (PLAYER, "203.0.113.8")]
            finally:
                pod.release.set()

    with many_files():
        assert await asyncio.to_thread(crowd) == [429, 200]


@contextmanager
def many_files() -> Generator[None]:
    """Let this process have as many files open as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_each_ingress_has_the_load_balancers_address(board: Board) -> None:
    for ingress in await board.items("Ingress"):
        assert ingress["status"]["loadBalancer"] == {"ingress": [{"ip": ADDRESS}]}
        meta = ingress["metadata"]
        assert await board.until_event(meta["namespace"], meta["name"], "AddedOrUpdated: ")


async def test_prometheus_reads_nginxs_own_numbers(board: Board) -> None:
    told = (await asked(board.player(address=None), "pod", "/metrics", port=9113)).body.decode()
    numbers = {name: int(value) for name, value in (line.split() for line in told.splitlines())}
    assert numbers["nginx_ingress_nginx_up"] == 1
    assert numbers["nginx_ingress_nginx_http_requests_total"] > 0
