"""The programs of one control plane: how each is started, and when all of them are ready."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.kapsule import certificates
from rehearsal.kapsule.api_endpoints import provide_api_endpoints
from rehearsal.kapsule.certificates import Identity, write_private
from rehearsal.kapsule.kube import TROUBLE, Kube, KubeError
from rehearsal.kapsule.nodes import POOL
from rehearsal.kapsule.volumes import provide_storage_class
from rehearsal.processes import Process, ProcessError, Processes
from rehearsal.scaleway.backends import Cluster

API_PORT = 6443
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")

_STAGES = Path(__file__).parent / "stages"
_START_SECONDS = 60
# Small collections soon, rather than large ones late: several control planes share one machine.
_SLIM = {"GOGC": "40", "GOMAXPROCS": "2", "GOMEMLIMIT": "300MiB"}
_UNUSED_CONTROLLERS = (
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "cloud-node-lifecycle-controller",
    "device-taint-eviction-controller",
    "horizontal-pod-autoscaler-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "node-ipam-controller",
    "node-route-controller",
    "persistentvolume-attach-detach-controller",
    "podcertificaterequest-cleaner-controller",
    "resourceclaim-controller",
    "service-lb-controller",
    "storage-version-migrator-controller",
    "storageversion-garbage-collector-controller",
)
"""Those that need a cloud, a kubelet or metrics, and those for what a game does not use."""


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

    @classmethod
    def new(cls, cluster: Cluster, address: str) -> Described:
        """A cluster that is not on disk yet, with a token of its own."""
        return cls(
            id=cluster.id,
            name=cluster.name,
            address=address,
            pod_cidr=cluster.pod_cidr,
            service_cidr=cluster.service_cidr,
            admission_plugins=list(cluster.admission_plugins),
            apiserver_cert_sans=list(cluster.apiserver_cert_sans),
            token=secrets.token_urlsafe(32),
        )

    @classmethod
    def read(cls, folder: Path) -> Described | None:
        """What a folder says, or None when it holds no cluster."""
        file = folder / "cluster.json"
        return cls(**json.loads(file.read_text())) if file.exists() else None

    def write(self, folder: Path) -> None:
        """Keep it in a folder, as a whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / "cluster.json.fresh"
        write_private(fresh, json.dumps(asdict(self)).encode())
        fresh.rename(folder / "cluster.json")


class Plane:
    """One control plane in a folder of its own."""

    def __init__(self, folder: Path, described: Described, processes: Processes, programs: Path) -> None:
        self._folder = folder
        self.described = described
        self._processes = processes
        self._programs = programs
        self._certificates = certificates.provide(
            folder / "certificates", described.address, described.apiserver_cert_sans
        )
        self.kube = Kube(self._server, self._certificates.authority, described.token)

    @property
    def _server(self) -> str:
        return f"https://{self.described.address}:{API_PORT}"

    async def start(self) -> None:
        """Start every program, and wait until a pod can be created.

        Programs that a crash left behind are ended first: nobody knows what state they are in.
        Raises ProcessError, with the end of the log, for a program that ended or took too long.
        """
        await stop(self._processes, self.described.id)
        self._write_secrets()
        deadline = time.monotonic() + _START_SECONDS
        needed = [
            await self._start("etcd", self._etcd()),
            await self._start("kube-apiserver", self._apiserver()),
        ]
        await self._wait_for("/readyz", needed, deadline)
        needed += await asyncio.gather(
            self._start("kube-controller-manager", self._controller_manager()),
            self._start("kube-scheduler", self._scheduler()),
            self._start("kwok", self._kwok()),
        )
        await provide_storage_class(self.kube)
        # The API refuses pods until the controller manager has made this.
        await self._wait_for("/api/v1/namespaces/default/serviceaccounts/default", needed, deadline)
        await provide_api_endpoints(self.kube, API_PORT)

    def kubeconfig(self) -> str:
        """The kubeconfig with names as Kapsule gives them, and an administrator's token."""
        own = self.described
        return _kubeconfig(own.name, f"{own.name}-admin", self._cluster_entry, {"token": own.token})

    @property
    def _cluster_entry(self) -> dict[str, str]:
        authority = base64.b64encode(self._certificates.authority.read_bytes()).decode()
        return {"server": self._server, "certificate-authority-data": authority}

    def _write_secrets(self) -> None:
        own = self.described
        write_private(self._folder / "tokens.csv", f'{own.token},{own.name}-admin,admin,"system:masters"\n'.encode())
        for program in ("kube-controller-manager", "kube-scheduler", "kwok"):
            identity = self._certificates.of(program)
            user = {"client-certificate": str(identity.certificate), "client-key": str(identity.key)}
            write_private(
                self._kubeconfig_of(program), _kubeconfig(own.name, program, self._cluster_entry, user).encode()
            )

    def _kubeconfig_of(self, program: str) -> Path:
        return self._folder / f"{program}.kubeconfig"

    async def _start(self, program: str, arguments: Sequence[str]) -> Process:
        name = process_name(self.described.id, program)
        # A log of an earlier start would be mistaken for this one's.
        self._processes.log_of(name).unlink(missing_ok=True)
        return await self._processes.start(name, [self._programs / program, *arguments], env=_SLIM, cwd=self._folder)

    async def _wait_for(self, path: str, needed: Sequence[Process], deadline: float) -> None:
        """Return once the API answers for a path, and every needed program still runs."""
        trouble = "no answer"
        while time.monotonic() < deadline:
            ended = next((process for process in needed if not process.alive), None)
            if ended:
                raise self._failed(ended, "ended while the control plane was starting")
            try:
                await self.kube.call("GET", path)
            except (*TROUBLE, KubeError) as error:
                trouble = str(error)
                await asyncio.sleep(0.05)
            else:
                return
        raise self._failed(needed[-1], f"was not ready within {_START_SECONDS} s ({path}: {trouble})")

    def _failed(self, process: Process, what: str) -> ProcessError:
        tail = self._processes.tail(process.name)
        return ProcessError(f"{process.name} {what}. Its log {process.log} ends with:\n{tail}")

    def _etcd(self) -> list[str]:
        own = self._certificates.of("etcd")
        client, peer = (f"https://{self.described.address}:{port}" for port in (ETCD_PORT, ETCD_PEER_PORT))
        return [
            "--name=etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=etcd={peer}",
            f"--cert-file={own.certificate}",
            f"--key-file={own.key}",
            f"--trusted-ca-file={self._certificates.etcd_authority}",
            "--client-cert-auth",
            f"--peer-cert-file={own.certificate}",
            f"--peer-key-file={own.key}",
            f"--peer-trusted-ca-file={self._certificates.etcd_authority}",
            "--peer-client-cert-auth",
            # The data is thrown away with the rehearsal; it need not survive the machine's own crash.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver(self) -> list[str]:
        own, files = self.described, self._certificates
        server, etcd = files.of("kube-apiserver"), files.of("etcd-client")
        return [
            f"--bind-address={own.address}",
            f"--advertise-address={own.address}",
            f"--secure-port={API_PORT}",
            f"--etcd-servers=https://{own.address}:{ETCD_PORT}",
            f"--etcd-cafile={files.etcd_authority}",
            f"--etcd-certfile={etcd.certificate}",
            f"--etcd-keyfile={etcd.key}",
            *_tls(server),
            f"--client-ca-file={files.authority}",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-signing-key-file={files.accounts_key}",
            f"--service-account-key-file={files.accounts_public}",
            f"--service-cluster-ip-range={own.service_cidr}",
            # A loopback address may not be an endpoint: `api_endpoints` gives another.
            "--endpoint-reconciler-type=none",
            "--profiling=false",
            f"--enable-admission-plugins={','.join(dict.fromkeys(['NodeRestriction', *own.admission_plugins]))}",
        ]

    def _controller_manager(self) -> list[str]:
        files = self._certificates
        return [
            f"--kubeconfig={self._kubeconfig_of('kube-controller-manager')}",
            "--secure-port=0",
            f"--root-ca-file={files.authority}",
            f"--service-account-private-key-file={files.accounts_key}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            f"--controllers=*,{','.join(f'-{name}' for name in _UNUSED_CONTROLLERS)}",
            "--profiling=false",
        ]

    def _scheduler(self) -> list[str]:
        return [
            f"--kubeconfig={self._kubeconfig_of('kube-scheduler')}",
            "--secure-port=0",
            "--leader-elect=false",
            "--profiling=false",
        ]

    def _kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self._kubeconfig_of('kwok')}",
            *(f"--config={stage}" for stage in sorted(_STAGES.glob("*.yaml"))),
            f"--manage-nodes-with-label-selector={POOL}",
            f"--cidr={self.described.pod_cidr}",
            # All nodes share one address, of a range kept for documentation (RFC 5737): nothing is there.
            "--node-ip=192.0.2.1",
            "--node-lease-duration-seconds=40",
        ]


async def stop(processes: Processes, cluster: str) -> None:
    """End every program of a cluster; nothing happens if none runs."""
    await asyncio.gather(*(processes.stop(process_name(cluster, program), grace=2) for program in PROGRAMS))


async def remove(processes: Processes, cluster: str, folder: Path) -> None:
    """End every program of a cluster and delete its data and its logs."""
    await stop(processes, cluster)
    for program in PROGRAMS:
        processes.log_of(process_name(cluster, program)).unlink(missing_ok=True)
    await asyncio.to_thread(_remove_tree, folder)


def _remove_tree(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def process_name(cluster: str, program: str) -> str:
    """The name under which a program of a cluster is recorded."""
    return f"kapsule-{cluster}-{program}"


def _tls(identity: Identity) -> list[str]:
    return [f"--tls-cert-file={identity.certificate}", f"--tls-private-key-file={identity.key}"]


def _kubeconfig(cluster: str, user: str, entry: dict[str, str], credentials: dict[str, str]) -> str:
    context = f"admin@{cluster}"
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": entry}],
        "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
        "current-context": context,
        "users": [{"name": user, "user": credentials}],
    }
    return yaml.safe_dump(config, sort_keys=False)
