"""Helm releases that a killed update left half done, in Helm's own store on the cluster.

Helm refuses to install a release whose name its store has (`cannot re-use a name that is still in use`) and to change
one that it takes to be in the making (`another operation … is in progress`); neither ever ends by itself. The store is
Secrets of the type helm.sh/release.v1, one for each revision, with name, status and revision in its labels.
Source: https://helm.sh/docs/topics/advanced/#storage-backends and pkg/storage/driver of helm.sh/helm/v3.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, cast

import httpx
import yaml
from lightkube import ApiError, Client, KubeConfig
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Secret

from cli.recover.pending_operations import cut_off
from cli.stack import Tree
from cli.state import operations, plaintext, resources
from common.naming import TEAM_PREFIX
from common.versions import CHARTS

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
SECONDS: Final = 20
"""How long a cluster may take for each answer."""
_NAMESPACE: Final = "kubernetes:core/v1:Namespace"
_DEPLOYED: Final = "deployed"
_FAILED: Final = "failed"
_UNFINISHED: Final = frozenset({"pending-install", "pending-upgrade", "pending-rollback", "uninstalling", _FAILED})
_GZIP: Final = b"\x1f\x8b\x08"
Place = tuple[str, str]
"""Namespace and name of a release."""


class ClusterError(Exception):
    """A cluster cannot be asked for its releases; the text says why and what to do."""


class Fate(Enum):
    """What becomes of a release; the text is for the operator."""

    UNTOUCHED = "as it was"
    ABSENT = "not there, will be made by the next update"
    ADOPTED = "adopted; the next update goes on with it"
    FORGOTTEN = "its installation was cut off; the next update installs it over what is there"
    CONTINUED = "was cut off half way; the next update goes on with it"


@dataclass(frozen=True)
class Release:
    """A release that the state holds, or that was being made."""

    urn: str
    place: Place
    provider: str
    """URN of what puts it onto its cluster."""
    known: bool
    """Whether the state holds it, rather than only that it was begun."""
    marked: bool
    """Whether the state says already that the next update has to go on with it."""


@dataclass(frozen=True)
class Finding:
    """What a look at the cluster has shown of a release, and what becomes of it."""

    place: Place
    urn: str | None
    """None for one that the state knows nothing of any more."""
    fate: Fate
    revisions: Sequence[Any] = ()
    """Its Secrets, oldest first."""
    client: Client | None = field(default=None, repr=False)

    @property
    def id(self) -> str:
        """As the provider writes it."""
        return "/".join(self.place)

    @property
    def label(self) -> str:
        """How an operator knows it."""
        return self.urn.rpartition("::")[2] if self.urn else f"release {self.id}"

    def act(self) -> None:
        """Do to Helm's store what the fate asks for. Raises ClusterError."""
        if self.client is None:
            return
        try:
            if self.fate is Fate.CONTINUED:
                _fail(self.revisions[-1], self.client)
            if self.fate is Fate.FORGOTTEN:
                # What was installed bears Helm's marks, by which the next installation of that name takes it over.
                for revision in reversed(self.revisions):
                    self.client.delete(Secret, revision.metadata.name, namespace=self.place[0])
        except httpx.HTTPError as error:
            raise ClusterError(f"{self.label} cannot be freed ({error}): run recover again") from error


def look(state: Tree) -> tuple[list[Finding], list[str]]:
    """What became of every release of a state whose secrets are shown, and why a cluster could not be asked."""
    by_provider: defaultdict[str, list[Release]] = defaultdict(list)
    for namespace in _of_type(resources(state), _NAMESPACE):
        by_provider[_provider(namespace)] = []
    for release in _releases(state):
        by_provider[release.provider].append(release)
    findings: list[Finding] = []
    unreachable: list[str] = []
    for provider, releases in by_provider.items():
        try:
            client = _client(state, provider)
            stored = _stored(client, provider)
        except ClusterError as error:
            unreachable.append(str(error))
            continue
        for release in releases:
            revisions = stored.pop(release.place, [])
            findings.append(Finding(release.place, release.urn, _fate(release, revisions), revisions, client))
        own = _namespaces(state, provider)
        findings += [
            Finding(place, None, Fate.FORGOTTEN, revisions, client)
            for place, revisions in stored.items()
            if place[0] in own and place[1] in CHARTS
        ]
    return findings, unreachable


def _fate(release: Release, revisions: Sequence[Any]) -> Fate:
    statuses = [_status(revision) for revision in revisions]
    if not statuses:
        return Fate.UNTOUCHED if release.known else Fate.ABSENT
    if release.known:
        unfinished = statuses[-1] in _UNFINISHED and not (release.marked and statuses[-1] == _FAILED)
        return Fate.CONTINUED if unfinished else Fate.UNTOUCHED
    if statuses[-1] == _DEPLOYED:
        return Fate.ADOPTED
    return Fate.CONTINUED if _DEPLOYED in statuses else Fate.FORGOTTEN


def _releases(state: Tree) -> Iterable[Release]:
    """The releases of a state, those in the making too."""
    begun = {creation.urn for creation in cut_off(state)}
    pending = [operation["resource"] for operation in operations(state) if operation["resource"]["urn"] in begun]
    found = {resource["urn"]: _release(resource, known=False) for resource in _of_type(pending, RELEASE)}
    found |= {resource["urn"]: _release(resource, known=True) for resource in _of_type(resources(state), RELEASE)}
    return found.values()


def _release(resource: Tree, *, known: bool) -> Release:
    inputs = resource.get("inputs", {})
    return Release(
        urn=resource["urn"],
        place=(plaintext(inputs.get("namespace")) or "default", plaintext(inputs.get("name")) or ""),
        provider=_provider(resource),
        known=known,
        marked=bool(resource.get("initErrors")),
    )


def _provider(resource: Tree) -> str:
    """URN of a resource's provider."""
    return resource.get("provider", "").rpartition("::")[0]


def _of_type(found: Iterable[Tree], type_: str) -> list[Tree]:
    return [resource for resource in found if resource["type"] == type_ and not resource.get("delete")]


def _namespaces(state: Tree, provider: str) -> set[str]:
    """The namespaces that the program made on a cluster, apart from the teams', in which players have releases."""
    names = {
        str(resource["id"]) for resource in _of_type(resources(state), _NAMESPACE) if _provider(resource) == provider
    }
    return {name for name in names if not name.startswith(TEAM_PREFIX)}


def _client(state: Tree, provider: str) -> Client:
    """A client of the cluster onto which a provider (its URN) puts objects. Raises ClusterError."""
    kubeconfigs = [known["inputs"].get("kubeconfig") for known in resources(state) if known["urn"] == provider]
    try:
        # Certificates and keys in it are in files of mode 600 while OpenSSL reads them.
        config = cast("Any", KubeConfig).from_dict(yaml.safe_load(plaintext(kubeconfigs[0])))
        return Client(config, timeout=httpx.Timeout(SECONDS))
    except (yaml.YAMLError, ConfigError, LookupError, TypeError, AttributeError, ValueError, OSError) as error:
        raise ClusterError(f"{_cluster(provider)}: its kubeconfig in the state is not one") from error


def _stored(client: Client, provider: str) -> dict[Place, list[Any]]:
    """Helm's store on a cluster: the revisions of each release, oldest first. Raises ClusterError."""
    stored: defaultdict[Place, list[Any]] = defaultdict(list)
    try:
        # A list of this is of no type that is known.
        for secret in cast("Any", client).list(Secret, namespace="*", labels={"owner": "helm"}):
            stored[secret.metadata.namespace, secret.metadata.labels["name"]].append(secret)
    except ApiError as error:
        raise ClusterError(f"{_cluster(provider)} refuses to show Helm's store: {error}") from error
    except (httpx.HTTPError, OSError) as error:
        raise ClusterError(
            f"{_cluster(provider)} does not answer ({str(error) or type(error).__name__}): see in Scaleway's console "
            "that it runs and that its API lets you in (boards.NAME.apiCidrs), then run recover again; if it is gone, "
            "see docs/troubleshooting.md"
        ) from error
    for revisions in stored.values():
        revisions.sort(key=lambda secret: int(secret.metadata.labels["version"]))
    return dict(stored)


def _status(revision: Any) -> str:
    return str(revision.metadata.labels.get("status", ""))


def _fail(revision: Any, client: Client) -> None:
    """Say of a revision that it failed, as Helm does when it sees that; from there it upgrades."""
    if _status(revision) == _FAILED:
        return
    # Kubernetes' own encoding, and Helm's in it.
    packed = base64.b64decode(base64.b64decode(revision.data["release"]))
    told = json.loads(gzip.decompress(packed) if packed.startswith(_GZIP) else packed)
    told["info"] |= {"status": _FAILED, "description": "An update that was killed left it half done"}
    again = base64.b64encode(gzip.compress(json.dumps(told).encode()))
    revision.data["release"] = base64.b64encode(again).decode()
    revision.metadata.labels["status"] = _FAILED
    client.replace(revision)


def _cluster(provider: str) -> str:
    """A cluster by the name of what places objects on it."""
    return f"the cluster of {provider.rpartition('::')[2]}"
