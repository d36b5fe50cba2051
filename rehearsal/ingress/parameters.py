"""Parameters of nginx that the ConfigMap sets for all Ingresses, and annotations for one.

Names, defaults and what is allowed: https://docs.nginx.com/nginx-ingress-controller/configuration/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_DEFAULTS: Mapping[str, str] = {
    "client-max-body-size": "1m",
    "http-snippets": "",
    "keepalive-timeout": "75s",
    "proxy-connect-timeout": "60s",
    "proxy-protocol": "false",
    "proxy-read-timeout": "60s",
    "proxy-send-timeout": "60s",
    "real-ip-header": "",
    "server-snippets": "",
    "server-tokens": "true",
    "set-real-ip-from": "",
    "ssl-protocols": "",
    "worker-connections": "1024",
    "worker-rlimit-nofile": "",
    "worker-shutdown-timeout": "",
}
"""Every key of the ConfigMap that is known here, with the default of F5's controller."""
_SWITCHES = {"proxy-protocol", "server-tokens"}
_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}
"""What Go's strconv.ParseBool takes."""
_PREFIXES = ("nginx.org/", "nginx.com/", "ingress.kubernetes.io/", "nginx.ingress.kubernetes.io/", "nsm.nginx.com/")
_BODY_SIZE = "nginx.org/client-max-body-size"
_WEBSOCKETS = "nginx.org/websocket-services"
_UNKNOWN = (
    "not known to the stand-in of F5's controller: see that F5's has it, and add it to rehearsal/ingress/parameters.py"
)


class ParameterError(Exception):
    """A parameter is unknown or has a value that is not allowed; the text says which."""


@dataclass(frozen=True)
class Parameters:
    """Parameters of all Ingresses or of one."""

    texts: Mapping[str, str] = field(default_factory=lambda: _DEFAULTS)
    """By the key of the ConfigMap."""
    websocket_services: frozenset[str] = frozenset()
    """Services of one Ingress whose paths pass WebSockets."""

    def on(self, switch: str) -> bool:
        """Whether a switch is on."""
        return self.texts[switch] in _TRUE


def from_config_map(data: Mapping[str, str]) -> Parameters:
    """Parameters of all Ingresses. Raises ParameterError for keys and values that are not known here."""
    for key, text in sorted(data.items()):
        if key not in _DEFAULTS:
            raise ParameterError(f"key {key}: {_UNKNOWN}")
        if key in _SWITCHES and text not in _TRUE | _FALSE:
            raise ParameterError(f"key {key}: {text!r} is no boolean")
    return Parameters({**_DEFAULTS, **data})


def of_ingress(shared: Parameters, annotations: Mapping[str, str], services: frozenset[str]) -> Parameters:
    """Parameters of one Ingress, which leads to these Services.

    Raises ParameterError for annotations of an ingress controller and values that are not known here.
    """
    for name in sorted(annotations):
        if (name.startswith(_PREFIXES) or ".f5.com/" in name) and name not in (_BODY_SIZE, _WEBSOCKETS):
            raise ParameterError(f"annotations.{name}: {_UNKNOWN}")
    texts = dict(shared.texts)
    if _BODY_SIZE in annotations:
        size = texts["client-max-body-size"] = annotations[_BODY_SIZE]
        if not re.fullmatch(r"\d+[kKmMgG]?", size):
            raise ParameterError(f'annotations.{_BODY_SIZE}: Invalid value: "{size}": must be an offset')
    named = annotations.get(_WEBSOCKETS)
    websockets = frozenset(name.strip() for name in named.split(",")) if named is not None else frozenset[str]()
    if websockets - services:
        raise ParameterError(
            f'annotations.{_WEBSOCKETS}: Invalid value: "{named}": must be a comma-separated list of services. The '
            f"following services were not found: {','.join(sorted(websockets - services))}"
        )
    return Parameters(texts, websockets)
