"""Controller: keeps nginx at what the API holds, and tells each Ingress how it fared."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rehearsal.ingress.nginx import Configuration, Nginx, NginxError
from rehearsal.ingress.parameters import ParameterError, Parameters, from_config_map
from rehearsal.ingress.routes import Objects, Routed, certificate_of, routes
from rehearsal.kapsule.controllers import Informer
from rehearsal.kapsule.kube import UNREACHABLE, Kube, KubeError, Object

_CONTROLLER = "nginx.org/ingress-controller"
_SETTLE = 0.1
"""Seconds in which changes that come together are gathered for one reload."""
_RETRY = 1.0
_LOG = logging.getLogger(__name__)


class ControllerError(Exception):
    """The controller cannot start; the text says why."""


@dataclass(frozen=True)
class Choices:
    """What the flags say; names are <namespace>/<name>."""

    ingress_class: str
    config_map: str
    default_certificate: str | None
    wildcard_certificate: str | None
    service: str | None
    """LoadBalancer Service whose addresses Ingresses get; None: their status is left alone."""
    ipv6: bool


class Controller:
    """Controller of the Ingresses of one class."""

    def __init__(self, kube: Kube, nginx: Nginx, choices: Choices) -> None:
        self._kube = kube
        self._nginx = nginx
        self._choices = choices
        self._changed = asyncio.Event()
        self._ingresses = self._informer("/apis/networking.k8s.io/v1/ingresses")
        self._services = self._informer("/api/v1/services")
        self._slices = self._informer("/apis/discovery.k8s.io/v1/endpointslices")
        self._secrets = self._informer("/api/v1/secrets")
        namespace = choices.config_map.partition("/")[0]
        self._config_maps = self._informer(f"/api/v1/namespaces/{namespace}/configmaps")
        self._special: dict[str, str] = {}
        self._shared = Parameters()
        self._told: dict[str, str] = {}
        self.ready = False
        """Whether nginx has served by everything that the API held at the start."""

    async def prepare(self) -> None:
        """See that all is there without which F5's controller does not start either. Raises ControllerError."""
        name = self._choices.ingress_class
        found = await self._get(f"/apis/networking.k8s.io/v1/ingressclasses/{name}", f"IngressClass {name}")
        if found["spec"]["controller"] != _CONTROLLER:
            raise ControllerError(
                f"IngressClass {name} has an invalid Spec.Controller {found['spec']['controller']}; "
                f"expected {_CONTROLLER}"
            )
        for secret in {self._choices.default_certificate, self._choices.wildcard_certificate} - {None}:
            namespace, _, bare = str(secret).partition("/")
            pem = certificate_of(
                await self._get(f"/api/v1/namespaces/{namespace}/secrets/{bare}", f"TLS secret {secret}")
            )
            if pem is None:
                raise ControllerError(f"TLS secret {secret} is of a wrong type or has no valid key pair")
            self._special[str(secret)] = pem
        namespace, _, bare = self._choices.config_map.partition("/")
        config = await self._get(f"/api/v1/namespaces/{namespace}/configmaps/{bare}", f"ConfigMap {namespace}/{bare}")
        try:
            self._shared = from_config_map(config.get("data") or {})
            await self._nginx.apply(self._configuration([], self._shared, {}))
        except (ParameterError, NginxError) as error:
            raise ControllerError(f"ConfigMap {self._choices.config_map}: {error}") from error

    async def run(self) -> None:
        """Until cancelled. `prepare` comes first."""
        informers = (self._ingresses, self._services, self._slices, self._secrets, self._config_maps)
        async with asyncio.TaskGroup() as tasks:
            for informer in informers:
                tasks.create_task(informer.follow())
            await asyncio.gather(*(informer.filled.wait() for informer in informers))
            while True:
                self._changed.clear()
                try:
                    await self._reconcile()
                    self.ready = True
                    await self._changed.wait()
                    await asyncio.sleep(_SETTLE)
                except (*UNREACHABLE, KubeError) as error:
                    _LOG.warning("%s", error)
                    await asyncio.sleep(_RETRY)

    async def _reconcile(self) -> None:
        config_map = _by_name(self._config_maps).get(self._choices.config_map)
        if config_map:
            await self._read(config_map)
        certificates = {name: certificate_of(secret) for name, secret in _by_name(self._secrets).items()}
        # One that is gone or spoiled stays as it was.
        self._special |= {name: pem for name in self._special if (pem := certificates.get(name))}
        objects = Objects(
            ingresses=[
                each
                for each in self._ingresses.objects
                if each["spec"].get("ingressClassName") == self._choices.ingress_class
                and "deletionTimestamp" not in each["metadata"]
            ],
            services=_by_name(self._services),
            slices=self._slices.objects,
            certificates=certificates | self._special,
            wildcard=self._choices.wildcard_certificate,
        )
        routed = routes(objects, self._shared)
        try:
            await self._nginx.apply(self._configuration(routed, self._shared, objects.certificates))
        except NginxError as error:
            _LOG.error("%s", error)
            refused = f"but was not applied: {error}"
        else:
            refused = ""
        for each in routed:
            await self._tell(each, refused)
            if not refused:
                await self._give_address(each)

    async def _read(self, config_map: Object) -> None:
        try:
            self._shared = from_config_map(config_map.get("data") or {})
        except ParameterError as error:
            name = self._choices.config_map
            await self._event(config_map, "UpdatedWithError", f"ConfigMap {name} was not applied: {error}", bad=True)

    def _configuration(
        self, routed: Sequence[Routed], shared: Parameters, certificates: Mapping[str, str | None]
    ) -> Configuration:
        servers = sorted((server for each in routed for server in each.servers), key=lambda server: server.host)
        used = {server.certificate: certificates.get(server.certificate) for server in servers if server.certificate}
        if default := self._choices.default_certificate:
            used[default] = self._special[default]
        return Configuration(
            shared=shared,
            servers=servers,
            certificates={name: pem for name, pem in used.items() if pem},
            default_certificate=default,
            ipv6=self._choices.ipv6,
        )

    async def _tell(self, routed: Routed, refused: str) -> None:
        if routed.rejected:
            reason, message = "Rejected", f"{routed.name} was rejected: {routed.rejected}"
        else:
            message = f"Configuration for {routed.name} was added or updated"
            reason = "AddedOrUpdated"
            if routed.warnings:
                reason, message = f"{reason}WithWarning", f"{message} with warning(s): {'; '.join(routed.warnings)}"
            if refused:
                reason, message = "AddedOrUpdatedWithError", f"{message} {refused}"
        await self._event(routed.ingress, reason, message, bad=reason != "AddedOrUpdated")

    async def _event(self, about: Object, reason: str, message: str, *, bad: bool) -> None:
        """Attach an event to an object, once for each change of how the object fared."""
        meta: Object = about["metadata"]
        outcome = f"{meta.get('generation')} {reason} {message}"
        if self._told.get(meta["uid"]) == outcome:
            return
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        digest = hashlib.sha256(f"{now} {outcome}".encode()).hexdigest()[:16]
        is_ingress = "spec" in about
        involved = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")} | {
            "apiVersion": "networking.k8s.io/v1" if is_ingress else "v1",
            "kind": "Ingress" if is_ingress else "ConfigMap",
        }
        event = {
            "metadata": {"name": f"{meta['name']}.{digest}", "namespace": meta["namespace"]},
            "involvedObject": involved,
            "type": "Warning" if bad else "Normal",
            "reason": reason,
            # The API takes a kilobyte.
            "message": message[:1024],
            "source": {"component": "nginx-ingress-controller"},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        _LOG.log(logging.WARNING if bad else logging.INFO, "%s", message)
        await self._kube.create(f"/api/v1/namespaces/{meta['namespace']}/events", event)
        self._told[meta["uid"]] = outcome

    async def _give_address(self, routed: Routed) -> None:
        """Write the addresses of the controller's load balancer into an Ingress; one that is rejected has none."""
        service = _by_name(self._services).get(self._choices.service or "")
        if service is None:
            return
        given: Sequence[Object] = [] if routed.rejected else _addresses(service)
        wanted = [{key: entry[key] for key in ("ip", "hostname") if key in entry} for entry in given]
        ingress = routed.ingress
        if _addresses(ingress) != wanted:
            meta: Object = ingress["metadata"]
            path = f"/apis/networking.k8s.io/v1/namespaces/{meta['namespace']}/ingresses/{meta['name']}/status"
            # The chart gives no permission to patch.
            changed = json.loads(json.dumps(ingress)) | {"status": {"loadBalancer": {"ingress": wanted}}}
            try:
                self._ingresses.note(await self._kube.call("PUT", path, changed))
            except KubeError as error:
                # The watch brings what changed meanwhile.
                if error.status not in (404, 409):
                    raise

    async def _get(self, path: str, what: str) -> Object:
        try:
            return await self._kube.call("GET", path)
        except (*UNREACHABLE, KubeError) as error:
            raise ControllerError(f"error when getting {what}: {error}") from error

    def _informer(self, path: str) -> Informer:
        return Informer(self._kube, path, self._changed)


def _by_name(of: Informer) -> dict[str, Object]:
    return {"{namespace}/{name}".format(**each["metadata"]): each for each in of.objects}


def _addresses(of: Object) -> list[Object]:
    return of.get("status", {}).get("loadBalancer", {}).get("ingress", [])
