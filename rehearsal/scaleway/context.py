"""What every product of the stand-in works with."""

from __future__ import annotations

from dataclasses import dataclass, field

from rehearsal.scaleway.account import Account
from rehearsal.scaleway.api_errors import permissions_denied
from rehearsal.scaleway.backends import Clusters, Machines
from rehearsal.scaleway.background_jobs import BackgroundJobs
from rehearsal.scaleway.credentials import Credentials
from rehearsal.scaleway.offers import Catalogue
from rehearsal.scaleway.request_body import RequestBody
from rehearsal.scaleway.store import Store, Table
from rehearsal.session import Block, Session


@dataclass
class Shortage:
    """What the cloud has no more of, because a test ordered that."""

    nodes: bool = False
    """A pool that has no nodes yet gets none."""
    load_balancers: bool = False
    """The quota of load balancers is used up."""


@dataclass(frozen=True)
class Context:
    """Store, background jobs, backends and credentials."""

    session: Session
    store: Store
    jobs: BackgroundJobs
    machines: Machines
    clusters: Clusters
    credentials: Credentials
    catalogue: Catalogue
    long_poll_seconds: float
    """Seconds that a question about a resource in transition waits for its end.

    The provider asks again only every 5 s (30 s for load balancers), so an answer that comes when the
    work is done, a second or two later, is what keeps a rehearsal short.
    """
    shortage: Shortage = field(default_factory=Shortage)
    account: Account = field(default_factory=Account)

    def project(self, body: RequestBody, resource: str, name: str = "project_id") -> str:
        """The project that a new resource is for, by default that of the API key.

        Raises ApiError (403) for another's: the key has rights in its own project only.
        """
        project = body.text(name, "") or self.credentials.project_id
        if project != self.credentials.project_id:
            raise permissions_denied(resource, "write")
        return project

    def free_address(self, block: Block, holders: Table, field: str) -> str:
        """The lowest loopback address of a block that no resource of the table holds in that field."""
        taken = {record[field] for record in holders}
        number = 1
        while (address := self.session.address(block, number)) in taken:
            number += 1
        return address
