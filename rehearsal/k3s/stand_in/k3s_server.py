"""`k3s server`: reads the configuration, runs the control plane, and tells systemd when both are ready."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import types
from pathlib import Path
from typing import Any

from rehearsal.k3s.stand_in.control_plane import ControlPlane
from rehearsal.k3s.stand_in.service_addresses import forward, tell_datastore

CONFIG = Path("/etc/rancher/k3s/config.yaml")
KNOWN = {
    "write-kubeconfig-mode",
    "disable",
    "cluster-init",
    "etcd-snapshot-schedule-cron",
    "etcd-snapshot-retention",
    "secrets-encryption",
    "service-cidr",
    "kube-apiserver-arg",
    "kube-proxy-arg",
}


def configuration() -> dict[str, Any]:
    """K3s' configuration: keys with one value or a list of them."""
    found: dict[str, Any] = {}
    last = ""
    for line in CONFIG.read_text().splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("- "):
            found[last] = [*(found[last] or []), text[2:].strip('"')]
        elif text:
            last, _, value = text.partition(":")
            found[last] = value.strip().strip('"')
    unknown = sorted(set(found) - KNOWN)
    if unknown:
        raise SystemExit(f"flag provided but not defined: {', '.join(unknown)} (in {CONFIG})")
    return found


def serve() -> None:
    """`k3s server`: runs until it is told to end."""
    config = configuration()
    control_plane = ControlPlane()

    def end(_number: int, _frame: types.FrameType | None) -> None:
        control_plane.stop()
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        control_plane.serve(config)
    except BaseException:
        control_plane.stop()
        raise
    forward()
    tell_datastore(control_plane)
    notify("READY=1")
    while all(program.poll() is None for program in control_plane.running):
        time.sleep(1)
    control_plane.stop()
    sys.exit("a program of the control plane ended")


def notify(what: str) -> None:
    """Tell systemd (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(what.encode(), address.replace("@", "\0", 1))
