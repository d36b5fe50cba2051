"""The program's own steps, as the engine would run them, and a host to run them on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncssh

from tests.support.monitor import Graph, run


@dataclass(frozen=True)
class Step:
    """One remote command of the program."""

    name: str
    command: str
    stdin: str
    delete: str

    @property
    def inputs(self) -> dict[str, str]:
        """What it works on: the last line of its standard input, behind its scripts."""
        return json.loads(self.stdin.rpartition("\n")[2])

    def given(self, **inputs: str) -> str:
        """Its standard input with some of its inputs changed; `_` in a name stands for `-`."""
        changed = self.inputs | {name.replace("_", "-"): text for name, text in inputs.items()}
        return f"{self.stdin.rpartition(chr(10))[0]}\n{json.dumps(changed)}"


def cut_before(command: str, stdin: str) -> str:
    """A step's standard input, with which it is killed where it would run `systemctl COMMAND`."""
    return f'systemctl() {{ [[ $1 != {command} ]] || kill -9 $$; command systemctl "$@"; }}\n{stdin}'


class StepError(AssertionError):
    """A step ended with an error; the text is what it said."""


def steps_of(program: Callable[[], object]) -> list[Step]:
    """Every remote command that a program registers, in the order in which one needs another."""
    graph = run(program, preview=False)
    found = {
        resource.name: Step(
            name=resource.name,
            command=resource.inputs["create"],
            stdin=resource.inputs["stdin"],
            delete=resource.inputs.get("delete") or "",
        )
        for resource in graph.of_type("command:remote:Command")
    }
    return [found[name] for name in _ordered(graph, found)]


def _ordered(graph: Graph, names: dict[str, Step]) -> list[str]:
    done: list[str] = []

    def visit(name: str) -> None:
        for needed in sorted(graph[name].depends_on & set(names)):
            if needed not in done:
                visit(needed)
        if name not in done:
            done.append(name)

    for name in names:
        visit(name)
    return done


@dataclass
class Host:
    """A host that a step runs on, over SSH."""

    connection: asyncssh.SSHClientConnection
    said: dict[str, str] = field(default_factory=dict[str, str])
    """Step to what it printed."""

    async def take(self, steps: Sequence[Step]) -> None:
        """Run steps one after another. Raises StepError at the first that fails."""
        for step in steps:
            self.said[step.name] = await self.run(step.command, step.stdin, step.name)

    async def run(self, command: str, stdin: str, name: str = "step") -> str:
        done = await self.connection.run(command, input=stdin)
        if done.exit_status:
            raise StepError(f"{name}: {done.stdout}{done.stderr}")
        return str(done.stdout).strip()

    async def sh(self, command: str) -> str:
        """What a command prints; it must succeed."""
        return await self.run(command, "")

    async def snapshot(self) -> str:
        """Everything that a script may change: files and links, their owners and modes, pending reloads, when units
        started or were reloaded (a timer's own ticks left out), and what Helm has installed.
        """
        return await self.sh(
            "find /etc /usr/local /var/lib/bind /var/lib/shambhala /var/lib/rancher/k3s/server/manifests "
            "/run/shambhala-pending-reloads \\( -name '*.jnl' -o -name ld.so.cache \\) -prune "
            "-o -type l -printf '%p %T@ %l\\n' -o -type f -printf '%p %m %u %T@ ' "
            "-exec sha256sum {} ';' 2>/dev/null | grep -v '/var/lib/bind/.*\\.state ' | sort; "
            "systemctl show -p Id,ActiveEnterTimestampMonotonic,StateChangeTimestampMonotonic,MainPID "
            "named nginx ssh shambhala-firewall k3s systemd-journald systemd-timesyncd; "
            "systemctl show -p Id,ActiveEnterTimestampMonotonic certbot.timer shambhala-records-drift-repair.timer "
            "shambhala-nightly-backup.timer; "
            "journalctl --unit named --output cat | grep -c \"command 'reconfig'\"; "
            "kubectl --namespace cattle-system get secrets --selector owner=helm --output name"
        )
