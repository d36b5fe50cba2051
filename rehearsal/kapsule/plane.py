"""The programs of one control plane: how each is started, and when all of them are ready."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from rehearsal.kapsule import certificates
from rehearsal.kapsule.certificates import Certificates
from rehearsal.kapsule.kube import Kube, KubeError
from rehearsal.processes import Process, ProcessError, Processes
from rehearsal.scaleway.backends import Cluster

_STAGES = Path(__file__).parent / "stages"
_START_SECONDS = 60
# Small collections soon, rather than large ones late: several control planes share one machine.
_SLIM = {"GOGC": "50", "GOMAXPROCS": "2"}
_UNUSED_CONTROLLERS = (
    "bootstrap-signer-controller",
    "token-cleaner-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-signing-controller",
    "certificatesigningrequest-cleaner-controller",
    "node-ipam-controller",
    "node-route-controller",
    "service-lb-controller",
    "cloud-node-lifecycle-controller",
    "persistentvolume-attach-detach-controller",
)


@dataclass(frozen=True)
class Described:
    """What is kept on disk of a cluster, so that it can go on after a crash."""

    id: str
    name: str
    address: str
    pod_cidr: str
    service_cidr: str
    admission_plugins: Sequence[str]
    apiserver_cert_sans: Sequence[str]
    token: str


class Plane:
    """One control plane in a folder of its own."""

    def __init__(self, folder: Path, described: Described, processes: Processes, programs: Path) -> None:
        self._folder = folder
        self.described = described
        self._processes = processes
        self._programs = programs
        self._certificates = certificates.provide(
            folder / "certificates", [described.address, "localhost", *described.apiserver_cert_sans]
        )
        self.kube = Kube(self._server, self._certificates.authority, described.token)

    @classmethod
    def describe(cls, folder: Path, cluster: Cluster, address: str) -> Described:
        """What is on disk of a cluster, written down if there is nothing."""
        file = folder / "cluster.json"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = Described(
                id=cluster.id,
                name=cluster.name,
                address=address,
                pod_cidr=cluster.pod_cidr,
                service_cidr=cluster.service_cidr,
                admission_plugins=list(cluster.admission_plugins),
                apiserver_cert_sans=list(cluster.apiserver_cert_sans),
                token=secrets.token_urlsafe(32),
            )
            _write_private(file, json.dumps(asdict(fresh)))
        return Described(**json.loads(file.read_text()))

    @property
    def _server(self) -> str:
        return f"https://{self.described.address}:6443"

    async def start(self) -> None:
        """Start every program that does not run, and wait until the API is ready.

        Raises ProcessError, with the end of the log, for a program that ended or took too long.
        """
        _write_private(self._folder / "kubeconfig", self.kubeconfig())
        _write_private(self._folder / "tokens.csv", f'{self.described.token},admin,admin,"system:masters"\n')
        etcd = await self._start("etcd", self._etcd())
        server = await self._start("kube-apiserver", self._apiserver(self._certificates))
        await self._wait_until_ready((etcd, server))
        await asyncio.gather(
            self._start("kube-controller-manager", self._controller_manager(self._certificates)),
            self._start("kube-scheduler", self._scheduler()),
            self._start("kwok", self._kwok()),
        )

    async def stop(self) -> None:
        """End its programs and forget its connections; the data stays."""
        await self.kube.close()
        await self._processes.stop_all(self._prefix, grace=2)

    async def remove(self) -> None:
        """End its programs and delete its data."""
        await self.stop()
        shutil.rmtree(self._folder)

    def kubeconfig(self) -> str:
        """The kubeconfig (JSON, hence YAML too) with names as Kapsule gives them."""
        own = self.described
        user = f"{own.name}-admin"
        config: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": f"admin@{own.name}",
            "clusters": [
                {
                    "name": own.name,
                    "cluster": {"server": self._server, "certificate-authority-data": self.authority_data},
                }
            ],
            "users": [{"name": user, "user": {"token": own.token}}],
            "contexts": [{"name": f"admin@{own.name}", "context": {"cluster": own.name, "user": user}}],
        }
        return json.dumps(config, indent=2)

    @property
    def authority_data(self) -> str:
        """The authority's certificate in base64, as a kubeconfig has it."""
        return base64.b64encode(self._certificates.authority.read_bytes()).decode()

    @property
    def _prefix(self) -> str:
        return f"kapsule-{self.described.id}-"

    async def _start(self, program: str, arguments: Sequence[str]) -> Process:
        return await self._processes.start(
            self._prefix + program, [self._programs / program, *arguments], env=_SLIM, cwd=self._folder
        )

    async def _wait_until_ready(self, needed: Sequence[Process]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                await self.kube.call("GET", "/readyz")
            except (aiohttp.ClientError, OSError, KubeError):
                for process in needed:
                    if not process.alive:
                        raise self._failed(process, "ended") from None
                await asyncio.sleep(0.1)
            else:
                return
        raise self._failed(needed[-1], f"was not ready within {_START_SECONDS} s")

    def _failed(self, process: Process, what: str) -> ProcessError:
        tail = self._processes.tail(process.name)
        return ProcessError(f"{process.name} {what}. Its log {process.log} ends with:\n{tail}")

    def _etcd(self) -> list[str]:
        client, peer = (f"http://{self.described.address}:{port}" for port in (2379, 2380))
        return [
            "--name=etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=etcd={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver(self, files: Certificates) -> list[str]:
        own = self.described
        arguments = [
            f"--bind-address={own.address}",
            "--secure-port=6443",
            f"--etcd-servers=http://{own.address}:2379",
            f"--tls-cert-file={files.server}",
            f"--tls-private-key-file={files.server_key}",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-signing-key-file={files.accounts_key}",
            f"--service-account-key-file={files.accounts_public}",
            f"--service-cluster-ip-range={own.service_cidr}",
            # A loopback address may not be an endpoint, and no pod is there to call it.
            "--endpoint-reconciler-type=none",
            "--profiling=false",
        ]
        plugins = ",".join(["NodeRestriction", *own.admission_plugins])
        return [*arguments, f"--enable-admission-plugins={plugins}"]

    def _controller_manager(self, files: Certificates) -> list[str]:
        return [
            f"--kubeconfig={self._folder / 'kubeconfig'}",
            f"--bind-address={self.described.address}",
            f"--root-ca-file={files.authority}",
            f"--service-account-private-key-file={files.accounts_key}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            f"--controllers=*,{','.join(f'-{name}' for name in _UNUSED_CONTROLLERS)}",
            "--profiling=false",
        ]

    def _scheduler(self) -> list[str]:
        return [
            f"--kubeconfig={self._folder / 'kubeconfig'}",
            f"--bind-address={self.described.address}",
            "--leader-elect=false",
            "--profiling=false",
        ]

    def _kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self._folder / 'kubeconfig'}",
            *(f"--config={stage}" for stage in sorted(_STAGES.glob("*.yaml"))),
            "--manage-all-nodes=true",
            f"--cidr={self.described.pod_cidr}",
            "--node-ip=192.0.2.1",
            "--node-lease-duration-seconds=40",
        ]


def _write_private(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(text)
