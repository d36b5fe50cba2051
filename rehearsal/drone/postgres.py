"""Debian's PostgreSQL in a folder of its own, on loopback, for as long as something asks it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rehearsal.drone.daemons import START_TIMEOUT, DaemonError, end, free_ports

USER: Final = "drone"
"""Its one account, which may do everything, and the database that it has from the start: as the image makes them."""
_SERVERS: Final = Path("/usr/lib/postgresql")
_NOBODY: Final = "nobody"


class Postgres:
    """One server, whose account logs in by a password."""

    def __init__(self, password: str) -> None:
        found = sorted(_SERVERS.glob("*/bin"), key=lambda folder: int(folder.parent.name))
        if not found:
            raise DaemonError("PostgreSQL is missing: Debian's package postgresql")
        self.programs = found[-1]
        """Folder with the server and what asks it, which all are of one version."""
        [self.port] = free_ports(1)
        self._password = password
        self._home = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """What the programs that ask it need, but for the password."""
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": USER,
        }

    def start(self) -> None:
        """Make it from nothing, and wait until it answers."""
        password = self._home / "password"
        password.write_text(self._password)
        # It does not run as root.
        owner = pwd.getpwnam(_NOBODY) if os.geteuid() == 0 else None
        user, group, groups = (owner.pw_uid, owner.pw_gid, ()) if owner else (None, None, None)
        if owner:
            for path in (self._home, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        data = self._home / "data"
        making = [self.programs / "initdb", f"--pgdata={data}", f"--username={USER}", f"--pwfile={password}"]
        making += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(
            making,
            cwd=self._home,
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=group,
            extra_groups=groups,
        )
        password.unlink()
        if done.returncode:
            raise DaemonError(f"PostgreSQL made no database: {done.stderr}")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            # What is in it ends with it.
            "fsync": "off",
        }
        command = [self.programs / "postgres", "-D", data, *(f"--{key}={value}" for key, value in settings.items())]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=group,
                extra_groups=groups,
            )
        self._wait(self._process)
        self.ask(f"CREATE DATABASE {USER}", "postgres")

    def ask(self, query: str, database: str = USER) -> str:
        """The answer to one statement, a line for each row. Raises DaemonError with what refused."""
        return self._run(["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", query, database])

    def copy(self, to: str) -> None:
        """Make another database of what the first one holds."""
        self.ask(f"CREATE DATABASE {to}")
        file = self._home / f"{to}.dump"
        self._run(["pg_dump", "--format=custom", f"--file={file}", USER])
        self._run(["pg_restore", "--exit-on-error", f"--dbname={to}", str(file)])
        file.unlink()

    def stop(self) -> None:
        """End it, and remove what it held."""
        if self._process is not None:
            # Without waiting for whoever is still connected.
            end(self._process, signal.SIGINT)
            self._process = None
        shutil.rmtree(self._home, ignore_errors=True)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        asking = [self.programs / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        while subprocess.run(asking, check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise DaemonError(f"PostgreSQL does not answer. Its log:\n{(self._home / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def _run(self, command: list[str]) -> str:
        environment = {**self.environment, "PGPASSWORD": self._password}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DaemonError(done.stderr)
        return done.stdout.strip()
