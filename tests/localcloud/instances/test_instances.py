"""Machines in Docker, seen as a person sees an Instance: through SSH and through its ports."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace

import asyncssh
import pytest

from rehearsal.instances import InstanceError, Instances, leftovers, remove_all
from rehearsal.instances.docker import docker
from rehearsal.session import Block
from tests.localcloud.instances.cloud import (
    SSH,
    Cloud,
    echo_on,
    eventually,
    reachable,
    rule,
    tcp_echo,
    udp_echo,
    until_closed,
)

# The first test of all may have to install Docker and build the base image.
pytestmark = pytest.mark.timeout(600)


async def test_a_machine_executes_its_user_data_and_shows_the_host_key_it_was_given(cloud: Cloud) -> None:
    await cloud.boot(
        cloud.machine(
            "write_files:\n  - {path: /root/greeting, content: hello}\n"
            "users:\n  - {name: keeper, sudo: 'ALL=(ALL) NOPASSWD:ALL'}\n"
            "runcmd:\n  - [sh, -c, 'cat /root/greeting > /root/ran']\n"
        )
    )
    async with await cloud.enter() as machine:
        seen = await machine.run("cat /root/ran; echo; hostname; id -un keeper; cloud-init status")
        system = await machine.run("systemctl is-system-running; . /etc/os-release; echo $VERSION_CODENAME")
        assert str(seen.stdout).splitlines() == ["hello", "game-master", "keeper", "status: done"]
        assert str(system.stdout).splitlines() == ["running", "trixie"]


async def test_a_machine_without_user_data_lets_the_project_s_keys_in(cloud: Cloud) -> None:
    await cloud.boot(replace(cloud.machine(), user_data={}))
    connection = await eventually(
        lambda: asyncssh.connect(cloud.address, username="root", client_keys=[cloud.me], known_hosts=None, config=None)
    )
    async with connection:
        assert (await connection.run("id -u", check=True)).stdout == "0\n"


async def test_ssh_refuses_passwords_even_the_right_one(cloud: Cloud) -> None:
    await cloud.boot(cloud.machine("chpasswd: {expire: false, users: [{name: root, password: secret, type: text}]}\n"))
    (await cloud.enter()).close()
    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(
            cloud.address, username="root", password="secret", client_keys=None, known_hosts=None, config=None
        )
    assert await asyncssh.get_server_auth_methods(cloud.address, username="root") == ["publickey"]


async def test_only_open_ports_are_reachable_and_rules_change_while_it_runs(cloud: Cloud) -> None:
    machine = cloud.machine(echo_on(7001, 7002, 7003))
    await cloud.boot(machine, [SSH, rule("TCP", 7001)])
    (await cloud.enter()).close()
    assert await eventually(lambda: tcp_echo(cloud.address, 7001, b"one")) == b"one"
    assert not await reachable(cloud.address, 7002)
    standing_reader, standing_writer = await asyncio.open_connection(cloud.address, 7001)

    await cloud.instances.publish_ports(machine.id, cloud.address, [rule("TCP", 7002)])
    assert await tcp_echo(cloud.address, 7002, b"two") == b"two"
    assert not await reachable(cloud.address, 7001)
    assert not await reachable(cloud.address, 22)
    standing_writer.write(b"what stood goes on")
    standing_writer.write_eof()
    assert await standing_reader.read() == b"what stood goes on"
    standing_writer.close()

    await cloud.instances.publish_ports(machine.id, cloud.address, [])
    assert not await reachable(cloud.address, 7002)


async def test_a_rule_for_every_port_opens_what_the_machine_serves_and_no_more(cloud: Cloud) -> None:
    await cloud.boot(cloud.machine(echo_on(7001)), [rule("ANY", 1, 65535)])
    async with await cloud.enter() as machine:
        assert await eventually(lambda: tcp_echo(cloud.address, 7001, b"served")) == b"served"
        assert not await reachable(cloud.address, 7002)
        await machine.run("systemctl stop echo", check=True)
    await until_closed(cloud.address, 7001)


async def test_callers_outside_a_rule_s_source_are_refused(cloud: Cloud) -> None:
    somebody_else = cloud.session.address(Block.SERVICES, 99)
    elsewhere, only_one = rule("TCP", 7001, source="203.0.113.0/24"), rule("TCP", 7002, source=f"{somebody_else}/32")
    await cloud.boot(
        cloud.machine(echo_on(7001, 7002)), [SSH, elsewhere, only_one, rule("UDP", 7002, source="10.0.0.0/8")]
    )
    (await cloud.enter()).close()

    async def from_the_one() -> bytes:
        reader, writer = await asyncio.open_connection(cloud.address, 7002, local_addr=(somebody_else, 0))
        writer.write(b"let in")
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    assert await eventually(from_the_one) == b"let in"
    with pytest.raises(ConnectionResetError):
        await tcp_echo(cloud.address, 7002, b"not let in")
    assert not await reachable(cloud.address, 7001)
    with pytest.raises(OSError):  # noqa: PT011 (refused)
        await udp_echo(cloud.address, 7002, b"not let in")


async def test_udp_works_with_small_and_large_datagrams(cloud: Cloud) -> None:
    await cloud.boot(cloud.machine(echo_on(7001)), [SSH, rule("UDP", 7001)])
    (await cloud.enter()).close()
    assert await eventually(lambda: udp_echo(cloud.address, 7001, b"small")) == b"small"
    large = bytes(range(256)) * 100
    assert await udp_echo(cloud.address, 7001, large) == large
    answers = await asyncio.gather(*(udp_echo(cloud.address, 7001, str(n).encode()) for n in range(50)))
    assert answers == [str(n).encode() for n in range(50)]


async def test_many_sessions_at_once_carry_much_data_unharmed(cloud: Cloud) -> None:
    await cloud.boot(cloud.machine())
    async with await cloud.enter() as machine:
        megabytes = 8

        async def fetch(_: int) -> int:
            command = f"head -c {megabytes}M /dev/zero"
            return len((await machine.run(command, encoding=None, check=True)).stdout or b"")

        assert await asyncio.gather(*map(fetch, range(8))) == [megabytes * 2**20] * 8


async def test_a_port_that_a_program_of_this_host_holds_on_every_address_is_still_the_machine_s(cloud: Cloud) -> None:
    with socket.socket() as held, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held_udp:
        held.bind(("0.0.0.0", 0))  # noqa: S104 (that is the point)
        held.listen()
        port = held.getsockname()[1]
        held_udp.bind(("0.0.0.0", port))  # noqa: S104
        await cloud.boot(cloud.machine(echo_on(port)), [SSH, rule("TCP", port), rule("UDP", port)])
        (await cloud.enter()).close()
        assert await eventually(lambda: tcp_echo(cloud.address, port, b"mine")) == b"mine"
        assert await udp_echo(cloud.address, port, b"mine") == b"mine"
        assert len([left for left in await leftovers(cloud.session) if "packet filter" in left]) == 2
        await cloud.instances.close()
        assert not [left for left in await leftovers(cloud.session) if "packet filter" in left]


async def test_a_port_that_a_program_holds_at_the_very_address_is_an_error(cloud: Cloud) -> None:
    machine = cloud.machine()
    await cloud.instances.boot(machine)
    with socket.socket() as held:
        held.bind((cloud.address, 0))
        held.listen()
        port = held.getsockname()[1]
        with pytest.raises(InstanceError, match=f"TCP port {port} of {cloud.address} cannot be opened"):
            await cloud.instances.publish_ports(machine.id, cloud.address, [rule("TCP", port)])


async def test_two_machines_on_a_private_network_reach_each_other_there_and_only_there(cloud: Cloud) -> None:
    slot = cloud.session.slot
    first, second = f"10.{slot}.7.2", f"10.{slot}.7.3"
    await cloud.instances.create_network("net-1", f"10.{slot}.7.0/24")
    await cloud.boot(cloud.machine(networks={"net-1": first}))
    other = cloud.machine(echo_on(7001), name="other", networks={"net-1": second})
    other_address = cloud.session.address(Block.INSTANCES, 2)
    await cloud.boot(other, address=other_address)
    async with await cloud.enter(other_address) as machine:
        shown = str((await machine.run("ip -4 -o addr show dev eth0", check=True)).stdout)
        outside = shown.split()[3].partition("/")[0]
        async with await cloud.enter() as neighbour:
            assert first in str((await neighbour.run("ip -4 -o addr", check=True)).stdout)
            await neighbour.run(f"bash -c 'echo hi > /dev/tcp/{second}/7001'", check=True)
            closed = await neighbour.run(f"timeout 2 bash -c 'echo hi > /dev/tcp/{outside}/7001'")
            assert closed.exit_status != 0


async def test_a_private_network_can_be_attached_and_detached_while_the_machine_runs(cloud: Cloud) -> None:
    slot = cloud.session.slot
    await cloud.instances.create_network("net-1", f"10.{slot}.8.0/24")
    machine = cloud.machine()
    await cloud.boot(machine)
    async with await cloud.enter() as session:
        await cloud.instances.boot(replace(machine, networks={"net-1": f"10.{slot}.8.9"}))
        assert f"10.{slot}.8.9/24" in str((await session.run("ip -4 addr", check=True)).stdout)
        await cloud.instances.boot(machine)
        assert f"10.{slot}.8.9" not in str((await session.run("ip -4 addr", check=True)).stdout)
    await cloud.instances.remove_network("net-1")
    await cloud.instances.remove_network("net-1")


async def test_halting_and_booting_keeps_the_disk_and_the_rules(cloud: Cloud) -> None:
    machine = cloud.machine("runcmd:\n  - echo once >> /root/first-boots\n")
    await cloud.boot(machine)
    async with await cloud.enter() as session:
        await session.run("echo kept > /root/kept", check=True)
    await cloud.instances.halt(machine.id)
    await cloud.instances.halt(machine.id)
    assert not await reachable(cloud.address, 22)
    await cloud.instances.boot(machine)
    async with await cloud.enter() as session:
        assert (await session.run("cat /root/kept /root/first-boots")).stdout == "kept\nonce\n"


async def test_removing_leaves_nothing(cloud: Cloud) -> None:
    slot = cloud.session.slot
    await cloud.instances.create_network("net-1", f"10.{slot}.9.0/24")
    await cloud.instances.create_network("net-1", f"10.{slot}.9.0/24")
    machine = cloud.machine(networks={"net-1": f"10.{slot}.9.2"})
    await cloud.boot(machine)
    assert len(await leftovers(cloud.session)) == 3
    await cloud.instances.remove(machine.id)
    await cloud.instances.remove(machine.id)
    await cloud.instances.remove_network("net-1")
    assert await leftovers(cloud.session) == []
    assert not await reachable(cloud.address, 22)


async def test_after_a_crash_everything_can_be_removed_without_memory_of_it(cloud: Cloud) -> None:
    await cloud.instances.create_network("net-1", f"10.{cloud.session.slot}.9.0/24")
    await Instances(cloud.session).boot(cloud.machine())
    await remove_all(cloud.session)
    assert await leftovers(cloud.session) == []
    await remove_all(cloud.session)


async def test_a_restarted_daemon_goes_on_with_machines_that_still_run(cloud: Cloud) -> None:
    machine = cloud.machine(echo_on(7001))
    started = "stat --format %Z /proc/1"
    await cloud.boot(machine)
    async with await cloud.enter() as session:
        before = (await session.run(started, check=True)).stdout
        await cloud.instances.close()
        cloud.instances = Instances(cloud.session)
        await cloud.boot(machine, [SSH, rule("TCP", 7001)])
        async with await cloud.enter() as again:
            assert (await again.run(started, check=True)).stdout == before
    assert await eventually(lambda: tcp_echo(cloud.address, 7001, b"again")) == b"again"


async def test_a_machine_that_never_boots_serves_nothing_until_it_is_halted_and_booted(cloud: Cloud) -> None:
    machine = cloud.machine()
    cloud.instances.fail_next_boot()
    await cloud.boot(machine)
    await cloud.boot(machine)
    assert not await reachable(cloud.address, 22)
    await cloud.instances.halt(machine.id)
    await cloud.instances.boot(machine)
    (await cloud.enter()).close()


async def test_user_data_is_not_to_be_seen_from_docker(cloud: Cloud) -> None:
    machine = cloud.machine("write_files:\n  - {path: /root/token, content: hush-hush}\n")
    await cloud.boot(machine)
    container = (await docker("container", "ls", "--quiet", "--filter", f"label={cloud.session.label}")).strip()
    told = await docker("container", "inspect", container)
    assert json.loads(told)[0]["Config"]["Labels"]["shambhala.instance"] == machine.id
    assert "hush-hush" not in told
