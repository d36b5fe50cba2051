"""Continuous deployment on this machine: real Gitea, real Drone, the guard, and a recording runner.

Everything is configured by what the program renders. What differs from a board is in `on_this_machine`, and nowhere
else.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from common.keys import dns_key
from game_app.scm.gitea.app_ini import GIT_SCRIPT, GiteaSettings, app_ini
from game_app.scm.gitea.gitea_accounts import account_password, gitea_keys, setup_plan
from game_app.services.setup.service_client import ServiceClient
from game_app.source_control import SourceControl
from local_game.builds import Builds
from local_game.delivery_program import GITEA_ENDPOINT, delivery, gitea
from local_game.git import PlayersGit
from local_game.mounted import mounted
from local_game.programs import built
from local_game.rendering import rendered
from local_game.webhooks import Webhooks
from rehearsal.drone.daemons import Daemon, free_ports
from rehearsal.drone.postgres import Postgres
from rehearsal.drone.recording import RecordingRunner
from rehearsal.toolchain.building import module_folder
from rehearsal.toolchain.catalogue import DRONE, GITEA

ROOT: Final = Path(__file__).parents[1]
PLAYERS: Final = {
    "team-red": ["ada", "grace"],
    "team-blue": ["linus"],
    "team-green": ["green-1"],
    "team-gold": ["gold-1"],
}
OPERATOR: Final = "operator"
Tree = dict[str, Any]


class SiteError(Exception):
    """A process of the site did not do its work; the text holds what it said."""


class DeliverySite:
    """Gitea, Drone, its database, the guard and the runners, in one folder."""

    def __init__(
        self, folder: Path, players: Mapping[str, list[str]] | None = None, *, for_a_person: bool = False
    ) -> None:
        """players: name of each team's repository to its players.

        for_a_person: Gitea calls itself by its address on this machine, at which a browser finds it; else by the name
        that players have for it, which leads nowhere here, as it leads nowhere from a build.
        """
        self._for_a_person = for_a_person
        self.folder = folder
        self.players = players or PLAYERS
        self.master = dns_key()
        self.gitea_port, self.drone_port, self.guard_port = free_ports(3)
        self.graph = rendered(lambda: delivery(self.master, self.players))
        self.postgres = Postgres(str(self.graph["delivery-postgres-secret"].inputs["stringData"]["password"]))
        self.gitea = self._gitea()
        self.guard = self._guard()
        self.drone: Daemon | None = None
        self.runners: dict[str, RecordingRunner] = {}
        self.git = PlayersGit(self)
        self.webhooks = Webhooks(self)
        self.builds = Builds(self)

    @property
    def source_control(self) -> SourceControl:
        """Gitea as the rest of the game knows it."""
        return gitea(self.master, self.players)

    def _gitea(self) -> Daemon:
        home = self.folder / "gitea"
        keys = home / "secrets"
        keys.mkdir(parents=True)
        for name, key in gitea_keys(self.master).items():
            (keys / name).write_text(key)
        settings = GiteaSettings(
            root_url=f"http://127.0.0.1:{self.gitea_port}/"
            if self._for_a_person
            else f"https://{GITEA_ENDPOINT.host}/",
            drone_host="127.0.0.1",
            address="127.0.0.1",
            port=self.gitea_port,
            work_path=str(home / "work"),
            secrets=str(keys),
            static_path=str(module_folder(GITEA, "gitea.dev")),
            git_path=str(GIT_SCRIPT),
            log_level="Warn",
        )
        (home / "app.ini").write_text(app_ini(settings))
        # The tests may run as root, which Gitea does not like.
        env = {"GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true"}
        command = [built(GITEA), "--config", home / "app.ini", "web"]
        return Daemon("gitea", command, self.gitea_port, home, health="/api/healthz", env=env)

    def _guard(self) -> Daemon:
        home = self.folder / "guard"
        (home / "pipelines").mkdir(parents=True)
        for name, text in self.graph["delivery-guard-pipelines"].inputs["data"].items():
            (home / "pipelines" / name).write_text(text)
        (home / "secrets").mkdir()
        for name, text in self.graph["delivery-guard-secrets"].inputs["stringData"].items():
            (home / "secrets" / name).write_text(text)
        command = [*mounted("guard", home / "app"), "--host=127.0.0.1", f"--port={self.guard_port}"]
        command += [f"--pipelines={home}/pipelines", f"--secrets={home}/secrets"]
        command += [f"--signatures={self.folder}/secret-store/signatures"]
        return Daemon("guard", command, self.guard_port, home / "app", health="/healthz")

    def start_gitea(self) -> None:
        """Raise Gitea alone, and write the plan of the set-up, which has not run."""
        home = self.folder / "gitea"
        (home / "work").mkdir(exist_ok=True)
        (home / "token").mkdir()
        prepare = ROOT / "game_app" / "scm" / "gitea" / "scripts" / "prepare.sh"
        self._run(
            ["sh", prepare],
            {"GITEA": str(built(GITEA)), "GITEA_CONFIG": str(home / "app.ini"), "TOKEN": str(home / "token")},
        )
        self.gitea.start()
        self._write_plan()

    def start(self) -> None:
        """Raise everything. Nobody clicks anywhere."""
        self.postgres.start()
        self.start_gitea()
        self.guard.start()
        setup = subprocess.Popen(
            self._setup_command(), cwd=self.folder / "setup", stderr=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            self.drone = self._drone(self._application(setup))
            self.drone.start()
            _, said = setup.communicate(timeout=600)
            if setup.returncode:
                raise SiteError(f"The set-up failed:\n{said.decode()}")
        finally:
            setup.kill()
            setup.wait()

    def set_up(self) -> str:
        """Run the set-up once more. Gives what it said."""
        done = subprocess.run(
            self._setup_command(), cwd=self.folder / "setup", capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout + done.stderr

    def stop(self) -> None:
        for runner in self.runners.values():
            runner.close()
        for daemon in (self.drone, self.guard, self.gitea):
            if daemon is not None:
                daemon.stop()
        self.postgres.stop()

    def watch(self) -> None:
        """Have runners take builds, one of each kind, with the labels and the places that the program gives them."""
        for trust in ("untrusted", "deploy"):
            env = self._environment(f"delivery-runner-{trust}-deployment")
            key, _, value = str(env["DRONE_RUNNER_LABELS"]).partition(":")
            places = int(env["DRONE_RUNNER_CAPACITY"])
            self.runners[trust] = RecordingRunner(self.drone_url, self.rpc_secret, {key: value}, places=places)

    @property
    def drone_url(self) -> str:
        return f"http://127.0.0.1:{self.drone_port}"

    @property
    def rpc_secret(self) -> str:
        return str(self.graph["delivery-runner-deploy-secret"].inputs["stringData"]["DRONE_RPC_SECRET"])

    def _environment(self, deployment: str) -> Mapping[str, str]:
        container = self.graph[deployment].inputs["spec"]["template"]["spec"]["containers"][0]
        env = {str(each["name"]): str(each.get("value") or "") for each in container["env"]}
        if deployment == "delivery-drone-deployment":
            env |= self.graph["delivery-drone-secrets"].inputs["stringData"]
        return env

    def _drone(self, application: Mapping[str, str]) -> Daemon:
        home = self.folder / "drone"
        home.mkdir()
        env = {**self._environment("delivery-drone-deployment"), **self.on_this_machine(application)}
        return Daemon("drone", [built(DRONE)], self.drone_port, home, health="/healthz", env=env)

    def on_this_machine(self, application: Mapping[str, str]) -> Mapping[str, str]:
        """What is different here: addresses."""
        host = f"127.0.0.1:{self.drone_port}"
        return {
            "DRONE_SERVER_HOST": host,
            "DRONE_SERVER_PROTO": "http",
            "DRONE_SERVER_PORT": f":{self.drone_port}",
            "DRONE_SERVER_PROXY_HOST": host,
            "DRONE_COOKIE_SECURE": "false",
            "DRONE_GITEA_SERVER": self.gitea.url,
            "DRONE_GITEA_CLIENT_ID": application["id"],
            "DRONE_GITEA_CLIENT_SECRET": application["secret"],
            "DRONE_YAML_ENDPOINT": f"{self.guard.url}/config",
            "DRONE_VALIDATE_PLUGIN_ENDPOINT": f"{self.guard.url}/validate",
            "DRONE_WEBHOOK_ENDPOINT": f"{self.guard.url}/ended",
            "DRONE_DATABASE_DATASOURCE": self.data_source("drone"),
            # Short, so that a slow guard does not make the tests slow.
            "DRONE_YAML_TIMEOUT": "1s",
        }

    def data_source(self, database: str) -> str:
        """Where Drone finds a database of that name."""
        given = self._environment("delivery-drone-deployment")["DRONE_DATABASE_DATASOURCE"]
        account, at, place = given.partition("@postgres:5432/drone?")
        if not at:
            raise SiteError("The program names another database than postgres:5432/drone.")
        return f"{account}@127.0.0.1:{self.postgres.port}/{database}?{place}"

    def _write_plan(self) -> None:
        env = self._environment("delivery-drone-deployment")
        token = re.search(r"token:(\w+)", env["DRONE_USER_CREATE"])
        if token is None:
            raise SiteError("The program gives Drone no account for the set-up.")
        self.drone_token = token[1]
        made = setup_plan(
            components=["portal"],
            teams=self.players,
            master_key=self.master,
            scm_url=self.gitea.url,
            drone_url=self.drone_url,
            drone_public_url=self.drone_url,
            drone_token=self.drone_token,
        )
        (self.folder / "plan.json").write_text(json.dumps(made))

    def _setup_command(self) -> list[str]:
        return [
            *mounted("setup", self.folder / "setup"),
            *("--scm=gitea", "--once", "--timeout=60"),
            *("--plan", str(self.folder / "plan.json"), "--pipelines", str(self.folder / "guard" / "pipelines")),
            *("--token", str(self.folder / "gitea" / "token" / "token"), "--folder", str(self.folder / "secret-store")),
        ]

    def _application(self, setup: subprocess.Popen[bytes]) -> Mapping[str, str]:
        """Drone's OAuth application, once the set-up has made it."""
        folder = self.folder / "secret-store" / "application"
        # Every account and repository comes before it.
        deadline = time.monotonic() + 300
        while not all((folder / name).exists() for name in ("id", "secret")):
            if setup.poll() is not None or time.monotonic() > deadline:
                raise SiteError(f"The set-up made no application: {setup.communicate()[1].decode()}")
            time.sleep(0.05)
        return {name: (folder / name).read_text() for name in ("id", "secret")}

    def _run(self, command: list[Any], env: Mapping[str, str]) -> None:
        done = subprocess.run(
            command, env={**os.environ, **self.gitea.env, **env}, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SiteError(done.stderr)

    def as_player(self, name: str) -> ServiceClient:
        """Gitea's API, asked by an account."""
        return ServiceClient.by_password(f"{self.gitea.url}/api/v1", name, account_password(self.master, name))

    def as_operator(self) -> ServiceClient:
        token = (self.folder / "gitea" / "token" / "token").read_text().strip()
        return ServiceClient.by_token(f"{self.gitea.url}/api/v1", token)

    def as_drones_admin(self) -> ServiceClient:
        return ServiceClient.by_token(self.drone_url, self.drone_token, scheme="Bearer")
