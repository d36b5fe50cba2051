"""Protection against deletion that Scaleway itself keeps: an Instance's `protected` flag.

The `scaleway` plugin does not take it away. It detaches the Instance's interfaces and powers it off before the API
refuses, so that a refused removal would stop a game in progress.
Source: https://github.com/scaleway/terraform-provider-scaleway/blob/v2.81.0/internal/services/instance/server.go
(ResourceInstanceServerDelete).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from scaleway import Client, ScalewayException
from scaleway.instance.v1 import InstanceV1API

from cli.destroy.destroy_checks import DestroyError


class ProtectionError(DestroyError):
    """A protection cannot be taken away, or not be put back; the text says what to do."""


@contextmanager
def unprotected(servers: Iterable[str], client: Client) -> Generator[Sequence[str]]:
    """Let Instances be deleted within this context; those that are still there at its end are protected again.

    servers: ids with their zones, as the provider writes them. Gives those that were protected. Raises ProtectionError
    where one cannot be unprotected, all being protected then as they were, or cannot be protected again.
    """
    taken: list[str] = []
    try:
        _unprotect(servers, client, taken)
    except ProtectionError as error:
        _put_back(taken, client, after=f"{error} Besides, ")
        raise
    try:
        yield taken
    finally:
        _put_back(taken, client)


def _unprotect(servers: Iterable[str], client: Client, taken: list[str]) -> None:
    for server in servers:
        try:
            if _is_protected(server, client):
                # Before the answer: the request may arrive and its answer not.
                taken.append(server)
                _set(server, client, protected=False)
        except (ScalewayException, OSError) as error:
            raise ProtectionError(
                f"the Instance {server} stays protected, for Scaleway answered: {error}. Nothing was destroyed."
            ) from error


def _put_back(servers: Iterable[str], client: Client, after: str = "") -> None:
    failed: dict[str, Exception] = {}
    for server in servers:
        try:
            _set(server, client, protected=True)
        except (ScalewayException, OSError) as error:
            if not _is_missing(error):
                failed[server] = error
    if failed:
        raise ProtectionError(
            f"{after}protect again in Scaleway's console what could not be protected again: "
            + "; ".join(f"Instance {server} ({error})" for server, error in failed.items())
        )


def _is_protected(server: str, client: Client) -> bool:
    zone, _, bare = server.rpartition("/")
    try:
        found = InstanceV1API(client).get_server(zone=zone, server_id=bare).server
    except ScalewayException as error:
        if _is_missing(error):
            return False
        raise
    return found is not None and found.protected


def _is_missing(error: Exception) -> bool:
    return isinstance(error, ScalewayException) and error.status_code == HTTPStatus.NOT_FOUND


def _set(server: str, client: Client, *, protected: bool) -> None:
    zone, _, bare = server.rpartition("/")
    # The SDK's only way to change one field of an Instance; it leaves the others out of the request.
    InstanceV1API(client)._update_server(  # pyright: ignore[reportPrivateUsage]
        zone=zone, server_id=bare, protected=protected
    )
