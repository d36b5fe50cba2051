"""An environment at the Scaleway stand-in, raised by the real engine and the real `scaleway` plugin."""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pulumiverse_scaleway as scw
import yaml
from pulumi import ResourceOptions, automation

from cli.init.starting_values import completed
from cli.stack import Stack, Tree, leaves
from common.naming import tags
from common.settings import Settings
from common.settings.schema import schema_of
from rehearsal.kapsule.pki import provide
from rehearsal.scaleway import ScalewayApi
from rehearsal.session import Session
from tests.localcloud.contract.backends import KUBECONFIG, NoClusters
from tests.localcloud.plugins.background import Background
from tests.localcloud.scaleway.cloud import INSTANCE, K8S, Cloud

ROOT = Path(__file__).parents[3]
STACK = "dev"
TAGS = tags("dev", "test")
RELEASE = f"urn:pulumi:{STACK}::shambhala::kubernetes:helm.sh/v3:Release::ingress"
Program = Callable[[scw.Provider], None]


class SilentClusters(NoClusters):
    """Clusters whose kubeconfig is sound and leads to where nobody listens."""

    def __init__(self, run: Session) -> None:
        super().__init__()
        self._authority = provide(run.home / "certificates", "127.0.0.1", []).authority

    async def kubeconfig(self, cluster: str) -> str:
        config = yaml.safe_load(KUBECONFIG)
        authority = base64.b64encode(self._authority.read_bytes()).decode()
        config["clusters"][0]["cluster"] |= {"certificate-authority-data": authority, "server": "https://127.0.0.1:1"}
        return yaml.safe_dump(config)


class PatientCloud(Cloud):
    """Answers for a transitional state once it is over, as a rehearsal's does."""

    def _new(self) -> ScalewayApi:
        return ScalewayApi(
            self.session, self.machines, SilentClusters(self.session), self.credentials, long_poll_seconds=10
        )


class Environment:
    """The environment `dev`, and the commands that an operator gives about it."""

    def __init__(self, run: Session, engine_home: Path, background: Background) -> None:
        self._background = background
        self._home = engine_home
        self.project = run.home / "project"
        self.project.mkdir()
        self.cloud = background.run(_cloud(run))
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(run.home),
            "PULUMI_HOME": str(engine_home),
            "PULUMI_BACKEND_URL": f"file://{run.home}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        given: Tree = {"domain": "example.org", "operators": {"cidrs": ["203.0.113.0/24"]}, "scaleway": self._account}
        self._settings = completed(given, "dev")

    @property
    def _account(self) -> Tree:
        own = self.cloud.credentials
        return {
            "projectId": own.project_id,
            "accessKey": own.access_key,
            "secretKey": own.secret_key,
            "apiUrl": self.cloud.api.url,
        }

    def up(self, program: Program) -> None:
        """Raise what a program makes, by the real engine."""
        workspace = automation.LocalWorkspace(
            work_dir=str(self.project),
            pulumi_home=str(self._home),
            pulumi_command=automation.PulumiCommand(root=str(self._home), skip_version_check=True),
            project_settings=automation.ProjectSettings(name="shambhala", runtime="python"),
            env_vars=self.env,
            program=lambda: program(self._provider()),
        )
        stack = automation.Stack.create_or_select(STACK, workspace)
        own = self.own_stack()
        own.add(list(leaves(self._settings, schema=schema_of(Settings))))
        stack.up(color="never")

    def own_stack(self) -> Stack:
        """The stack as the commands have it; this process has their environment."""
        return Stack(STACK, self.project, str(self._home / "bin" / "pulumi"))

    def destroy(self, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`python -m cli destroy dev`, without a terminal; standard error stands beside its output."""
        return _run(self._destroy(options), {**self.env, **more}, ROOT)

    def begin_destroy(self, *options: str) -> subprocess.Popen[str]:
        """The same, running."""
        return subprocess.Popen(
            self._destroy(options),
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type_into_destroy(self, text: str, *options: str) -> tuple[str, int]:
        """What it prints on a terminal, on which somebody types this as soon as it asks; and its exit status."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            self._destroy(options),
            cwd=ROOT,
            env={**self.env, "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as running:
            os.close(theirs)
            said, typed = b"", False
            # Linux answers EIO once nobody holds the terminal's other end any more.
            with suppress(OSError):
                while more := os.read(ours, 4096):
                    said += more
                    if not typed and b"to destroy it: " in said:
                        os.write(ours, text.encode())
                        typed = True
            os.close(ours)
        return said.decode(errors="replace"), running.returncode

    def _destroy(self, options: Sequence[str]) -> list[Any]:
        engine = self._home / "bin" / "pulumi"
        command = [sys.executable, "-m", "cli", "destroy", STACK, "--project", self.project, "--pulumi", engine]
        return [*command, *options]

    def lock(self) -> Path:
        """The lock of somebody who is updating the stack."""
        file = Path(self.env["HOME"], ".pulumi", "locks", "organization", "shambhala", STACK, "0.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            json.dumps({"pid": 1, "username": "else", "hostname": "there", "timestamp": "2026-01-01T00:00:00Z"})
        )
        return file

    def set_secret(self, path: str, value: str) -> None:
        """Change a secret setting."""
        engine = [self._home / "bin" / "pulumi", "config", "set", "--path", "--secret", path, "--stack", STACK]
        subprocess.run(engine, input=value, cwd=self.project, env=self.env, text=True, check=True, timeout=30)

    def let_machines_work(self) -> None:
        """End a pause of the stand-in's machines."""

        async def open_gate() -> None:
            self.cloud.machines.gate.set()

        self._background.run(open_gate())

    def pulumi(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A command of the engine itself."""
        command = [self._home / "bin" / "pulumi", *arguments, "--stack", STACK, "--non-interactive"]
        return _run(command, {**self.env, **more}, self.project)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What the stand-in answers, which is neither 4xx nor 5xx."""
        answer = self._background.run(self.cloud.ask(method, path, body))
        assert answer.status < 400, answer.body
        return answer.body

    @property
    def server(self) -> Mapping[str, Any]:
        """The only Instance."""
        [server] = self.ask("GET", f"{INSTANCE}/servers")["servers"]
        return server

    @property
    def clusters(self) -> list[Mapping[str, Any]]:
        return self.ask("GET", f"{K8S}/clusters")["clusters"]

    @property
    def there(self) -> Mapping[str, int]:
        """How many there are of each kind of resource that somebody asked for, none left out."""
        return {kind: number for kind, number in self.ask("GET", "/rehearsal/state").items() if number}

    def place_release(self) -> None:
        """Write into the state that a release is on the cluster, as the door's is; no chart is installed anywhere."""
        own = self.own_stack()
        state = own.export()
        resources: list[Tree] = state["deployment"]["resources"]
        [provider] = [each for each in resources if each["type"] == "pulumi:providers:kubernetes"]
        release: Tree = {"name": "ingress", "namespace": "ingress", "chart": "nginx-ingress"}
        resources.append(
            {
                "urn": RELEASE,
                "custom": True,
                "id": "ingress/ingress",
                "type": "kubernetes:helm.sh/v3:Release",
                "inputs": release,
                "outputs": {**release, "status": {"name": "ingress", "namespace": "ingress", "status": "deployed"}},
                "provider": f"{provider['urn']}::{provider['id']}",
                "parent": resources[0]["urn"],
            }
        )
        own.write(state)

    def stop(self) -> None:
        self._background.run(self.cloud.stop())

    def _provider(self) -> scw.Provider:
        own = self.cloud.credentials
        return scw.Provider(
            "scaleway",
            access_key=pulumi.Output.secret(own.access_key),
            secret_key=pulumi.Output.secret(own.secret_key),
            project_id=own.project_id,
            region="fr-par",
            zone="fr-par-1",
            api_url=self.cloud.api.url,
        )


async def _cloud(run: Session) -> Cloud:
    cloud = PatientCloud(run)
    await cloud.start()
    return cloud


def _run(command: list[Any], env: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
    )


def game_master(provider: scw.Provider) -> None:
    """An Instance that nobody may delete, in a private network, as production's game master is."""
    opts = ResourceOptions(provider=provider)
    network = scw.network.PrivateNetwork("network", tags=TAGS, opts=opts)
    address = scw.instance.Ip("ip", type="routed_ipv4", tags=TAGS, opts=opts)
    server = scw.instance.Server(
        "server",
        name="shambhala-dev-gamemaster",
        type="PLAY2-MICRO",
        image="debian_trixie",
        ip_ids=[address.id],
        private_networks=[scw.instance.ServerPrivateNetworkArgs(pn_id=network.id)],
        root_volume=scw.instance.ServerRootVolumeArgs(size_in_gb=20, volume_type="sbs_volume"),
        protected=True,
        tags=TAGS,
        opts=ResourceOptions(provider=provider, protect=True),
    )
    pulumi.export("game_master_ip", pulumi.Output.all(address.address, server.id).apply(lambda known: str(known[0])))


def board(provider: scw.Provider) -> None:
    """A protected cluster and what places objects on it; its API answers nowhere."""
    opts = ResourceOptions(provider=provider)
    network = scw.network.PrivateNetwork("network", tags=TAGS, opts=opts)
    cluster = scw.kubernetes.Cluster(
        "cluster",
        name="shambhala-dev-blue",
        type="kapsule",
        version="1.36.3",
        cni="cilium",
        private_network_id=network.id,
        delete_additional_resources=True,
        tags=TAGS,
        opts=ResourceOptions(provider=provider, protect=True),
    )
    kubeconfig = pulumi.Output.secret(cluster.kubeconfigs.apply(lambda found: str(found[0]["config_file"])))
    k8s.Provider("kubernetes", kubeconfig=kubeconfig, cluster_identifier=cluster.id)
