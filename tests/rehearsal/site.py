"""One rehearsal as its operator has it: the commands of the README, and the stack through the real engine."""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from pulumi import automation as auto
from rich.console import Console

from rehearsal import engine, stack_file, up
from rehearsal.api_client import ask
from rehearsal.configuration import ZONE
from rehearsal.progress import EngineProgress
from rehearsal.session import Session, claim, find
from tests.support.tools import tools
from tests.support.waiting import LONGEST_WAIT

ROOT = Path(__file__).parents[2]
INSTANCE = "/instance/v1/zones/fr-par-1"
CLUSTERS = "/k8s/v1/regions/fr-par/clusters"


class Rehearsal:
    """A rehearsal of this name, in the state folder that $XDG_STATE_HOME names."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def session(self) -> Session:
        session = find(self.name)
        assert session is not None
        return session

    @property
    def stands(self) -> bool:
        return find(self.name) is not None

    def command(self, *arguments: str) -> str:
        """What `python -m rehearsal ARGUMENTS` printed; it must have worked."""
        done = self._cli(*arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What `python -m rehearsal ARGUMENTS` printed; it must have failed."""
        done = self._cli(*arguments)
        assert done.returncode == 1, done.stdout
        return done.stdout

    def _cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rehearsal", *arguments, "--name", self.name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def up_until(self, reached: Callable[[str], bool]) -> None:
        """Begin an `up`, and kill the engine as soon as something is so; returns once all has ended.

        reached: asked again and again, with what the operator has read so far.
        """
        with subprocess.Popen(
            [sys.executable, "-u", "-m", "rehearsal", "up", "--name", self.name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as command:
            printed: list[str] = []
            reader = threading.Thread(target=lambda: printed.extend(command.stdout or ()))
            reader.start()
            while not reached("".join(printed)):
                assert command.poll() is None, f"it ended before:\n{''.join(printed)}"
                time.sleep(0.05)
            for engine in _engines_of(command.pid):
                os.kill(engine, signal.SIGKILL)
            reader.join()

    def open(self, given: Mapping[str, Any] | None = None) -> auto.Stack:
        """The stack on a running cloud; `given` replaces settings."""
        return up.open_stack(claim(self.name), tools(), _silent(), given)

    def setting(self, key: str) -> Any:
        """The rehearsal's own value of a setting."""
        return stack_file.settings(self.session)[key]

    def up(self, given: Mapping[str, Any] | None = None) -> dict[str, int]:
        """Raise it with some settings replaced; operation to number of resources."""
        return engine.update(self.open(given), EngineProgress(_silent()))

    def recover(self) -> str:
        """What the program's own `recover` printed, on the rehearsal's stack."""
        # Which takes away the killed engine's lock, as `pulumi cancel` does.
        self.open()
        return self._program_s_own("recover")

    def backup(self, what: str, file: Path) -> str:
        """What the program's own `backup` or `restore` printed, on the rehearsal's stack."""
        return self._program_s_own(what, file)

    def _program_s_own(self, command: str, *arguments: str | Path) -> str:
        stack = engine.stack_name(self.session)
        return output(
            [sys.executable, "-m", "cli", command, stack, *arguments],
            cwd=ROOT,
            env=engine.own_environment(self.session),
        )

    def ask_cloud(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the rehearsal's Scaleway API, by its own account."""
        return ask(self.session, method, path, body)

    def answer(self, label: str, kind: str = "A") -> str:
        """What the game's name server says of a name below the zone, asked as a player's machine does."""
        [server] = self.ask_cloud("GET", f"{INSTANCE}/servers")["servers"]
        return output(["dig", "+short", f"@{server['public_ip']['address']}", f"{label}.{ZONE}", kind])

    def kubectl(self, *arguments: str, board: str = "") -> str:
        """What kubectl printed, run as the operator would: on the active board, or on one that has a name."""
        file = self._kubeconfig_of(board) if board else self.session.home / "kubeconfig"
        return output([tools().control_plane / "kubectl", f"--kubeconfig={file}", *arguments])

    def names_signed_in(self, namespace: str, secret: str, *, board: str = "") -> list[str]:
        """The names of the certificate in a Secret, if the rehearsal's authority has signed it."""
        where = (f"--namespace={namespace}", "--ignore-not-found", "--output=jsonpath={.data.tls\\.crt}")
        held = base64.b64decode(self.kubectl("get", "secret", secret, *where, board=board))
        if not held:
            return []
        certificate = x509.load_pem_x509_certificate(held)
        signer = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        assert str(signer[0].value).startswith("Pebble Intermediate")
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.DNSName)

    def _kubeconfig_of(self, board: str) -> Path:
        """The kubeconfig that Scaleway gives a board's owner, in a file."""
        clusters = self.ask_cloud("GET", CLUSTERS)["clusters"]
        [cluster] = [each for each in clusters if each["name"].endswith(f"-{board}")]
        given = self.ask_cloud("GET", f"{CLUSTERS}/{cluster['id']}/kubeconfig")
        file = self.session.home / f"{board}.kubeconfig"
        file.write_bytes(base64.b64decode(given["content"]))
        return file


@contextmanager
def begun(name: str) -> Generator[Rehearsal]:
    """A rehearsal of that name and with a state folder of its own, taken down whatever happens in it."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as state:
        patch.setenv("XDG_STATE_HOME", state)
        game = Rehearsal(name)
        try:
            yield game
        finally:
            if game.stands:
                game.command("down")


def output(
    command: Sequence[str | Path], stdin: str = "", *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """What a command printed; it must have worked. env is added to this process's own."""
    done = subprocess.run(
        command,
        input=stdin,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_WAIT,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def counts(printed: str) -> dict[str, int]:
    """Operation to number of resources, as the last lines of `make rehearse` tell them."""
    [line] = re.findall(r"^Resources: (.*?)\.", printed, re.MULTILINE)
    return {operation: int(number) for number, operation in (part.split(" ", 1) for part in line.split(", "))}


def processes_below(folder: Path) -> list[str]:
    """The command lines of running programs that name a folder."""
    found: list[str] = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            # It ended meanwhile.
            continue
        if str(folder) in line:
            found.append(line)
    return found


def _engines_of(pid: int) -> list[int]:
    """The engines that a command has started."""
    deadline = time.monotonic() + LONGEST_WAIT
    while time.monotonic() < deadline:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += [int(word) for word in (thread / "children").read_text().split()]
        engines = [child for child in set(children) if Path(f"/proc/{child}/exe").resolve().name == "pulumi"]
        if engines:
            return engines
    raise AssertionError("no engine runs")


def _silent() -> Console:
    return Console(file=io.StringIO())
