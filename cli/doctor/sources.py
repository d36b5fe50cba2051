"""Reach of everything under `sources`: what is unreachable from here, and what would use it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import requests

from cli.deadline import Running
from cli.doctor.lines import Environment, Line, failure, ok, warning
from cli.doctor.running import reason
from cli.doctor.web import get
from common.settings import GITHUB, Settings
from common.settings.images import registry_of
from common.versions import CHARTS

SECONDS: Final = 6
DEBIAN_RELEASE: Final = "trixie"
_API_OF: Final = {"docker.io": "registry-1.docker.io"}
"""Registries that answer under another name than the one in a reference."""
INGRESS: Final = CHARTS["nginx-ingress"]
SCHEMA_PARTS: Final = (
    "https://raw.githubusercontent.com/nginxinc/kubernetes-json-schema/master/v1.36.1/_definitions.json"
)
"""What the schema of the published chart nginx-ingress refers to; Helm fetches it at every install."""
_REACHED: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
"""A registry answers so to somebody without a login."""


@dataclass(frozen=True)
class Source:
    """An address that something is loaded from."""

    name: str
    url: str
    used_by: str
    from_here: bool = field(default=True, compare=False)
    """Whether this machine loads it; the others load it themselves, and may reach what this one does not."""
    ca_bundle: str | None = field(default=None, compare=False)
    any_status: bool = field(default=False, compare=False)
    """Whether any answer below 500 will do."""


def check(environment: Environment) -> Generator[Line]:
    """A line for each source that does not answer, and one for those that do."""
    everything = sources(environment.settings)
    asked = [(source, Running(lambda source=source: _ask(source))) for source in everything]
    reached = 0
    for source, asking in asked:
        try:
            wrong = asking.result(SECONDS)
        except TimeoutError:
            wrong = f"no answer within {SECONDS} seconds"
        if wrong is None:
            reached += 1
        else:
            yield _line(source, wrong)
    yield ok("sources", f"{reached} of {len(everything)} addresses answer")


def sources(settings: Settings) -> list[Source]:
    """Everything that the environment is loaded from, each address once."""
    found: dict[str, Source] = {}
    for source in _all(settings):
        found.setdefault(source.url, source)
    return list(found.values())


def _all(settings: Settings) -> Generator[Source]:
    own = settings.sources
    yield Source("Scaleway's API", settings.scaleway.api_url, "this program", any_status=True)
    for name, url in own.charts.items():
        if name == "rancher":
            if settings.rancher.enabled:
                yield Source(f"chart {name}", _chart(url), "the game master", from_here=False)
        else:
            yield Source(f"chart {name}", _chart(url), "this program")
            if (name, url) == (INGRESS.name, INGRESS.repository):
                yield Source("schema of nginx-ingress", SCHEMA_PARTS, "this program")
    if settings.acme_directory:
        used_by = "the game master and cert-manager"
        yield Source("ACME directory", settings.acme_directory, used_by, from_here=False, ca_bundle=own.acme_ca_bundle)
    if settings.rancher.enabled:
        yield Source("K3s", own.k3s_url, "the game master", from_here=False)
        yield Source("Helm", own.helm_url, "the game master", from_here=False)
    release = f"{own.debian.rstrip('/')}/dists/{DEBIAN_RELEASE}/Release"
    yield Source("Debian mirror", release, "the game master", from_here=False)
    for registry in sorted({_api_of(reference) for reference in vars(settings.images).values()}):
        yield Source(f"images of {registry}", f"https://{registry}/v2/", "the boards' nodes", from_here=False)
    if settings.delivery.registry:
        host = registry_of(settings.delivery.registry)
        yield Source(f"registry {host}", f"https://{host}/v2/", "the game's builds", from_here=False)
    if settings.delivery.scm == GITHUB and settings.delivery.github:
        yield Source("GitHub's API", settings.delivery.github.api_url, "this program and the boards", any_status=True)


def _api_of(reference: str) -> str:
    registry = registry_of(reference)
    return _API_OF.get(registry, registry)


def _chart(url: str) -> str:
    """What answers of a chart's repository: a registry's API, or a repository's index."""
    if url.startswith("oci://"):
        return f"https://{urlsplit(url).netloc}/v2/"
    return f"{url.rstrip('/')}/index.yaml"


def _ask(source: Source) -> str | None:
    """What is wrong with a source; None if it answers."""
    try:
        with get(source.url, SECONDS, source.ca_bundle) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        return reason(error)
    if status < HTTPStatus.BAD_REQUEST or status in _REACHED:
        return None
    return None if source.any_status and status < HTTPStatus.INTERNAL_SERVER_ERROR else f"answers {status}"


def _line(source: Source, wrong: str) -> Line:
    found = f"{source.url}: {wrong}; used by {source.used_by}"
    mend = f"curl --head {source.url}; a mirror goes under sources"
    if source.from_here:
        return failure(source.name, found, mend)
    return warning(source.name, f"{found}, which may reach it all the same", mend)
