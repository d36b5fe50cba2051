"""Commands of K3s that the stand-in knows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rehearsal.k3s.stand_in.archive import about, unpacked
from rehearsal.k3s.stand_in.control_plane import KUBECONFIG
from rehearsal.k3s.stand_in.k3s_server import serve
from rehearsal.k3s.stand_in.snapshots import prune, reset, save


def main(arguments: list[str]) -> None:
    """Do what K3s would."""
    called = Path(sys.argv[0]).name
    # Python runs the file that the link leads to; systemd and shells tell the link's name by this alone.
    if called == "kubectl" or arguments[:1] == ["kubectl"]:
        rest = arguments[1:] if arguments[:1] == ["kubectl"] else arguments
        os.environ.setdefault("KUBECONFIG", str(KUBECONFIG))
        os.execv(unpacked() / "kubectl", ["kubectl", *rest])  # noqa: S606 - a program of its own
    elif arguments == ["--version"]:
        print(f"k3s version {about()['version']} (stand-in)")
    elif arguments[:2] == ["etcd-snapshot", "save"]:
        save(arguments[3] if arguments[2:3] == ["--name"] else "on-demand")
    elif arguments[:3] == ["etcd-snapshot", "prune", "--name"] and arguments[4:5] == ["--snapshot-retention"]:
        prune(arguments[3], int(arguments[5]))
    elif arguments == ["server"]:
        serve()
    elif arguments[:2] == ["server", "--cluster-reset"]:
        reset(Path(arguments[2].partition("=")[2]))
    else:
        sys.exit(
            "This stand-in knows: server, kubectl, etcd-snapshot save [--name NAME], "
            "etcd-snapshot prune --name NAME --snapshot-retention NUMBER, --version."
        )
