"""Flows and outputs of the logging operator, as typed data.

Source of the fields: the operator's own types, https://kube-logging.dev/docs/configuration/crds/v1beta1/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

API: Final = "logging.banzaicloud.io/v1beta1"
TEAM_NAMESPACES: Final = "^(c[id]-)?team-.+"
"""Namespaces in which players' programs run, and the builds of their pull requests (ci-) and pushes (cd-); the agent
takes a team's name from them."""
PASSWORD: Final = "password"  # noqa: S105 - a name
"""Key of the password in an output's Secret."""
CHUNK_MB: Final = 2
"""Most that goes to Loki at once, in MiB. As JSON a line of control characters, each of which is written as \\u001b,
takes six times its room."""
LABELS: Final[Sequence[str]] = ("namespace", "team", "component", "pod")
"""All labels that Loki gets. Each combination is a stream of its own, so no label may have values without bound."""


class MissingOutputError(ValueError):
    """Flow without its output: the operator would drop the log lines and report so in a status alone."""


@dataclass(frozen=True)
class LokiOutput:
    """Output to a tenant of Loki, with a buffer on disk for the time in which Loki does not answer."""

    name: str
    url: str
    tenant: str
    user: str
    password_secret: str
    """Secret with the aggregator's password at the gateway."""
    buffer_size: str
    """Most that may wait on the aggregator's disk, such as 4GB; then reading stops, and the nodes' disks fill."""

    def spec(self) -> Mapping[str, Any]:
        return {
            "loki": {
                "url": self.url,
                "tenant": self.tenant,
                "username": {"value": self.user},
                "password": {"valueFrom": {"secretKeyRef": {"name": self.password_secret, "key": PASSWORD}}},
                "labels": {label: f"$.{label}" for label in LABELS},
                # The one key that is left is the line itself, as the container wrote it.
                "remove_keys": ["kubernetes", "stream"],
                "drop_single_key": True,
                "line_format": "json",
                "include_thread_label": False,
                "configure_kubernetes_labels": False,
                "extract_kubernetes_labels": False,
                "buffer": {
                    "type": "file",
                    "timekey": "1m",
                    "timekey_wait": "5s",
                    "timekey_use_utc": True,
                    "flush_mode": "interval",
                    "flush_interval": "5s",
                    "flush_at_shutdown": False,
                    "chunk_limit_size": f"{CHUNK_MB}MB",
                    # After an outage many chunks wait: by default one leaves in a second.
                    "flush_thread_burst_interval": "0.1",
                    "total_limit_size": self.buffer_size,
                    # Waiting lines are never thrown away: neither after a number of tries nor for want of room.
                    "retry_forever": True,
                    "retry_max_interval": "30s",
                    "overflow_action": "block",
                },
            }
        }


@dataclass(frozen=True)
class Flow:
    """Flow of some namespaces' log lines to outputs."""

    name: str
    outputs: Sequence[str]
    select: Sequence[str] = ()
    """Patterns of namespaces whose log lines are taken; none for all."""
    exclude: Sequence[str] = ()
    """Patterns of namespaces whose log lines are left out."""

    def spec(self) -> Mapping[str, Any]:
        taken = {"namespaces_regex": list(self.select)} if self.select else {}
        left = [{"exclude": {"namespaces_regex": list(self.exclude)}}] if self.exclude else []
        return {"match": [*left, {"select": taken}], "globalOutputRefs": list(self.outputs)}


def check(flows: Sequence[Flow], outputs: Sequence[LokiOutput]) -> None:
    """Raise MissingOutputError if a flow names no output, or one that is not there."""
    there = [output.name for output in outputs]
    for flow in flows:
        for name in flow.outputs or ("",):
            if name not in there:
                raise MissingOutputError(
                    f"flow {flow.name} leads to {name or 'no output'}; there are: {', '.join(there)}"
                )
