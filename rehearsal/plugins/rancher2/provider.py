"""The provider `rancher2`: its settings and its resources."""

from __future__ import annotations

import os
import re
from typing import ClassVar
from urllib.parse import urlsplit

from rehearsal.plugins.install import VERSIONS
from rehearsal.plugins.properties import Properties, text_of, truth_of
from rehearsal.plugins.provider_model import Provider, ProviderError
from rehearsal.plugins.rancher2.bootstrap import Bootstrap
from rehearsal.plugins.rancher2.client import Rancher
from rehearsal.plugins.rancher2.cluster import Cluster
from rehearsal.plugins.rancher2.cluster_sync import ClusterSync
from rehearsal.plugins.rancher2.setting import Setting
from rehearsal.plugins.rancher2.token import Token
from rehearsal.plugins.schema import Field, Fields, Kind

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Rancher2Provider(Provider[Rancher]):
    """Settings may come from the environment (RANCHER_URL, …), as with the official provider."""

    name: ClassVar[str] = "rancher2"
    version: ClassVar[str] = VERSIONS["rancher2"]
    fields: ClassVar[Fields] = {
        "apiUrl": Field(kind=Kind.TEXT),
        "accessKey": Field(kind=Kind.TEXT, secret=True),
        "secretKey": Field(kind=Kind.TEXT, secret=True),
        "tokenKey": Field(kind=Kind.TEXT, secret=True),
        "caCerts": Field(kind=Kind.TEXT),
        "insecure": Field(kind=Kind.BOOLEAN),
        "bootstrap": Field(kind=Kind.BOOLEAN),
        "timeout": Field(kind=Kind.TEXT),
        "retries": Field(kind=Kind.INTEGER),
    }

    def __init__(self) -> None:
        self._open: list[Rancher] = []
        self.resources = {
            "rancher2:index/bootstrap:Bootstrap": Bootstrap(),
            "rancher2:index/setting:Setting": Setting(),
            "rancher2:index/cluster:Cluster": Cluster(),
            "rancher2:index/clusterSync:ClusterSync": ClusterSync(),
            "rancher2:index/token:Token": Token(),
        }

    def configure(self, settings: Properties) -> Rancher:
        url = urlsplit(text_of(settings, "apiUrl") or os.environ.get("RANCHER_URL", ""))
        if url.scheme not in {"http", "https"} or not url.netloc:
            raise ProviderError("rancher2 needs apiUrl (or RANCHER_URL), such as https://rancher.example.org.")
        token = _token(settings)
        bootstrap = truth_of(settings, "bootstrap", default=False)
        if bootstrap and token:
            raise ProviderError("rancher2 with bootstrap takes no tokenKey, and no accessKey and secretKey.")
        if not bootstrap and not token:
            raise ProviderError("rancher2 needs tokenKey, or accessKey and secretKey, or bootstrap.")
        rancher = Rancher(
            url=f"{url.scheme}://{url.netloc}",
            token=token,
            bootstrap=bootstrap,
            timeout=seconds(text_of(settings, "timeout") or "120s"),
            ca_certs=text_of(settings, "caCerts") or os.environ.get("RANCHER_CA_CERTS", ""),
            insecure=truth_of(settings, "insecure", default=False),
        )
        self._open.append(rancher)
        return rancher

    async def close(self) -> None:
        for rancher in self._open:
            await rancher.close()


def _token(settings: Properties) -> str:
    token = text_of(settings, "tokenKey") or os.environ.get("RANCHER_TOKEN_KEY", "")
    access = text_of(settings, "accessKey") or os.environ.get("RANCHER_ACCESS_KEY", "")
    secret = text_of(settings, "secretKey") or os.environ.get("RANCHER_SECRET_KEY", "")
    return token or (f"{access}:{secret}" if access and secret else "")


def seconds(text: str) -> float:
    """A duration as Go writes it: "120s", "1m30s". Raises ProviderError for anything else."""
    if not re.fullmatch(r"(\d+(\.\d+)?(h|ms|m|s))+", text):
        raise ProviderError(f"rancher2: timeout must be a duration such as 120s or 2m, not {text!r}.")
    return sum(float(number) * UNITS[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)(h|ms|m|s)", text))
