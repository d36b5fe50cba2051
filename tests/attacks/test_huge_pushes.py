"""What a player sends to Gitea cannot fill the volume and the memory that all players share."""

from __future__ import annotations

import base64
import gzip
import http.client
import os
import random
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from game_app.scm.gitea.gitea_accounts import account_password
from local_game.delivery_site import DeliverySite
from tests.attacks.attacks import a_name
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(900)
Fell = Callable[[str], None]
MEBIBYTE = 2**20
ADA = "ada <ada@players.invalid> 0 +0000"


@contextmanager
def without(site: DeliverySite, key: str) -> Generator[None]:
    """Git has its own default for a while, where Gitea is told otherwise."""
    file = site.folder / "gitea" / "work" / "data" / "home" / ".gitconfig"
    kept = file.read_text()
    subprocess.run(["git", "config", "--file", file, "--unset-all", key], check=True)
    try:
        yield
    finally:
        file.write_text(kept)


def committed(folder: Path, versions: Sequence[bytes], *, compression: int = -1) -> bytes:
    """The pack with a commit for each version of one file, and before it the name of the last commit (40 bytes)."""
    stream = b"".join(
        f"commit refs/heads/main\ncommitter {ADA}\ndata 1\nx\nM 644 inline file\ndata {len(content)}\n".encode()
        + content
        + b"\n"
        for content in versions
    )

    def git(*arguments: str, given: bytes = b"") -> bytes:
        options = ("-c", f"core.compression={compression}", "-c", "core.bigFileThreshold=1g")
        return subprocess.run(
            ["git", *options, *arguments], cwd=folder, input=given, capture_output=True, check=True
        ).stdout

    git("init", "--quiet", "--initial-branch=main")
    git("fast-import", "--quiet", given=stream)
    last = git("rev-parse", "main").strip()
    return last + git("pack-objects", "--quiet", "--stdout", "--revs", given=b"main\n")


def pushed(site: DeliverySite, made: bytes, *, compressed: bool = False) -> tuple[int, str]:
    """Push a pack to a branch of the player's fork, as git does. Gives the bytes that were sent, and what was said."""
    site.git.fork("ada", "team-red")
    commit, pack = made[:40].decode(), made[40:]
    command = f"{'0' * 40} {commit} refs/heads/{a_name()}\0report-status side-band-64k"
    body = f"{len(command) + 4:04x}{command}0000".encode() + pack
    login = base64.b64encode(f"ada:{account_password(site.master, 'ada')}".encode()).decode()
    headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-git-receive-pack-request"}
    if compressed:
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    connection = http.client.HTTPConnection("127.0.0.1", site.gitea.port, timeout=60)
    try:
        connection.request("POST", "/ada/team-red.git/git-receive-pack", body, headers)
        return len(body), connection.getresponse().read().decode(errors="replace")
    finally:
        connection.close()


def room(site: DeliverySite) -> int:
    """Bytes that the player's fork takes on the volume."""
    fork = site.folder / "gitea" / "work" / "repositories" / "ada" / "team-red.git"
    return sum(file.stat().st_size for file in fork.rglob("*") if file.is_file())


def test_t27_a_huge_file_is_refused_with_a_word_that_says_why(site: DeliverySite, fell: Fell) -> None:
    def huge(folder: Path) -> Sequence[str]:
        (folder / "huge").write_bytes(os.urandom(33 * MEBIBYTE))
        return ()

    def push() -> None:
        site.git.push_to("ada", "team-red", "refs/for/main", {}, f"topic={a_name()}", also=huge)

    with pytest.raises(PermissionError, match=r"pack exceeds maximum allowed size \(32\.00 MiB\)"):
        push()
    with without(site, "receive.maxinputsize"):
        push()
        fell("33 MiB were kept")


def test_t27_a_push_that_is_small_on_its_way_and_huge_on_the_volume_is_refused(
    site: DeliverySite, tmp_path: Path, fell: Fell
) -> None:
    made = committed(tmp_path, [bytes(40 * MEBIBYTE)], compression=0)
    site.git.fork("ada", "team-red")
    before = room(site)
    sent, said = pushed(site, made, compressed=True)
    assert sent < MEBIBYTE
    assert "pack exceeds maximum allowed size" in said
    assert room(site) - before < MEBIBYTE
    with without(site, "receive.maxinputsize"):
        assert "unpack ok" in pushed(site, made, compressed=True)[1]
        assert room(site) - before > 40 * MEBIBYTE
        fell("a request of 40 KiB took 40 MiB of the volume")


def test_t27_many_versions_of_a_file_take_the_room_of_what_differs(
    site: DeliverySite, tmp_path: Path, fell: Fell
) -> None:
    content = random.Random(0).randbytes(MEBIBYTE)  # noqa: S311 - any that does not compress

    def versions(first: int) -> bytes:
        folder = tmp_path / str(first)
        folder.mkdir()
        return committed(folder, [str(number).encode() + content for number in range(first, first + 30)])

    site.git.fork("ada", "team-red")
    before = room(site)
    sent, said = pushed(site, versions(0))
    assert "unpack ok" in said
    assert room(site) - before < sent + MEBIBYTE / 4
    before = room(site)
    with without(site, "receive.unpacklimit"):
        sent, said = pushed(site, versions(100))
        assert "unpack ok" in said
        assert room(site) - before > 10 * sent
        fell("one push took ten times its size and more")


def test_t27_an_enormous_file_that_compresses_well_takes_little_of_giteas_memory(
    site: DeliverySite, tmp_path: Path, fell: Fell
) -> None:
    made = committed(tmp_path, [bytes(128 * MEBIBYTE)])
    assert len(made) < MEBIBYTE
    (tmp_path / "pack").write_bytes(made[40:])

    def memory(repository: Path) -> int:
        """KiB that git takes at most to read it, told by Gitea's own file what git is to do."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(site.folder / "gitea" / "work" / "data" / "home")}
        subprocess.run(["git", "init", "--quiet", "--bare", repository], env=environment, check=True)
        # A process of its own in between: whatever this one takes would count as its child's.
        measure = (
            "import resource, subprocess; subprocess.run(['git', 'index-pack', '--stdin'], check=True, stdout=-3);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        with (tmp_path / "pack").open("rb") as given:
            command = [sys.executable, "-S", "-c", measure]
            return int(subprocess.check_output(command, stdin=given, cwd=repository, env=environment))

    assert memory(tmp_path / "with") < 64 * 1024
    with without(site, "core.bigfilethreshold"):
        assert memory(tmp_path / "without") > 128 * 1024
        fell("a push of 128 KiB took 128 MiB of memory")


def asked(
    site: DeliverySite, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> int:
    """The status of Gitea's answer to a player; 0: it has none within a second."""
    login = base64.b64encode(f"ada:{account_password(site.master, 'ada')}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", site.gitea.port, timeout=1)
    try:
        connection.request(method, path, body, {"Authorization": f"Basic {login}", **(headers or {})})
        return connection.getresponse().status
    except TimeoutError:
        return 0
    finally:
        connection.close()


def test_t27_no_archive_is_made_that_would_stay_for_a_day(site: DeliverySite) -> None:
    assert asked(site, "GET", "/api/v1/repos/game/team-red/archive/main.zip") in {0, 404, 500}
    until(lambda: "unable to write archive" in site.gitea.log, lambda: site.gitea.log[-1000:])


def test_t27_nothing_is_attached_to_an_issue(site: DeliverySite) -> None:
    _, made = site.as_player("ada").ask("POST", "/repos/game/team-red/issues", {"title": "huge"})
    form = b'--x\r\nContent-Disposition: form-data; name="attachment"; filename="a.txt"\r\n\r\nx\r\n--x--\r\n'
    path = f"/api/v1/repos/game/team-red/issues/{made['number']}/assets"
    assert asked(site, "POST", path, form, {"Content-Type": "multipart/form-data; boundary=x"}) == 404
