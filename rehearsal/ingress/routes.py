"""Routes from hosts and paths to pods, made of Ingresses, Services, EndpointSlices and Secrets as F5's controller does.

Objects are dictionaries as the API gives them.
"""

from __future__ import annotations

import ssl
import tempfile
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rehearsal.ingress.parameters import ParameterError, Parameters, of_ingress
from rehearsal.kapsule.kube import Object

NO_PODS = "unix:502.sock"
"""Where nginx answers 502 itself, in place of pods that are not there."""


@dataclass(frozen=True)
class Upstream:
    """Port of a Service, and the addresses of its ready pods."""

    name: str
    service: str
    servers: Sequence[str]


@dataclass(frozen=True)
class Location:
    """Path of a host, in nginx's words."""

    path: str
    upstream: Upstream


@dataclass(frozen=True)
class Server:
    """Host of an Ingress."""

    host: str
    locations: Sequence[Location]
    parameters: Parameters
    tls: bool
    certificate: str | None
    """Name of the file with the certificate and its key; None where every handshake is refused."""


@dataclass
class Routed:
    """One Ingress, and how it fared."""

    ingress: Object
    servers: list[Server] = field(default_factory=list[Server])
    warnings: list[str] = field(default_factory=list[str])
    rejected: str = ""
    """Why nothing of the Ingress is served; empty where it is."""

    @property
    def name(self) -> str:
        return "{namespace}/{name}".format(**self.ingress["metadata"])


@dataclass(frozen=True)
class Objects:
    """What the API holds."""

    ingresses: Sequence[Object]
    services: Mapping[str, Object]
    slices: Sequence[Object]
    certificates: Mapping[str, str | None]
    """Name (<namespace>/<name>) of each Secret to its certificate and key (PEM), or None for one that has none."""
    wildcard: str | None
    """Secret (<namespace>/<name>) of hosts with TLS whose Ingress names none."""


def certificate_of(secret: Object) -> str | None:
    """Certificate and key (PEM) of a Secret, or None where its type, form or key is not what nginx can use."""
    data: Mapping[str, str] = secret.get("data") or {}
    if secret.get("type") != "kubernetes.io/tls" or not {"tls.crt", "tls.key"} <= set(data):
        return None
    pem = "\n".join(b64decode(data[key]).decode(errors="replace") for key in ("tls.crt", "tls.key"))
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(pem)
        file.flush()
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file.name)
        except ssl.SSLError:
            return None
    return pem


def routes(objects: Objects, shared: Parameters) -> list[Routed]:
    """Every Ingress. A host belongs to the oldest that names it."""
    taken: set[str] = set()
    result: list[Routed] = []
    # Among those of one second the greater UID is first.
    by_uid = sorted(objects.ingresses, key=lambda each: each["metadata"]["uid"], reverse=True)
    for ingress in sorted(by_uid, key=lambda each: each["metadata"]["creationTimestamp"]):
        routed = Routed(ingress)
        result.append(routed)
        try:
            _route(routed, objects, shared, taken)
        except ParameterError as error:
            routed.rejected = f"with error: {error}"
    return result


def _route(routed: Routed, objects: Objects, shared: Parameters, taken: set[str]) -> None:
    spec: Object = routed.ingress["spec"]
    rules: Sequence[Object] = spec.get("rules") or []
    hosts = [rule.get("host", "") for rule in rules]
    if not rules or "" in hosts or len(set(hosts)) != len(hosts):
        raise ParameterError("spec.rules: each rule must have a host, and each host one rule")
    if spec.get("defaultBackend"):
        raise ParameterError("spec.defaultBackend: not known to the stand-in of F5's controller")
    backends = [path["backend"] for rule in rules for path in _paths(rule)]
    if any("service" not in backend for backend in backends):
        raise ParameterError("spec.rules.http.paths.backend.resource: resource backends are not supported")
    services = frozenset(backend["service"]["name"] for backend in backends)
    parameters = of_ingress(shared, routed.ingress["metadata"].get("annotations", {}), services)
    for rule in rules:
        if rule["host"] in taken:
            routed.warnings.append(f"host {rule['host']} is taken by another resource")
            continue
        taken.add(rule["host"])
        locations = [_location(routed, rule["host"], path, objects) for path in _paths(rule)]
        tls, certificate = _certificate(routed, rule["host"], objects)
        routed.servers.append(Server(rule["host"], locations, parameters, tls, certificate))
    if not routed.servers:
        raise ParameterError("All hosts are taken by other resources")


def _paths(rule: Object) -> Sequence[Object]:
    http: Object = rule.get("http") or {}
    return http.get("paths", [])


def _location(routed: Routed, host: str, path: Object, objects: Objects) -> Location:
    meta: Object = routed.ingress["metadata"]
    wanted: Object = path["backend"]["service"]
    port = wanted["port"].get("name") or wanted["port"]["number"]
    servers = sorted(_addresses(f"{meta['namespace']}/{wanted['name']}", port, objects))
    upstream = Upstream(
        f"{meta['namespace']}-{meta['name']}-{host}-{wanted['name']}-{port}", wanted["name"], servers or [NO_PODS]
    )
    # F5's reads Prefix as nginx does: /metrics also is the beginning of /metricsapp.
    exact = "= " if path.get("pathType") == "Exact" else ""
    return Location(exact + (path.get("path") or "/"), upstream)


def _addresses(service: str, wanted: str | int, objects: Objects) -> Iterable[str]:
    """Address and port of each pod of a Service that is ready."""
    known = objects.services.get(service)
    ports: Sequence[Object] = known["spec"].get("ports", []) if known else []
    name = next((port.get("name", "") for port in ports if wanted in (port.get("name"), port["port"])), None)
    for each in objects.slices:
        meta: Object = each["metadata"]
        if f"{meta['namespace']}/{meta.get('labels', {}).get('kubernetes.io/service-name')}" != service:
            continue
        numbered: Sequence[Object] = each.get("ports") or []
        endpoints: Sequence[Object] = each.get("endpoints") or []
        numbers = {int(port["port"]) for port in numbered if port.get("name", "") == name}
        for endpoint in endpoints:
            if endpoint.get("conditions", {}).get("ready"):
                yield from (f"{address}:{number}" for number in numbers for address in endpoint["addresses"])


def _certificate(routed: Routed, host: str, objects: Objects) -> tuple[bool, str | None]:
    """Whether a host has TLS, and its certificate's Secret where that is one."""
    entries: Sequence[Object] = routed.ingress["spec"].get("tls") or []
    own = [entry for entry in entries if host in (entry.get("hosts") or [])]
    if not own:
        return False, None
    named = own[-1].get("secretName")
    if not named and objects.wildcard is None:
        routed.warnings.append(
            f"TLS termination for host '{host}' requires specifying a TLS secret or configuring a global wildcard TLS "
            "secret"
        )
        return True, None
    secret = f"{routed.ingress['metadata']['namespace']}/{named}" if named else objects.wildcard
    if secret is None or objects.certificates.get(secret) is None:
        reason = "is of a wrong type or has no valid key pair" if secret in objects.certificates else "doesn't exist"
        routed.warnings.append(f"TLS secret {named} is invalid: secret {reason}")
        return True, None
    return True, secret
