"""Providers and resources in Python: what a plugin implements, apart from the protocol that serves them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rehearsal.plugins.engine_log import Log
from rehearsal.plugins.properties import UNKNOWN, Properties
from rehearsal.plugins.schema import Difference, Failure, Fields, checked, differences

Configuration = TypeVar("Configuration")


class ProviderError(Exception):
    """What the engine shows when a provider could not do what it was asked: one clear sentence, or more."""


@dataclass(frozen=True)
class Call(Generic[Configuration]):
    """What comes with every request about a resource.

    name: the resource's name in the program.
    configuration: the provider's own, as its `configure` made it.
    log: messages that the engine shows beside the resource.
    timeout: seconds that the program allows (its `custom_timeouts`), or None.
    """

    name: str
    configuration: Configuration
    log: Log
    timeout: float | None = None


@dataclass(frozen=True)
class Created:
    """A resource that now exists: its id and its outputs."""

    id: str
    outputs: Properties


@dataclass(frozen=True)
class Found:
    """A resource as it really is: its id, its outputs, and the inputs that would make it so."""

    id: str
    outputs: Properties
    inputs: Properties


class Resource(ABC, Generic[Configuration]):
    """One type of resource.

    The methods that act get plain values (no secrets, no unknowns: they are not called in a preview) and
    return plain outputs; marks of secrecy are put back from the inputs, `fields` and `secret_outputs`.
    """

    fields: ClassVar[Fields]
    outputs: ClassVar[frozenset[str]]
    """The outputs that are not inputs; unknown while a creation is previewed."""
    secret_outputs: ClassVar[frozenset[str]] = frozenset()

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> tuple[Properties, list[Failure]]:
        """The inputs, completed, and what is wrong with them.

        seed: random, the same for a preview and the update that follows it.
        """
        del name, olds, seed
        return checked(news, self.fields)

    def diff(self, state: Properties, olds: Properties, news: Properties) -> list[Difference]:
        """What has changed, given the resource's last outputs, last inputs and new inputs."""
        del state
        return differences(olds, news, self.fields)

    def preview_update(self, state: Properties, news: Properties) -> Properties:
        """The outputs to expect from an update: any may change."""
        del state
        return {**news, **dict.fromkeys(self.outputs, UNKNOWN)}

    @abstractmethod
    async def create(self, call: Call[Configuration], inputs: Properties) -> Created: ...

    async def read(
        self, call: Call[Configuration], identity: str, state: Properties, inputs: Properties
    ) -> Found | None:
        """The resource as it really is; None when it is gone."""
        del call
        return Found(identity, state, inputs)

    @abstractmethod
    async def update(
        self, call: Call[Configuration], identity: str, state: Properties, inputs: Properties
    ) -> Properties: ...

    @abstractmethod
    async def delete(self, call: Call[Configuration], identity: str, state: Properties) -> None: ...


class Provider(ABC, Generic[Configuration]):
    """A provider: what it is called, how it is configured, and its resources by type token."""

    name: ClassVar[str]
    version: ClassVar[str]
    fields: ClassVar[Fields] = {}
    resources: Mapping[str, Resource[Configuration]]

    @abstractmethod
    def configure(self, settings: Properties) -> Configuration:
        """What each request gets. Raises ProviderError if the settings do not go together."""

    async def close(self) -> None:
        """Lets go of what the configuration holds open."""
