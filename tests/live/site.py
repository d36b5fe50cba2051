"""The game's continuous deployment on this machine: real Gitea, real Drone, the guard, and a recording runner.

Everything is configured by what the program renders. What differs from a board is in `on_this_machine`, and nowhere
else.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import secrets
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import pulumi
from pulumi_kubernetes import Provider

from common.keys import dns_key
from common.settings import Secret
from common.versions import Images
from game_app.delivery.continuous_deployment import Delivery, DeliveryArgs
from game_app.guard.pipelines import pipeline_files
from game_app.ingress import Endpoint
from game_app.scm.gitea.app_ini import GiteaSettings, app_ini
from game_app.scm.gitea.gitea_accounts import account_password, gitea_keys, gitea_source_control, setup_plan
from game_app.services.setup.service_client import ServiceClient
from game_app.source_control import SourceControl
from rehearsal.drone.daemons import Daemon, free_ports
from rehearsal.drone.postgres import Postgres
from rehearsal.drone.recording import RecordingRunner, Taken
from rehearsal.toolchain.building import module_folder
from rehearsal.toolchain.catalogue import DRONE, GITEA
from tests.services.mounted import mounted
from tests.tools import built
from tests.unit.monitor import run
from tests.unit.programs import API, delivery_settings, registry

ROOT: Final = Path(__file__).parents[2]
GITEA_ENDPOINT, DRONE_ENDPOINT = (
    Endpoint(host=f"{name}.hunt.example.org", ingress_class="nginx", cluster_issuer="acme") for name in ("git", "drone")
)
PLAYERS: Final = {
    "team-red": ["ada", "grace"],
    "team-blue": ["linus"],
    "team-green": ["green-1"],
    "team-gold": ["gold-1"],
}
OPERATOR: Final = "operator"
Tree = dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """A webhook from Gitea to Drone."""

    number: int
    event: str
    request: Tree
    status: int
    """Of Drone's answer; 0: it has not come."""


class Site:
    """All of it, in one folder."""

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
        self.graph = run(self._program, preview=False)
        self.postgres = Postgres(str(self.graph["delivery-postgres-secret"].inputs["stringData"]["password"]))
        self.gitea = self._gitea()
        self.guard = self._guard()
        self.drone: Daemon | None = None
        self.runners: dict[str, RecordingRunner] = {}

    @property
    def source_control(self) -> SourceControl:
        """Gitea as the rest of the game knows it."""
        players = [player for names in self.players.values() for player in names]
        return gitea_source_control(delivery_settings(master_key=Secret(self.master)), GITEA_ENDPOINT, players)

    def _program(self) -> None:
        source_control = self.source_control
        images_registry = registry("{}")
        Delivery(
            "delivery",
            DeliveryArgs(
                settings=delivery_settings(master_key=Secret(self.master)),
                images=Images(),
                endpoint=DRONE_ENDPOINT,
                source_control=source_control,
                pipelines=pipeline_files(
                    organisation=source_control.organisation,
                    components=["portal"],
                    teams=list(self.players),
                    source=source_control.builds_url,
                    registry=images_registry.folder,
                    images=Images(),
                ),
                component_namespace="game",
                teams={team: team for team in self.players},
                registry=images_registry,
                api=API,
            ),
            opts=pulumi.ResourceOptions(providers=[Provider("board")]),
        )

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
        command += [f"--signatures={self.folder}/vault/signatures"]
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
            assert setup.returncode == 0, said.decode()
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
            # A guard that is slow must not make these tests so.
            "DRONE_YAML_TIMEOUT": "1s",
        }

    def data_source(self, database: str) -> str:
        """Where Drone finds a database of that name."""
        given = self._environment("delivery-drone-deployment")["DRONE_DATABASE_DATASOURCE"]
        account, at, place = given.partition("@postgres:5432/drone?")
        assert at, "the program names another database"
        return f"{account}@127.0.0.1:{self.postgres.port}/{database}?{place}"

    def _write_plan(self) -> None:
        env = self._environment("delivery-drone-deployment")
        token = re.search(r"token:(\w+)", env["DRONE_USER_CREATE"])
        assert token is not None
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
            *("--token", str(self.folder / "gitea" / "token" / "token"), "--folder", str(self.folder / "vault")),
        ]

    def _application(self, setup: subprocess.Popen[bytes]) -> Mapping[str, str]:
        """Drone's OAuth application, once the set-up has made it."""
        folder = self.folder / "vault" / "application"
        # Every account and repository comes before it.
        deadline = time.monotonic() + 300
        while not all((folder / name).exists() for name in ("id", "secret")):
            if setup.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the set-up made no application: {setup.communicate()[1].decode()}")
            time.sleep(0.05)
        return {name: (folder / name).read_text() for name in ("id", "secret")}

    def _run(self, command: list[Any], env: Mapping[str, str]) -> None:
        done = subprocess.run(
            command, env={**os.environ, **self.gitea.env, **env}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    # What people do.

    def as_player(self, name: str) -> ServiceClient:
        """Gitea's API, asked by an account."""
        return ServiceClient.by_password(f"{self.gitea.url}/api/v1", name, account_password(self.master, name))

    def as_operator(self) -> ServiceClient:
        token = (self.folder / "gitea" / "token" / "token").read_text().strip()
        return ServiceClient.by_token(f"{self.gitea.url}/api/v1", token)

    def as_drones_admin(self) -> ServiceClient:
        return ServiceClient.by_token(self.drone_url, self.drone_token, scheme="Bearer")

    def fork(self, player: str, repository: str) -> None:
        """Fork a repository of the game, unless the player has."""
        own = self.as_player(player)
        if own.get(f"/repos/{player}/{repository}") is None:
            own.ask("POST", f"/repos/game/{repository}/forks", {})

    def propose(
        self, player: str, repository: str, branch: str, files: Mapping[str, str], *, title: str = "A change"
    ) -> str:
        """Open a pull request from a fork with other files. Gives its commit."""
        self.fork(player, repository)
        own = self.as_player(player)
        changes = [
            {"operation": "create", "path": path, "content": base64.b64encode(text.encode()).decode()}
            for path, text in files.items()
        ]
        own.ask(
            "POST",
            f"/repos/{player}/{repository}/contents",
            {"branch": "main", "new_branch": branch, "message": title, "files": changes},
        )
        _, opened = own.ask(
            "POST",
            f"/repos/game/{repository}/pulls",
            {"base": "main", "head": f"{player}:{branch}", "title": title},
        )
        return str(opened["head"]["sha"])

    def build_of(self, repository: str, commit: str, *, trust: str = "untrusted", seconds: float = 30) -> Taken | None:
        """The build that a runner was given for a commit."""
        return self.runners[trust].wait_for(f"game/{repository}", seconds, commit=commit)

    def deliver(self, hook: Hook, *, port: int | None = None) -> tuple[int, Tree]:
        """Deliver a webhook of Gitea's once more, to Drone or to another one. Gives its answer: a build, or why not."""
        path = f"/hook?{urlsplit(str(hook.request['url'])).query}"
        body = str(hook.request["body"]).encode()
        return asked(port or self.drone_port, "POST", path, body, hook.request["headers"])

    def taken(self) -> list[Taken]:
        """Every build that any runner was given."""
        return [each for runner in self.runners.values() for each in runner.taken()]

    def builds(self, repository: str) -> list[Tree]:
        """A repository's last 25 builds in Drone, the newest first."""
        return list(self.as_drones_admin().get(f"/api/repos/game/{repository}/builds") or [])

    def last_build(self, repository: str) -> int:
        """Number of a repository's last build."""
        return max((build["number"] for build in self.builds(repository)), default=0)

    def built(self, repository: str, commit: str) -> list[Tree]:
        """Drone's builds of one commit."""
        return [build for build in self.builds(repository) if build["after"] == commit]

    def last_hook(self) -> int:
        """Number of the last webhook that Gitea has for Drone."""
        return max((hook.number for hook in self._hooks()), default=0)

    def answered(self, what: str, *, after: int = 0, seconds: float = 20) -> list[Hook]:
        """The webhooks whose body holds a text, once Drone has answered them all.

        Drone decides about a build while it answers: what it has no build of then, it never builds.
        after: number of the last webhook that is not meant. Raises AssertionError where none comes.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = [hook for hook in self._hooks(what) if hook.number > after]
            if found and all(hook.status for hook in found):
                return found
            assert time.monotonic() < deadline, f"Drone has not answered {what}: {found}"
            time.sleep(0.05)

    def delivered(self, seconds: float = 20) -> None:
        """Wait until Gitea has no webhook left to deliver: what happened before has its build, or never will."""
        deadline = time.monotonic() + seconds
        database = self.folder / "gitea" / "work" / "gitea.db"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            while opened.execute("SELECT count(*) FROM hook_task WHERE NOT is_delivered").fetchone()[0]:
                assert time.monotonic() < deadline, "Gitea has not delivered its webhooks"
                time.sleep(0.05)

    def _hooks(self, what: str = "") -> list[Hook]:
        """Gitea's own record of its webhooks."""
        database = self.folder / "gitea" / "work" / "gitea.db"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            query = "SELECT id, event_type, request_content, response_content FROM hook_task"
            rows = opened.execute(f"{query} WHERE instr(payload_content, ?) ORDER BY id", (what or "{",)).fetchall()
        return [
            Hook(
                number=int(number),
                event=str(event),
                request=json.loads(request or "{}"),
                status=int(json.loads(response or "{}").get("status") or 0),
            )
            for number, event, request, response in rows
        ]

    def hook(self, secret: str, event: str, body: Tree, *, port: int | None = None) -> int:
        """Send Drone, or another one, a webhook as if from Gitea. Gives the status of its answer."""
        headers = {"X-Gitea-Event": event, "Content-Type": "application/json"}
        path = f"/hook?secret={secret}"
        return status_of(port or self.drone_port, "POST", path, json.dumps(body).encode(), headers)

    def push(self, repository: str, *, port: int | None = None, secret: str | None = None) -> str:
        """Tell Drone, or another one, of a push to the main branch, as Gitea would. Gives its commit, which is none.

        secret: of the repository's webhook, for whoever has asked for it before.
        """
        commit = a_commit()
        secret = secret or self.hook_secret(repository)
        status = self.hook(secret, "push", pushed(repository, commit), port=port)
        assert status == 200, status
        return commit

    def hook_secret(self, repository: str) -> str:
        """What Gitea's webhooks to Drone carry: for its operator to see, and for no player."""
        hooks = self.as_operator().all(f"/repos/game/{repository}/hooks")
        return str(hooks[0]["config"]["url"]).partition("secret=")[2]

    def push_to(
        self,
        player: str,
        repository: str,
        target: str,
        files: Mapping[str, str],
        *options: str,
        also: Callable[[Path], Sequence[str]] | None = None,
    ) -> str:
        """Clone a repository of the game, commit files and push to a reference. Gives the commit, or raises.

        options: what git push hands over, as `topic=x`.
        also: changes the clone further, and gives the arguments of one more git command, or none.
        """
        folder = self.folder / "clones" / f"{player}-{time.monotonic_ns()}"
        folder.parent.mkdir(exist_ok=True)
        login = base64.b64encode(f"{player}:{account_password(self.master, player)}".encode()).decode()
        env = {
            **os.environ,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
            "GIT_TERMINAL_PROMPT": "0",
            **{
                f"GIT_{who}_{what}": f"{player}@players.invalid"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }

        def git(*arguments: str) -> str:
            done = subprocess.run(
                ["git", *arguments],
                cwd=folder if folder.exists() else None,
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise PermissionError(done.stderr)
            return done.stdout

        git("clone", "--quiet", f"{self.gitea.url}/game/{repository}.git", str(folder))
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        more = also(folder) if also else ()
        git("add", "--all")
        if more:
            git(*more)
        git("commit", "--quiet", "--message", "A change")
        git("push", "--quiet", *(f"--push-option={option}" for option in options), "origin", f"HEAD:{target}")
        return git("rev-parse", "HEAD").strip()


def a_commit() -> str:
    """The name of a commit that nobody has made."""
    return secrets.token_hex(20)


def pushed(repository: str, commit: str) -> Tree:
    """What Gitea says of a push to a repository's main branch."""
    account = {"login": "ada", "username": "ada", "email": "ada@players.invalid", "full_name": ""}
    about = {"id": commit, "message": "pushed", "author": {"name": "ada", "email": "", "username": "ada"}}
    return {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": commit,
        "commits": [about],
        "head_commit": about,
        "repository": {
            "name": repository,
            "owner": {"login": "game", "username": "game"},
            "full_name": f"game/{repository}",
            "default_branch": "main",
        },
        "pusher": account,
        "sender": account,
    }


def asked(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, Tree]:
    """The status of an answer of a program on this machine, and its JSON where that is an object."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answered = connection.getresponse()
        text = answered.read()
    finally:
        connection.close()
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    return answered.status, cast("Tree", said) if isinstance(said, dict) else {}


def status_of(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> int:
    """The status of an answer of a program on this machine."""
    return asked(port, method, path, body, headers)[0]
