"""Parameters of nginx that the ConfigMap sets for all Ingresses, and annotations for one.

Names, defaults and what is allowed: https://docs.nginx.com/nginx-ingress-controller/configuration/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

_PREFIXES = ("nginx.org/", "nginx.com/", "ingress.kubernetes.io/", "nginx.ingress.kubernetes.io/", "nsm.nginx.com/")
_BODY_SIZE = "nginx.org/client-max-body-size"
_WEBSOCKETS = "nginx.org/websocket-services"
_OFFSET = re.compile(r"\d+[kKmMgG]?")
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
"""What Go's strconv.ParseBool takes."""


class ParameterError(Exception):
    """A parameter is unknown or has a value that is not allowed; the text says which."""


@dataclass(frozen=True)
class Parameters:
    """Parameters of all Ingresses or of one, with the defaults of F5's controller."""

    client_max_body_size: str = "1m"
    http_snippets: str = ""
    keepalive_timeout: str = "75s"
    proxy_connect_timeout: str = "60s"
    proxy_protocol: bool = False
    proxy_read_timeout: str = "60s"
    proxy_send_timeout: str = "60s"
    real_ip_header: str = ""
    server_snippets: str = ""
    server_tokens: bool = True
    set_real_ip_from: tuple[str, ...] = ()
    ssl_protocols: str = ""
    worker_shutdown_timeout: str = ""
    websocket_services: frozenset[str] = frozenset()
    """Services of one Ingress whose paths pass WebSockets; no key of the ConfigMap."""


def from_config_map(data: Mapping[str, str]) -> Parameters:
    """Parameters of all Ingresses. Raises ParameterError for keys and values that are not known here."""
    unknown = sorted(set(data) - set(_KEYS))
    if unknown:
        raise ParameterError(
            f"the keys {', '.join(unknown)} are not known to the stand-in of F5's controller: see that F5's has them, "
            "and add them to rehearsal/ingress/parameters.py"
        )
    return Parameters(**{key.replace("-", "_"): _KEYS[key](key, text) for key, text in data.items()})


def of_ingress(shared: Parameters, annotations: Mapping[str, str], services: frozenset[str]) -> Parameters:
    """Parameters of one Ingress, which leads to these Services.

    Raises ParameterError for annotations of an ingress controller and values that are not known here.
    """
    given = {name: text for name, text in annotations.items() if name.startswith(_PREFIXES) or ".f5.com/" in name}
    unknown = sorted(set(given) - {_BODY_SIZE, _WEBSOCKETS})
    if unknown:
        raise ParameterError(
            f"annotations {', '.join(unknown)}: not known to the stand-in of F5's controller: see that F5's has them, "
            "and add them to rehearsal/ingress/parameters.py"
        )
    size = given.get(_BODY_SIZE, shared.client_max_body_size)
    if not _OFFSET.fullmatch(size):
        raise ParameterError(f'annotations.{_BODY_SIZE}: Invalid value: "{size}": must be an offset')
    named = frozenset(name.strip() for name in given.get(_WEBSOCKETS, "").split(",") if _WEBSOCKETS in given)
    if named - services:
        raise ParameterError(
            f'annotations.{_WEBSOCKETS}: Invalid value: "{given[_WEBSOCKETS]}": must be a comma-separated list of '
            f"services. The following services were not found: {','.join(sorted(named - services))}"
        )
    return replace(shared, client_max_body_size=size, websocket_services=named)


def _text(_key: str, text: str) -> str:
    return text


def _boolean(key: str, text: str) -> bool:
    if text not in _BOOLEANS:
        raise ParameterError(f"the key {key} is {text!r}, which is no boolean")
    return _BOOLEANS[text]


def _list(_key: str, text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_KEYS: Mapping[str, Callable[[str, str], object]] = {
    "client-max-body-size": _text,
    "http-snippets": _text,
    "keepalive-timeout": _text,
    "proxy-connect-timeout": _text,
    "proxy-protocol": _boolean,
    "proxy-read-timeout": _text,
    "proxy-send-timeout": _text,
    "real-ip-header": _text,
    "server-snippets": _text,
    "server-tokens": _boolean,
    "set-real-ip-from": _list,
    "ssl-protocols": _text,
    "worker-shutdown-timeout": _text,
}
"""Keys of the ConfigMap that are known here, and how each value is read."""
