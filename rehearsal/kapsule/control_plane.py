"""Control plane of one cluster: starts its programs and waits until all of them are ready."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from rehearsal.kapsule import pki
from rehearsal.kapsule.api_endpoints import provide_api_endpoints
from rehearsal.kapsule.cluster_record import ClusterRecord
from rehearsal.kapsule.command_lines import API_PORT, CommandLines
from rehearsal.kapsule.kube import UNREACHABLE, Kube, KubeError
from rehearsal.kapsule.kubeconfig import ClusterEntry, kubeconfig
from rehearsal.kapsule.pki import write_private
from rehearsal.kapsule.volumes import provide_storage_class
from rehearsal.processes import Process, ProcessError, Processes

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")

_START_SECONDS = 60
# Small collections soon, rather than large ones late: several control planes share one machine.
_SLIM = {"GOGC": "40", "GOMAXPROCS": "2", "GOMEMLIMIT": "300MiB"}
# Above its limit a program does little but collect: the schemas of operators' own charts take an API server beyond.
_WITH_OPERATORS = {"GOGC": "100", "GOMEMLIMIT": "1GiB"}


class ControlPlane:
    """One control plane in a folder of its own.

    to_pods: whether its API server reaches pods, through the proxy of rehearsal.kapsule.api_egress.
    """

    def __init__(
        self, folder: Path, record: ClusterRecord, processes: Processes, programs: Path, *, to_pods: bool = False
    ) -> None:
        self.folder = folder
        self.record = record
        self._processes = processes
        self._programs = programs
        self._to_pods = to_pods
        names = [pki.service_address(record.service_cidr), *record.apiserver_cert_sans]
        self.certificates = pki.provide(folder / "certificates", record.address, names)
        self._commands = CommandLines(folder, record, self.certificates, to_pods)
        self._entry = ClusterEntry(record.name, f"https://{record.address}:{API_PORT}", self.certificates.authority)
        self.kube = Kube(self._entry.server, self.certificates.authority, record.token)

    async def start(self) -> None:
        """Start every program, and wait until a pod can be created.

        Programs that a crash left behind are ended first: nobody knows what state they are in.
        Raises ProcessError, with the end of the log, for a program that ended or took too long.
        """
        await stop(self._processes, self.record.id)
        self._write_secrets()
        deadline = time.monotonic() + _START_SECONDS
        needed = [
            await self._start("etcd", self._commands.etcd()),
            await self._start("kube-apiserver", self._commands.apiserver()),
        ]
        await self._wait_for("/readyz", needed, deadline)
        needed += await asyncio.gather(
            self._start("kube-controller-manager", self._commands.controller_manager()),
            self._start("kube-scheduler", self._commands.scheduler()),
            self._start("kwok", self._commands.kwok()),
        )
        await provide_storage_class(self.kube)
        # The API refuses pods until the controller manager has made this.
        await self._wait_for("/api/v1/namespaces/default/serviceaccounts/default", needed, deadline)
        await provide_api_endpoints(self.kube, API_PORT)

    def kubeconfig(self) -> str:
        """The kubeconfig with names as Kapsule gives them, and an administrator's token."""
        own = self.record
        return kubeconfig(self._entry, f"{own.name}-admin", {"token": own.token})

    def _write_secrets(self) -> None:
        own = self.record
        write_private(self._commands.egress, self._commands.egress_configuration().encode())
        write_private(self._commands.tokens, f'{own.token},{own.name}-admin,admin,"system:masters"\n'.encode())
        for program in ("kube-controller-manager", "kube-scheduler", "kwok"):
            identity = self.certificates.of(program)
            user = {"client-certificate": str(identity.certificate), "client-key": str(identity.key)}
            write_private(self._commands.kubeconfig(program), kubeconfig(self._entry, program, user).encode())

    async def _start(self, program: str, arguments: Sequence[str]) -> Process:
        name = process_name(self.record.id, program)
        # A log of an earlier start would be mistaken for this one's.
        self._processes.log_of(name).unlink(missing_ok=True)
        environment = {**_SLIM, **(_WITH_OPERATORS if self._to_pods else {})}
        command = [self._programs / program, *arguments]
        return await self._processes.start(name, command, env=environment, cwd=self.folder)

    async def _wait_for(self, path: str, needed: Sequence[Process], deadline: float) -> None:
        """Return once the API answers for a path, and every needed program still runs."""
        last_answer = "no answer"
        while time.monotonic() < deadline:
            ended = next((process for process in needed if not process.alive), None)
            if ended:
                raise self._failed(ended, "ended while the control plane was starting")
            try:
                await self.kube.call("GET", path)
            except (*UNREACHABLE, KubeError) as error:
                last_answer = str(error)
                await asyncio.sleep(0.05)
            else:
                return
        raise self._failed(needed[-1], f"was not ready within {_START_SECONDS} s ({path}: {last_answer})")

    def _failed(self, process: Process, what: str) -> ProcessError:
        tail = self._processes.tail(process.name)
        return ProcessError(f"{process.name} {what}. Its log {process.log} ends with:\n{tail}")


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
