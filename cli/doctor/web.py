"""Looks at addresses on the web, by the environment's proxies."""

from __future__ import annotations

import tempfile
from pathlib import Path

import requests


def get(url: str, seconds: float, ca_bundle: str | None = None) -> requests.Response:
    """The answer to a GET, its body not read yet: a registry answers nothing else, and what is large stays there.

    ca_bundle: what to trust in place of the system's authorities (PEM). Raises requests.RequestException.
    """
    if ca_bundle is None:
        return requests.get(url, timeout=seconds, stream=True)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "authority.pem")
        bundle.write_text(ca_bundle)
        return requests.get(url, timeout=seconds, stream=True, verify=str(bundle))
