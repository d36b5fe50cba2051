"""A cluster of its own, the chart repository beside it, and one stack of the real engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import automation as auto

from common.helm import Charts
from common.versions import CHARTS
from rehearsal.charts import ChartRegistry
from rehearsal.kapsule import ControlPlanes
from rehearsal.processes import Processes
from rehearsal.scaleway.backends import Cluster, Node
from rehearsal.session import Session
from rehearsal.toolchain.providing import lay_out
from tests.support.tools import tools

CLUSTER = Cluster(id="charts-id", name="charts", version="1.36", pod_cidr="100.64.0.0/15", service_cidr="10.32.0.0/20")


class Addresses:
    """Gives out addresses of a documentation range."""

    def __init__(self) -> None:
        self._given: dict[str, str] = {}

    async def acquire(self, cluster: str, service: str, reserved_ip: str | None, zone: str | None) -> str:
        return self._given.setdefault(service, f"192.0.2.{len(self._given) + 1}")

    async def release(self, cluster: str, service: str) -> None:
        self._given.pop(service, None)


class Site:
    """Start it, run stacks against it, stop it."""

    def __init__(self, run: Session) -> None:
        self._run = run
        self._programs = tools().control_plane
        self._planes = ControlPlanes(run, Processes(run), self._programs)
        self._planes.use(Addresses())
        self._registry = ChartRegistry(run)
        self._kubeconfig = run.home / "kubeconfig"
        self._engine_home = run.home / "engine"
        self._state = run.home / "state"

    async def start(self) -> None:
        lay_out(tools(), self._engine_home)
        self._state.mkdir()
        await self._planes.create(CLUSTER)
        await self._planes.set_nodes(CLUSTER.id, "main", [Node(name="scw-charts-main-1", node_type="PRO2-XXS")])
        self._kubeconfig.write_text(await self._planes.kubeconfig(CLUSTER.id))
        await self._registry.start()

    async def stop(self) -> None:
        await self._registry.stop()
        await self._planes.remove(CLUSTER.id)
        await self._planes.close()
        await Processes(self._run).stop_all()

    def stack(self, name: str, program: Callable[[], None]) -> auto.Stack:
        self.project.mkdir(exist_ok=True)
        options = auto.LocalWorkspaceOptions(
            work_dir=str(self.project),
            pulumi_command=auto.PulumiCommand(str(self._engine_home), skip_version_check=True),
            env_vars=self.environment,
        )
        return auto.create_or_select_stack(name, project_name="charts", program=program, opts=options)

    @property
    def project(self) -> Path:
        """The folder with Pulumi.yaml."""
        return self._run.home / "project"

    @property
    def engine(self) -> Path:
        """Pulumi's program."""
        return self._engine_home / "bin" / "pulumi"

    @property
    def environment(self) -> dict[str, str]:
        """What the engine finds in its environment, beside this process's own."""
        return {
            "PULUMI_HOME": str(self._engine_home),
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Helm keeps indexes by address, which other tests use for other charts.
            "HELM_CACHE_HOME": str(self._run.home / "helm"),
        }

    def on_the_cluster(self) -> pulumi.ResourceOptions:
        """Options for what a program places on the cluster."""
        return pulumi.ResourceOptions(provider=k8s.Provider("cluster", kubeconfig=self._kubeconfig.read_text()))

    @property
    def charts(self) -> Charts:
        """The catalogue, with every chart from this site's repository."""
        return Charts(repositories=dict.fromkeys(CHARTS, self._registry.url), timeout=300)

    def install(
        self,
        chart: str,
        values: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        *,
        namespace: pulumi.Input[str],
        name: str = "",
    ) -> k8s.helm.v3.Release:
        """Install a chart as the platform does: from the repository, pinned, under its own name unless told another."""
        return k8s.helm.v3.Release(
            name or chart,
            name=chart,
            chart=chart,
            version=CHARTS[chart].version,
            repository_opts=k8s.helm.v3.RepositoryOptsArgs(repo=self._registry.url),
            namespace=namespace,
            values=dict(values),
            # Those who let Helm keep the logging operator's CRDs up to date have them from the templates.
            skip_crds=True,
            timeout=300,
            atomic=True,
            opts=opts,
        )

    @property
    def kubeconfig(self) -> str:
        """The way to the cluster, as its administrator."""
        return self._kubeconfig.read_text()

    async def kubectl(self, *arguments: str, given: Any = None, fails: bool = False, either: bool = False) -> str:
        """What kubectl printed.

        given: an object for it to read where `-` is among the arguments.
        fails: that it is to fail. either: that it may.
        """
        child = await asyncio.create_subprocess_exec(
            str(self._programs / "kubectl"),
            f"--kubeconfig={self._kubeconfig}",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await child.communicate(json.dumps(given).encode())
        assert either or (child.returncode != 0) == fails, printed.decode()
        return printed.decode().strip()
