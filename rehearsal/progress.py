"""Shows what the engine does while it does it, and remembers how long each part took."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pulumi.automation.events import DiagnosticEvent, EngineEvent, StepEventMetadata
from rich.console import Console

_SHOW_EVERY = 10.0


@dataclass
class EngineProgress:
    """Listens to the engine's events.

    A line for each resource that took a second or more; every ten seconds of silence, what is
    being waited for.
    """

    console: Console
    running: dict[str, float] = field(default_factory=dict[str, float])
    """URN to when its step began, on the monotonic clock."""
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    """URN to how long its step took."""
    began: dict[str, float] = field(default_factory=dict[str, float])
    """URN to when its step began, in seconds since this object was made."""
    _made: float = field(default_factory=time.monotonic)
    _shown: float = field(default_factory=time.monotonic)

    def __call__(self, event: EngineEvent) -> None:
        now = time.monotonic()
        if event.resource_pre_event and _does_something(event.resource_pre_event.metadata):
            self.running[event.resource_pre_event.metadata.urn] = now
            self.began.setdefault(event.resource_pre_event.metadata.urn, now - self._made)
        elif event.res_outputs_event:
            self._ended(event.res_outputs_event.metadata, now)
        elif event.diagnostic_event and _matters(event.diagnostic_event):
            self.console.print(event.diagnostic_event.message.strip(), markup=False, soft_wrap=True)
        if self.running and now - self._shown > _SHOW_EVERY:
            waiting = ", ".join(f"{name_of(urn)} ({now - began:.0f} s)" for urn, began in self.running.items())
            self._show(f"  … {waiting}", now)

    def _ended(self, metadata: StepEventMetadata, now: float) -> None:
        began = self.running.pop(metadata.urn, None)
        if began is None:
            return
        self.seconds[metadata.urn] = self.seconds.get(metadata.urn, 0) + now - began
        if now - began >= 1:
            self._show(f"  {metadata.op.value:>8} {name_of(metadata.urn)} ({now - began:.1f} s)", now)

    def _show(self, line: str, now: float) -> None:
        self.console.print(line, markup=False, soft_wrap=True)
        self._shown = now


def name_of(urn: str) -> str:
    """The logical name in a URN."""
    return urn.rpartition("::")[2]


def _matters(diagnostic: DiagnosticEvent) -> bool:
    # What is said while something is awaited ("not ready yet") is ephemeral: it matters if it stays so.
    return diagnostic.severity in ("error", "warning") and not diagnostic.ephemeral


def _does_something(metadata: StepEventMetadata) -> bool:
    own_type = metadata.urn.split("::")[2].rpartition("$")[2]
    # The time of a component, and of the stack, is that of what is in it.
    groups = own_type.startswith("shambhala:") or own_type == "pulumi:pulumi:Stack"
    return metadata.op.value not in ("same", "read") and not groups
