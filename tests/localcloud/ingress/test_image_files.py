"""Files of the stand-in's image: the program runs by them alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from rehearsal.ingress.image_files import image_files


def test_the_program_needs_no_other_file_of_this_project(tmp_path: Path) -> None:
    for inside, file in image_files().items():
        target = tmp_path / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    packages = tmp_path / "usr/lib/python3/dist-packages"
    assert (packages / "rehearsal/ingress/nginx.conf.j2").exists()
    done = subprocess.run(
        [sys.executable, "-B", "-m", "rehearsal.ingress", "--help"],
        cwd=packages,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-nginx-configmaps" in done.stdout
