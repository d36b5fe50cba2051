"""Where the set-up leaves what others read: Drone its OAuth application, the guard its signatures."""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from game_app.scm.setup.web import PATIENCE, SetupError

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Vault(ABC):
    """Named sets of small files."""

    @abstractmethod
    def get(self, name: str) -> Mapping[str, str]:
        """The files of a set; empty where there is none yet."""

    @abstractmethod
    def put(self, name: str, files: Mapping[str, str]) -> None:
        """Write a set's files."""


class Folder(Vault):
    """A folder per set, for where there is no cluster."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, name: str) -> Mapping[str, str]:
        folder = self._root / name
        return {file.name: file.read_text() for file in folder.iterdir()} if folder.exists() else {}

    def put(self, name: str, files: Mapping[str, str]) -> None:
        folder = self._root / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file, text in files.items():
            part = self._root / f".{name}-{file}"
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(text)
            part.rename(folder / file)


class Secrets(Vault):
    """A Secret of the cluster per set, which the program made empty; the pod's account may change these alone."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """places: name of a set to namespace/name of its Secret."""
        self._places = places
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        self._url = f"https://{host}:{port}/api/v1"
        self._tls = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))

    def get(self, name: str) -> Mapping[str, str]:
        found = cast("dict[str, str]", self._ask("GET", name).get("data") or {})
        return {file: base64.b64decode(text).decode() for file, text in found.items()}

    def put(self, name: str, files: Mapping[str, str]) -> None:
        self._ask("PATCH", name, {"stringData": dict(files)})

    def _ask(self, method: str, name: str, body: object = None) -> dict[str, Any]:
        namespace, _, secret = self._places[name].partition("/")
        request = urllib.request.Request(  # noqa: S310 - the cluster's own address
            f"{self._url}/namespaces/{namespace}/secrets/{secret}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                # Read each time: the token is renewed by the hour.
                "Authorization": f"Bearer {(_ACCOUNT / 'token').read_text()}",
                "Content-Type": "application/merge-patch+json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self._tls) as answered:  # noqa: S310
                return json.loads(answered.read())
        except (OSError, ValueError) as error:
            raise SetupError(f"{method} of the Secret {namespace}/{secret} failed: {error}") from error
