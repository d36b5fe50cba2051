"""What the stand-in remembers, in memory and in a file that is written after each change."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

ADMIN = "user-admin"
# The letters and digits of Kubernetes' generated names.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

# Settings that Rancher 2.15 has from the start, and their defaults; of them only what the provider or the
# stand-in reads (rancher/rancher, pkg/settings/setting.go).
DEFAULTS = {
    "agent-tls-mode": "strict",
    "auth-token-max-ttl-minutes": "129600",
    "auth-user-session-ttl-minutes": "960",
    "cacerts": "",
    "first-login": "true",
    "k8s-version": "v1.36.1+k3s1",
    "kubeconfig-default-token-ttl-minutes": "43200",
    "server-url": "",
    "server-version": "v2.15.0",
    "telemetry-opt": "",
    "ui-default-landing": "vue",
}
READ_ONLY = frozenset({"k8s-version", "server-version"})


def new_name(prefix: str) -> str:
    """A name as Kubernetes generates them: the prefix and five letters or digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(5))


@dataclass
class Token:
    """An API token. created and ttl in milliseconds since 1970 and for; a ttl of 0 is for ever."""

    id: str
    secret: str
    description: str
    created: int
    ttl: int
    cluster: str = ""
    labels: dict[str, str] = field(default_factory=dict[str, str])
    annotations: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def value(self) -> str:
        return f"{self.id}:{self.secret}"

    def expired(self, now: int) -> bool:
        return self.ttl > 0 and now >= self.created + self.ttl


@dataclass
class Setting:
    """A setting. creator: the user that made it; empty for those that Rancher has by itself."""

    name: str
    value: str = ""
    creator: str = ""
    labels: dict[str, str] = field(default_factory=dict[str, str])
    annotations: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def effective(self) -> str:
        return self.value or DEFAULTS.get(self.name, "")


@dataclass
class Cluster:
    """An imported cluster. Times in milliseconds since 1970; removed is 0 until somebody deletes it.

    registration: the token that its agent shows. joined: whether the agent has ever been seen.
    """

    id: str
    name: str
    created: int
    registration: str
    default_project: str
    system_project: str
    description: str = ""
    joined: bool = False
    removed: int = 0
    labels: dict[str, str] = field(default_factory=dict[str, str])
    annotations: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Password:
    """A password of which only a hash is kept (scrypt), both parts hexadecimal."""

    salt: str
    digest: str

    @staticmethod
    def of(text: str) -> Password:
        salt = secrets.token_bytes(16)
        return Password(salt.hex(), _hash(text, salt).hex())

    def matches(self, text: str) -> bool:
        return hmac.compare_digest(_hash(text, bytes.fromhex(self.salt)), bytes.fromhex(self.digest))


def _hash(text: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=2**12, r=8, p=1).derive(text.encode())


class State:
    """Everything, and its file. datastore: which data of a Kubernetes it is part of; empty before anybody said."""

    def __init__(self, file: Path, initial_password: str) -> None:
        """Takes up what the file holds; otherwise starts as a fresh Rancher with that password for admin."""
        self._file = file
        self._initial_password = initial_password
        self._load()

    def be_on(self, datastore: str) -> None:
        """Go on as the Rancher of that datastore: as what was known there last, else as a fresh one."""
        if self.datastore and datastore != self.datastore:
            self._file.replace(self._file_of(self.datastore))
            if self._file_of(datastore).exists():
                self._file_of(datastore).replace(self._file)
            self._load()
        self.datastore = datastore
        self.save()

    def _file_of(self, datastore: str) -> Path:
        """Where the Rancher of another datastore is kept."""
        return self._file.with_name(f"{self._file.stem}-{datastore}{self._file.suffix}")

    def _load(self) -> None:
        kept: dict[str, Any] = json.loads(self._file.read_text()) if self._file.exists() else {}
        self.datastore = str(kept.get("datastore", ""))
        self.password = Password(**kept["password"][0]) if kept else Password.of(self._initial_password)
        tokens = [Token(**entry) for entry in kept.get("tokens", [])]
        clusters = [Cluster(**entry) for entry in kept.get("clusters", [])]
        settings = [*map(Setting, DEFAULTS), *(Setting(**entry) for entry in kept.get("settings", []))]
        self.tokens = {token.id: token for token in tokens}
        self.clusters = {cluster.id: cluster for cluster in clusters}
        self.settings = {setting.name: setting for setting in settings}

    def save(self) -> None:
        """Writes the file whole or not at all; only its owner can read it."""
        content = {
            "datastore": self.datastore,
            "password": [asdict(self.password)],
            "tokens": [asdict(token) for token in self.tokens.values()],
            "clusters": [asdict(cluster) for cluster in self.clusters.values()],
            "settings": [asdict(setting) for setting in self.settings.values()],
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
        fresh.replace(self._file)

    def setting(self, name: str) -> str:
        return self.settings[name].effective

    def longest_ttl(self) -> int:
        """The longest that a token may live, in milliseconds; 0 for no limit."""
        return int(self.setting("auth-token-max-ttl-minutes")) * 60_000

    def new_token(
        self, *, now: int, ttl: int, description: str = "", cluster: str = "", prefix: str = "token-"
    ) -> Token:
        """A token that lives as long as is asked, but no longer than Rancher lets any; both in milliseconds."""
        longest = self.longest_ttl()
        granted = min(ttl or longest, longest) if longest else ttl
        token = Token(new_name(prefix), secrets.token_hex(27), description, now, granted, cluster)
        self.tokens[token.id] = token
        return token
