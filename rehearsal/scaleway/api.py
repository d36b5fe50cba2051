"""The Scaleway API stand-in as a whole: its routes, who may ask, and its life."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from rehearsal.scaleway.backends import Clusters, Machines
from rehearsal.scaleway.catalogue import Catalogue
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.credentials import Credentials
from rehearsal.scaleway.domains import Domains
from rehearsal.scaleway.errors import (
    ApiError,
    denied_authentication,
    failed_behind,
    not_in_stand_in,
    permissions_denied,
)
from rehearsal.scaleway.faults import OWN_PATHS, Faults
from rehearsal.scaleway.fleet import Fleet
from rehearsal.scaleway.gateways import PublicGateways
from rehearsal.scaleway.iam import Iam
from rehearsal.scaleway.iam_applications import Applications
from rehearsal.scaleway.iam_policies import Policies
from rehearsal.scaleway.instance_ips import InstanceIps
from rehearsal.scaleway.ipam import Ipam
from rehearsal.scaleway.kapsule import Kapsule
from rehearsal.scaleway.load_balancers import LoadBalancerBooks
from rehearsal.scaleway.marketplace import Marketplace
from rehearsal.scaleway.nics import Nics
from rehearsal.scaleway.pools import Pools
from rehearsal.scaleway.price_list import PATH as PRICES
from rehearsal.scaleway.price_list import PriceList
from rehearsal.scaleway.registry import Registry
from rehearsal.scaleway.rights import Rights
from rehearsal.scaleway.security_groups import SecurityGroups
from rehearsal.scaleway.servers import Servers
from rehearsal.scaleway.snapshots import Snapshots
from rehearsal.scaleway.store import Store
from rehearsal.scaleway.volumes import Volumes
from rehearsal.scaleway.vpc import Vpc
from rehearsal.scaleway.work import Work
from rehearsal.session import Block, Service, Session

PORT = 8080
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


class ScalewayApi:
    """Serves a stand-in for Scaleway's API, and gives clusters' Services their addresses.

    machines, clusters: what does the work. patience: see Context; 0 shows every transitional state.
    """

    def __init__(
        self,
        session: Session,
        machines: Machines,
        clusters: Clusters,
        credentials: Credentials,
        *,
        catalogue: Catalogue | None = None,
        patience: float = 4.0,
        port: int = PORT,
    ) -> None:
        self._store = Store(session.home / "scaleway.json")
        self._context = context = Context(
            session=session,
            store=self._store,
            work=Work(),
            machines=machines,
            clusters=clusters,
            credentials=credentials,
            catalogue=catalogue or Catalogue(),
            patience=patience,
        )
        self._port = port
        self._fleet = fleet = Fleet(context)
        ipam, marketplace, volumes = Ipam(context), Marketplace(context), Volumes(context)
        groups, ips = SecurityGroups(context, fleet), InstanceIps(context, fleet)
        self._nics = Nics(context, fleet, ipam)
        servers = Servers(
            context, fleet=fleet, marketplace=marketplace, groups=groups, ips=ips, nics=self._nics, volumes=volumes
        )
        self._vpc = Vpc(context)
        self._balancers = LoadBalancerBooks(context)
        pools = Pools(context, ipam)
        self._kapsule = Kapsule(context, pools, self._vpc, self._balancers)
        self._registry = Registry(context)
        self._faults = Faults(context)
        self._products = (
            Iam(context), marketplace, servers, ips, groups, self._nics, volumes, Snapshots(context), self._vpc, ipam,
            self._kapsule, pools, Domains(context), self._balancers,
            PublicGateways(context, ipam), self._registry, Applications(context), Policies(context), self._faults,
            Rights(context), PriceList(context),
        )  # fmt: skip
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What clients take for https://api.scaleway.com."""
        return f"http://{self._context.session.address(Block.SERVICES, Service.SCALEWAY_API)}:{self._port}"

    async def start(self) -> None:
        """Serve, and go on with what was saved: networks first, then machines and clusters in the background."""
        self._store.load()
        await self._vpc.resume()
        await self._nics.resume()
        self._fleet.resume()
        self._kapsule.resume()
        self._registry.resume()
        self._runner = web.AppRunner(self.application(), access_log=None)
        await self._runner.setup()
        address = self._context.session.address(Block.SERVICES, Service.SCALEWAY_API)
        await web.TCPSite(self._runner, address, self._port).start()

    async def stop(self) -> None:
        """Stop serving; machines and clusters stay as they are."""
        self._faults.end()
        if self._runner:
            await self._runner.cleanup()
        await self._context.work.stop()

    def application(self) -> web.Application:
        """The routes, for `start` and for tests that serve them themselves."""
        application = web.Application(middlewares=[self._answer_errors, self._authenticate, self._strike])
        for product in self._products:
            application.add_routes(product.routes())
        return application

    async def acquire(self, cluster: str, service: str, reserved_ip: str | None, zone: str | None) -> str:
        """See backends.LoadBalancers."""
        record = self._store.clusters.find(cluster)
        if record is None:
            raise LookupError(f"There is no cluster {cluster}: its load balancers cannot be made.")
        return self._balancers.acquire(record, service, reserved_ip, zone)

    async def release(self, cluster: str, service: str) -> None:
        """See backends.LoadBalancers."""
        self._balancers.release(cluster, service)

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            _log.info("%s %s: %s", request.method, request.path, error)
            return web.json_response(error.body, status=error.status)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            missing = not_in_stand_in(f"{request.method} {request.path}")
            _log.warning("%s", missing)
            return web.json_response(missing.body, status=missing.status)
        except Exception as error:
            _log.exception("%s %s", request.method, request.path)
            broken = failed_behind(f"The stand-in failed: {error!r}. Its log says where.")
            return web.json_response(broken.body, status=broken.status)

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == PRICES:
            return await handler(request)
        token = request.headers.get("X-Auth-Token", "")
        if not secrets.compare_digest(token.encode(), self._context.credentials.secret_key.encode()):
            raise denied_authentication("not_found" if token else "invalid_argument")
        account = self._context.account
        if account.expired and not request.path.startswith(OWN_PATHS):
            raise denied_authentication("expired")
        missing = account.missing(request.method, request.path)
        if missing:
            raise permissions_denied(missing, "read" if request.method == "GET" else "write")
        return await handler(request)

    @web.middleware
    async def _strike(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        await self._faults.strike(request)
        return await handler(request)
