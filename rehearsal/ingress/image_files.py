"""Files of the ingress stand-in's image, beside Debian's nginx and Python packages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

PACKAGES: Final = ("nginx", "python3-aiohttp", "python3-jinja2")
ENTRYPOINT: Final = ("python3", "-B", "-m", "rehearsal.ingress")
USER: Final = "101:101"
_PROJECT = Path(__file__).parents[2]
# The package of Kapsule without the rest of Kapsule: Python takes a folder for a package.
_SHARED = ("rehearsal/__init__.py", "rehearsal/kapsule/kube.py", "rehearsal/kapsule/controllers.py")


def image_files() -> Mapping[str, Path]:
    """Path in the image to each file of this project."""
    own = [file.relative_to(_PROJECT) for kind in ("*.py", "*.j2") for file in Path(__file__).parent.glob(kind)]
    files = sorted([*own, *map(Path, _SHARED)])
    return {f"usr/lib/python3/dist-packages/{file}": _PROJECT / file for file in files}
