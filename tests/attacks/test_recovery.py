"""What is put right, and what survives."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from game_app.delivery import drone_postgres
from local_game.delivery_site import DeliverySite
from tests.attacks.attacks import Change, is_ours, settle
from tests.support.waiting import LONGEST_WAIT, until

pytestmark = pytest.mark.timeout(900)
SCRIPTS = Path(drone_postgres.__file__).parent / "scripts"


def test_t34_the_set_up_changes_nothing_when_nothing_was_bent_and_puts_right_what_was(
    site: DeliverySite, fell: Callable[[str], None]
) -> None:
    signatures = (site.folder / "secret-store" / "signatures" / "signatures.json").read_text()
    operator = site.as_operator()
    operator.ask("PATCH", "/repos/game/team-red/branch_protections/main", {"enable_push": True})
    operator.ask("DELETE", "/repos/game/team-blue/branch_protections/main")
    operator.ask("PUT", "/repos/game/team-red/collaborators/linus", {"permission": "admin"})
    site.as_drones_admin().ask("PATCH", "/api/repos/game/team-red", {"protected": False, "trusted": True})
    assert operator.get("/repos/game/team-red/branch_protections/main")["enable_push"] is True
    assert site.as_drones_admin().get("/api/repos/game/team-red")["protected"] is False
    fell("until the set-up looks, what was bent stays")
    assert "All is as planned" in site.set_up()
    for team in ("red", "blue"):
        assert operator.get(f"/repos/game/team-{team}/branch_protections/main")["enable_push"] is False
    assert "linus" not in {each["login"] for each in operator.all("/repos/game/team-red/collaborators")}
    assert site.as_drones_admin().get("/api/repos/game/team-red")["protected"] is True
    assert (site.folder / "secret-store" / "signatures" / "signatures.json").read_text() == signatures


class Job:
    """The job that dumps the database and restores it, here with a folder for its volume."""

    def __init__(self, site: DeliverySite, folder: Path) -> None:
        [container] = site.graph["delivery-postgres-backup"].inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"][
            "containers"
        ]
        given = {str(each["name"]): str(each["value"]) for each in container["env"]}
        self.dumps = folder / "dumps"
        self.dumps.mkdir()
        self.password = folder / "password"
        self.password.write_text(site.graph["delivery-postgres-secret"].inputs["stringData"]["password"])
        here = {**site.postgres.environment, "DUMPS": str(self.dumps), "PASSWORD": str(self.password)}
        assert given == {"PGHOST": "postgres", "PGUSER": here["PGUSER"]}
        self.environment = {**given, **here}

    def run(self, script: str, *arguments: str) -> tuple[int, str]:
        """Run a script of the program's. Gives its code and what it said."""
        done = subprocess.run(
            ["sh", str(SCRIPTS / script), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def dump(self) -> Path:
        """Make a dump."""
        code, said = self.run("dump.sh")
        assert code == 0, said
        return max(self.dumps.glob("*.dump"))


@pytest.fixture
def job(site: DeliverySite, tmp_path: Path) -> Job:
    return Job(site, tmp_path)


@contextmanager
def stopped(site: DeliverySite) -> Generator[None]:
    """Drone is away for a while, as it is while its database is restored."""
    assert site.drone is not None
    site.drone.stop()
    try:
        yield
    finally:
        site.drone.start()


@pytest.mark.parametrize("lost", [False, True], ids=["over what is there", "after the database was lost"])
def test_drones_database_restored_from_a_dump_goes_on_building(
    site: DeliverySite, proposed: Change, job: Job, lost: bool
) -> None:
    site.webhooks.delivered()
    # A build that runs while a dump is made runs in it for ever, until Drone's clean-up ends it.
    settle(site.as_drones_admin())
    before = site.builds.of("team-red")
    job.dump()
    _, later = site.webhooks.deliver(proposed.hook)
    assert site.runners["untrusted"].wait_for("game/team-red", LONGEST_WAIT, number=later["number"]) is not None
    settle(site.as_drones_admin())
    with stopped(site):
        if lost:
            site.postgres.ask("DROP SCHEMA public CASCADE")
            site.postgres.ask("CREATE SCHEMA public")
        code, said = job.run("restore.sh")
        assert code == 0, said
    assert site.builds.of("team-red") == before
    # Its next build has the number of the one that was lost.
    untrusted = site.runners["untrusted"]
    taken = len(untrusted.taken())
    _, build = site.webhooks.deliver(proposed.hook)
    assert build["number"] == later["number"]
    is_ours(site, until(lambda: untrusted.taken()[taken:])[-1])


def content(site: DeliverySite) -> str:
    """How often the database was changed: its builds, and the number of its tables."""
    return site.postgres.ask("SELECT (SELECT sum(build_id) FROM builds), count(*) FROM pg_tables")


def cut(dump: Path) -> None:
    """The list of what is in it is whole; the rest is not."""
    dump.write_bytes(dump.read_bytes()[:-2000])


def overwritten(dump: Path) -> None:
    dump.write_text("this is no dump")


@pytest.mark.parametrize("broken", [cut, overwritten])
def test_a_broken_dump_is_refused_and_leaves_the_database_as_it_was(
    site: DeliverySite, proposed: Change, job: Job, broken: Callable[[Path], None]
) -> None:
    assert proposed
    dump = job.dump()
    broken(dump)
    with stopped(site):
        before = content(site)
        code, said = job.run("restore.sh")
        assert (code, f"Nothing was restored: {dump} is not whole." in said) == (1, True), said
        assert content(site) == before


def test_a_dump_that_does_not_fit_leaves_the_database_as_it_was(site: DeliverySite, proposed: Change, job: Job) -> None:
    assert proposed
    job.dump()
    with stopped(site):
        # Something that the dump knows nothing of holds one of its tables.
        site.postgres.ask("CREATE VIEW held AS SELECT build_id FROM builds")
        try:
            before = content(site)
            code, said = job.run("restore.sh")
            assert code == 1
            assert "other objects depend on it" in said
            assert "Nothing was restored: the database is as it was before." in said
            assert content(site) == before
        finally:
            site.postgres.ask("DROP VIEW held")


def test_a_dump_that_is_not_there_is_said(site: DeliverySite, job: Job) -> None:
    before = content(site)
    assert job.run("restore.sh") == (1, f"Nothing was restored: there is no dump in {job.dumps}.\n")
    assert job.run("restore.sh", "/dumps/x.dump") == (1, "Nothing was restored: there is no dump /dumps/x.dump.\n")
    assert content(site) == before


def test_a_wrong_password_is_said_by_both_and_leaves_no_dump(site: DeliverySite, job: Job) -> None:
    dump, before = job.dump(), content(site)
    job.password.write_text("guessed")
    code, said = job.run("dump.sh")
    assert code != 0
    assert "password authentication failed" in said
    assert list(job.dumps.iterdir()) == [dump]
    with stopped(site):
        code, said = job.run("restore.sh")
        assert code == 1
        assert "password authentication failed" in said
        assert "Nothing was restored: the database does not let this in." in said
        assert content(site) == before
    job.password.unlink()
    assert job.run("dump.sh")[0] != 0


def test_while_drone_runs_nothing_is_restored(site: DeliverySite, job: Job) -> None:
    job.dump()
    assert site.as_drones_admin().get("/api/user") is not None
    code, said = job.run("restore.sh")
    assert (code, said) == (1, "Nothing was restored: Drone is still connected to the database; stop it first.\n")


def test_a_dump_that_is_not_whole_does_not_appear(site: DeliverySite, job: Job, tmp_path: Path) -> None:
    """As on a volume that loses what was written last."""
    dumping = tmp_path / "pg_dump"
    dumping.write_text(f"""#!/bin/sh
        {site.postgres.programs}/pg_dump "$@"
        for option in "$@"; do case "$option" in --file=*) truncate --size=-2000 "${{option#--file=}}" ;; esac; done
    """)
    dumping.chmod(0o700)
    job.environment["PATH"] = f"{tmp_path}:{job.environment['PATH']}"
    code, said = job.run("dump.sh")
    assert code != 0
    # What it says depends on what was cut: the end of a block, or all of one.
    assert "pg_restore: error" in said
    assert list(job.dumps.iterdir()) == []


def test_the_last_48_dumps_are_kept(job: Job) -> None:
    for minute in range(60):
        (job.dumps / f"2001-01-01T00{minute:02}00Z.dump").touch()
    newest = job.dump()
    kept = sorted(job.dumps.iterdir())
    assert len(kept) == 48
    assert kept[-1] == newest
    assert kept[0].name == "2001-01-01T001300Z.dump"
