"""The hunt's service beside the real Gitea and the real Drone, and a team that plays it with git, as players do.

The service is the program's, with the configuration that the program rendered for the board. What does not run here
stands in: builds are taken by a runner that runs nothing, and the cluster is what the team's chart on `main` says.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, Final

import pulumi
import yaml
from pulumi_kubernetes import Provider

from common.keys import derived
from common.settings import GameApp
from common.versions import Images
from game_app.hunt.folder import load
from game_app.hunt.hunt import Hunt, HuntArgs
from game_app.ingress import Endpoint
from game_app.scm.gitea.gitea_accounts import account_password
from game_app.services.hunt.codes import operators_code, team_code
from local_game.browser import Browser
from local_game.delivery_site import DeliverySite
from local_game.rendering import API, Rendered, rendered
from rehearsal.drone.daemons import Daemon, free_ports

EXAMPLE: Final = "game_app/hunt/example"
PLAYS, WATCHES, PLAYER = "green", "gold", "green-1"
Tree = dict[str, Any]


def hunt_resources(site: DeliverySite) -> Mapping[str, Rendered]:
    """Resources of the hunt on a board with two teams."""

    def program() -> None:
        Hunt(
            "hunt",
            HuntArgs(
                settings=GameApp(),
                image=Images().python,
                course=load(EXAMPLE),
                endpoint=Endpoint(host="play.hunt.example.org", ingress_class="nginx", cluster_issuer=None),
                key=pulumi.Output.secret(derived(site.master, "hunt")),
                teams={team: f"team-{team}" for team in (PLAYS, WATCHES)},
                source_control=dataclasses.replace(
                    site.source_control, players_url=f"{site.gitea.url}/", pods_url=site.gitea.url
                ),
                api=API,
            ),
            opts=pulumi.ResourceOptions(providers=[Provider("board")]),
        )

    return rendered(program)


class ClusterStandIn:
    """A cluster in which everything stands as the charts on the main branches say, and is available."""

    def __init__(self, site: DeliverySite) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, namespace, name = re.split(r"/namespaces/|/deployments/", self.path)
                file = f"/repos/game/{namespace}/contents/chart/templates/{name}.yaml?ref=main"
                found = site.as_operator().get(file)
                body = json.dumps(available(found["content"]) if found else {"kind": "Status"}).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def available(content: str) -> Tree:
    """A Deployment as a cluster would have it a little later."""
    deployment: Tree = yaml.safe_load(base64.b64decode(content))
    replicas = deployment["spec"]["replicas"]
    return {
        **deployment,
        "metadata": {**deployment["metadata"], "generation": 1},
        "status": {"availableReplicas": replicas, "observedGeneration": 1},
    }


class HuntSite:
    """The hunt's service beside Gitea and Drone, and a player with a clone of a fork."""

    def __init__(self, site: DeliverySite, folder: Path) -> None:
        self.site = site
        self.folder = folder
        self.graph = hunt_resources(site)
        self.cluster = ClusterStandIn(site)
        self.key = derived(site.master, "hunt")
        self.service = self._service()
        self.clone = folder / "clone"
        login = base64.b64encode(f"{PLAYER}:{account_password(site.master, PLAYER)}".encode()).decode()
        self._env = {
            **os.environ,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {login}",
            "GIT_TERMINAL_PROMPT": "0",
            **{f"GIT_{who}_NAME": PLAYER for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": f"{PLAYER}@players.invalid" for who in ("AUTHOR", "COMMITTER")},
        }

    def _service(self) -> Daemon:
        for name, folder in {"configuration": "configuration", "program": "app"}.items():
            data: Mapping[str, str] = self.graph[f"hunt-{name}"].inputs["data"]
            self._files(self.folder / folder, data)
        self._files(self.folder / "secrets", self.graph["hunt-secrets"].inputs["stringData"])
        self._files(self.folder / "account", {"token": "the pod's own"})
        (self.folder / "data").mkdir()
        port, metrics_port = free_ports(2)
        container = self.graph["hunt-deployment"].inputs["spec"]["template"]["spec"]["containers"][0]
        # What differs from a board: places on this machine, and a shorter interval.
        differs = {
            "--port": port,
            "--metrics-port": metrics_port,
            "--configuration": self.folder / "configuration",
            "--secrets": self.folder / "secrets",
            "--data": self.folder / "data",
            "--interval": 0.3,
        }
        given = [argument for argument in container["args"][1:] if argument.partition("=")[0] not in differs]
        more = {
            **differs,
            "--host": "127.0.0.1",
            "--kubernetes": self.cluster.url,
            "--account": self.folder / "account",
        }
        command = [sys.executable, *given, *(f"{name}={value}" for name, value in more.items())]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        # As in the pod, the program lies where it is started: `-E` keeps Python from PYTHONPATH.
        return Daemon("hunt", command, port, self.folder / "app", health="/healthz", env=env)

    def _files(self, folder: Path, data: Mapping[str, str]) -> None:
        for name, text in data.items():
            file = folder / name.replace("--", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def page(self, team: str = PLAYS) -> Browser:
        browser = Browser(self.service.port)
        browser.log_in(team_code(self.key, team))
        return browser

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.clone if self.clone.exists() else self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    def begin(self, branch: str) -> None:
        """A new branch from what is on the team's main branch now."""
        if not self.clone.exists():
            self.site.git.fork(PLAYER, f"team-{PLAYS}")
            self.git("clone", "--quiet", f"{self.site.gitea.url}/{PLAYER}/team-{PLAYS}.git", str(self.clone))
            self.git("remote", "add", "upstream", f"{self.site.gitea.url}/game/team-{PLAYS}.git")
        self.git("fetch", "--quiet", "upstream")
        self.git("switch", "--quiet", "--create", branch, "upstream/main")

    def commit(self, files: Mapping[str, str]) -> str:
        for path, text in files.items():
            (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / path).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A step further")
        return self.git("rev-parse", "HEAD")

    def propose(self, branch: str) -> None:
        self.git("push", "--quiet", "--set-upstream", "origin", branch)
        asked = {"base": "main", "head": f"{PLAYER}:{branch}", "title": branch}
        self.site.as_player(PLAYER).ask("POST", f"/repos/game/team-{PLAYS}/pulls", asked)

    def clue_pod(self, team: str, *, seconds: int, stdout: int | IO[str]) -> subprocess.Popen[str]:
        """The team's clue pod as a process: the command and the clues that the program registers.

        seconds: how long one round takes.
        """
        clues = self.folder / f"clue-pod-{team}"
        clues.mkdir(exist_ok=True)
        for name, line in self.graph[f"hunt-clue-pod-{team}-clues"].inputs["stringData"].items():
            (clues / name).write_text(line)
        spec = self.graph[f"hunt-clue-pod-{team}-deployment"].inputs["spec"]["template"]["spec"]
        env = {"PATH": os.environ["PATH"], "CLUES": str(clues), "ROUND": str(seconds)}
        return subprocess.Popen(spec["containers"][0]["command"], env=env, stdout=stdout, text=True)

    def begin_the_hunt(self) -> None:
        """As the operators do."""
        operators = Browser(self.service.port)
        operators.log_in(operators_code(self.key))
        operators.press("/begin")

    def close(self) -> None:
        self.service.stop()
        self.cluster.close()
