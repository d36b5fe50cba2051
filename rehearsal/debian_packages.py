"""Debian's packages that a command needs: `python3 -m rehearsal.debian_packages PACKAGE[:COMMAND] …`.

Installs those whose command is not on PATH, and says so before. Runs on a bare Python, for no package is there yet.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable


def missing(packages: Iterable[str]) -> list[str]:
    """The packages whose command is not on PATH; without a command, it has the package's name."""
    pairs = [each.partition(":") for each in packages]
    return [package for package, _, command in pairs if shutil.which(command or package) is None]


def main() -> int:
    """Install what is missing. Gives 0 when all is there, 1 where only root could install it, else apt-get's status."""
    parser = argparse.ArgumentParser(prog="python3 -m rehearsal.debian_packages", description=__doc__)
    parser.add_argument("packages", nargs="+", metavar="PACKAGE[:COMMAND]", help="a package, and a command of it")
    wanted = missing(parser.parse_args().packages)
    if not wanted:
        return 0
    if os.geteuid() != 0:
        print(f"Run as root: apt-get install {' '.join(wanted)}")
        return 1
    print(f"Installing Debian's packages {' '.join(wanted)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *wanted]):
        done = subprocess.run(["apt-get", *command], env=quiet, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
