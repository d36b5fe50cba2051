"""Store of the secrets that the set-up makes: Drone's OAuth application, and the signatures that the guard serves."""

from __future__ import annotations

import base64
import os
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from ..bounded_reader import Deadline
from ..http_client import HttpClient, ServiceError
from .service_client import TIMEOUT
from .setup_faults import SetupError

_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class SecretStore(ABC):
    """Named sets of small files."""

    @abstractmethod
    def get(self, name: str) -> Mapping[str, str]:
        """Files of a set; empty where there is none yet."""

    @abstractmethod
    def put(self, name: str, files: Mapping[str, str]) -> None:
        """Write a set's files."""


class FolderStore(SecretStore):
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


class KubernetesSecretStore(SecretStore):
    """A Secret of the cluster per set, which the program made empty; the pod's account may change these alone."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """secrets: name of a set to namespace/name of its Secret."""
        self._secrets = secrets
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        tls = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
        self._http = HttpClient("the cluster", f"https://{host}:{port}/api/v1", tls=tls)

    def get(self, name: str) -> Mapping[str, str]:
        found = cast("dict[str, str]", self._ask("GET", name).get("data") or {})
        return {file: base64.b64decode(text).decode() for file, text in found.items()}

    def put(self, name: str, files: Mapping[str, str]) -> None:
        self._ask("PATCH", name, {"stringData": dict(files)})

    def _ask(self, method: str, name: str, body: object = None) -> dict[str, Any]:
        namespace, _, secret = self._secrets[name].partition("/")
        headers = {
            # Read each time: the token is renewed by the hour.
            "Authorization": f"Bearer {(_ACCOUNT / 'token').read_text()}",
            "Content-Type": "application/merge-patch+json",
        }
        path = f"/namespaces/{namespace}/secrets/{secret}"
        try:
            answer = self._http.ask(method, path, Deadline(TIMEOUT), body=body, headers=headers)
        except (OSError, ServiceError) as error:
            raise SetupError(f"{method} of the Secret {namespace}/{secret} failed: {error}") from error
        found: object = answer.json
        if not isinstance(found, dict):
            raise SetupError(f"{method} of the Secret {namespace}/{secret} failed: the answer is no JSON object")
        return cast("dict[str, Any]", found)
