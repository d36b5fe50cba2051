"""Stands in for cert-manager: a Certificate is signed by the authority that its ClusterIssuer names.

What others see of cert-manager is done for real: each name is proven by a dynamic update (RFC 2136) at the issuer's
name server, with the issuer's key, where the name's alias leads; the authority looks there by itself, and what it signs
stands in the Certificate's Secret. One that cannot be signed says why, and is tried again. There are no certificates of
its own making meanwhile, no renewals, no Orders and Challenges, and no solver but that one.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
from collections.abc import Sequence
from typing import Final

from rehearsal.acme.issuer import Issuer, OrderError
from rehearsal.kapsule.controllers import Informer, NotReconciledError, Reconciler
from rehearsal.kapsule.kube import Kube, KubeError, Object

GROUP: Final = "/apis/cert-manager.io/v1"
_SECRETS_OF_ISSUERS: Final = "cert-manager"
"""Namespace in which cert-manager looks for what a ClusterIssuer refers to: its own."""


class CertificateController:
    """Has each Certificate of one cluster signed."""

    def __init__(self, kube: Kube, certificates: Informer) -> None:
        self._kube = kube
        self._certificates = certificates

    @property
    def reconcilers(self) -> list[Reconciler]:
        return [Reconciler(self._certificates, self._reconcile)]

    async def _reconcile(self, certificate: Object) -> None:
        meta: Object = certificate["metadata"]
        if "deletionTimestamp" in meta or _signed(certificate):
            return
        spec: Object = certificate["spec"]
        try:
            issuer = await self._issuer(spec["issuerRef"]["name"])
            key, chain = await asyncio.to_thread(_order, issuer, spec["dnsNames"])
        except OrderError as error:
            await self._say(certificate, "False", "Failed", str(error))
            raise NotReconciledError(str(error)) from error
        secret: Object = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": spec["secretName"], "namespace": meta["namespace"]},
            "type": "kubernetes.io/tls",
            "data": {"tls.crt": _base64(chain), "tls.key": _base64(key)},
        }
        await self._kube.apply(f"/api/v1/namespaces/{meta['namespace']}/secrets/{spec['secretName']}", secret)
        await self._say(certificate, "True", "Ready", "Certificate is up to date and has not expired")

    async def _issuer(self, name: str) -> Issuer:
        try:
            acme: Object = (await self._kube.call("GET", f"{GROUP}/clusterissuers/{name}"))["spec"]["acme"]
            way: Object = acme["solvers"][0]["dns01"]["rfc2136"]
            reference: Object = way["tsigSecretSecretRef"]
            path = f"/api/v1/namespaces/{_SECRETS_OF_ISSUERS}/secrets/{reference['name']}"
            held = (await self._kube.call("GET", path))["data"][reference["key"]]
        except KubeError as error:
            if error.status != 404:
                raise
            raise OrderError(f"the issuer {name} is not whole yet: {error}") from error
        server, _, port = way["nameserver"].partition(":")
        return Issuer(
            directory=acme["server"],
            authority=base64.b64decode(acme.get("caBundle", "")).decode(),
            name_server=server,
            port=int(port or 53),
            key_name=way["tsigKeyName"],
            key=base64.b64decode(held).decode(),
        )

    async def _say(self, certificate: Object, status: str, reason: str, message: str) -> None:
        meta: Object = certificate["metadata"]
        condition = {
            "type": "Ready",
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": meta["generation"],
            "lastTransitionTime": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        known = _ready(certificate)
        if {**known, "lastTransitionTime": ""} != {**condition, "lastTransitionTime": ""}:
            path = f"{GROUP}/namespaces/{meta['namespace']}/certificates/{meta['name']}/status"
            self._certificates.note(await self._kube.merge(path, {"status": {"conditions": [condition]}}))


def _ready(certificate: Object) -> Object:
    conditions: list[Object] = certificate.get("status", {}).get("conditions", [])
    nothing: Object = {}
    return next((each for each in conditions if each["type"] == "Ready"), nothing)


def _signed(certificate: Object) -> bool:
    ready = _ready(certificate)
    return ready.get("status") == "True" and ready.get("observedGeneration") == certificate["metadata"]["generation"]


def _order(issuer: Issuer, names: Sequence[str]) -> tuple[str, str]:
    # A third of a second, for which neither the local cloud's start nor a board without certificates need wait.
    from rehearsal.acme.ordering import order  # noqa: PLC0415

    return order(issuer, names)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
