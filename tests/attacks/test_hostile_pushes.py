"""Pushes that no git makes by itself: what the hook that guards the main branch is told, it must have read whole."""

from __future__ import annotations

import base64
import http.client
import subprocess
from pathlib import Path

import pytest

from game_app.scm.gitea.gitea_accounts import account_password
from local_game.delivery_site import DeliverySite
from tests.attacks.attacks import a_name

pytestmark = pytest.mark.timeout(900)
ADA = "ada <ada@players.invalid> 0 +0000"
NONE = "0" * 40
SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
"""None that anybody made: git tells its hooks so, and refuses nothing."""
LONGEST_LINE = 64 * 1024
"""Bytes of a line after which Go's bufio.Scanner gives up."""


class Tree:
    """A change of a player's on top of a repository's main branch, and the requests that bring it."""

    def __init__(self, site: DeliverySite, folder: Path) -> None:
        self._site = site
        self.before = self.main()
        login = base64.b64encode(f"ada:{account_password(site.master, 'ada')}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}"}
        self._git = ["git", "-C", str(folder), "-c", f"http.extraHeader=Authorization: Basic {login}"]
        self.git("clone", "--quiet", "--bare", f"{site.gitea.url}/game/team-red.git", ".")
        stream = (
            f"commit refs/heads/main\ncommitter {ADA}\ndata 1\nx\nfrom {self.before}\nM 644 inline mine\ndata 1\nx\n"
        )
        self.git("fast-import", "--quiet", given=stream.encode())
        self.commit = self.git("rev-parse", "main").decode().strip()
        self.pack = self.git("pack-objects", "--quiet", "--stdout", "--revs", given=f"main\n^{self.before}\n".encode())

    def git(self, *arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run([*self._git, *arguments], input=given, capture_output=True, check=True).stdout

    def main(self) -> str:
        """The commit of the repository's main branch."""
        return str(self._site.as_operator().get("/repos/game/team-red/branches/main")["commit"]["id"])

    def push(self, lines: list[bytes]) -> str:
        """What git's receiving end says of a request of these lines, and the pack."""
        body = b"".join(f"{len(line) + 4:04x}".encode() + line for line in lines) + b"0000" + self.pack
        connection = http.client.HTTPConnection("127.0.0.1", self._site.gitea.port, timeout=60)
        headers = {**self._headers, "Content-Type": "application/x-git-receive-pack-request"}
        try:
            connection.request("POST", "/game/team-red.git/git-receive-pack", body, headers)
            return connection.getresponse().read().decode(errors="replace")
        finally:
            connection.close()


@pytest.fixture
def change(site: DeliverySite, tmp_path: Path) -> Tree:
    return Tree(site, tmp_path)


def test_t23_t32_a_line_that_the_hook_cannot_read_ends_the_push_and_not_the_reading(change: Tree) -> None:
    """The commands of a signed push may be longer than a packet, and so than a line that Gitea's hook reads.

    Before Gitea 1.26.0 its hook took such a line for the end, and let the rest through (CVE-2026-27780).
    """
    name = f"refs/heads/{'a' * (LONGEST_LINE + 1)}"
    commands = f"{NONE} {change.commit} {name}\n{change.before} {change.commit} refs/heads/main\n"
    certificate = f"certificate version 0.1\npusher {ADA}\nnonce x\n\n{commands}{SIGNATURE}".encode()
    pieces = [certificate[at : at + 60_000] for at in range(0, len(certificate), 60_000)]
    said = change.push([b"push-cert\0 report-status side-band-64k", *pieces, b"push-cert-end\n"])
    assert change.main() == change.before, said


@pytest.mark.parametrize("first", ["refs/for/main/{topic}", "refs/heads/{topic}", "refs/tags/{topic}"])
def test_t23_t32_a_reference_that_may_be_pushed_does_not_open_the_next(change: Tree, first: str) -> None:
    """Before Gitea 1.26.3 its hook asked once for all references of a push (CVE-2026-27775)."""
    names = (first.format(topic=a_name()), "refs/heads/main")
    olds = (NONE, change.before)
    lines = [f"{old} {change.commit} {name}".encode() for old, name in zip(olds, names, strict=True)]
    said = change.push([lines[0] + b"\0 report-status side-band-64k", lines[1]])
    assert change.main() == change.before, said
