"""The Scaleway API stand-in as a whole: its routes, who may ask, and its life."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from rehearsal.scaleway.api_errors import (
    ApiError,
    denied_authentication,
    failed_behind,
    not_in_stand_in,
    permissions_denied,
)
from rehearsal.scaleway.backends import Clusters, Machines
from rehearsal.scaleway.background_jobs import BackgroundJobs
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.credentials import Credentials
from rehearsal.scaleway.domain_zones import Domains
from rehearsal.scaleway.faults import OWN_PATHS, Faults
from rehearsal.scaleway.iam_applications import Applications
from rehearsal.scaleway.iam_policies import Policies
from rehearsal.scaleway.iam_rights import Rights
from rehearsal.scaleway.iam_ssh_keys import SshKeys
from rehearsal.scaleway.instance_ips import InstanceIps
from rehearsal.scaleway.instance_machines import MachineController
from rehearsal.scaleway.instance_private_nics import PrivateNics
from rehearsal.scaleway.instance_security_groups import SecurityGroups
from rehearsal.scaleway.instance_server_actions import ServerActions
from rehearsal.scaleway.instance_server_types import ServerTypes
from rehearsal.scaleway.instance_servers import Servers
from rehearsal.scaleway.instance_snapshots import Snapshots
from rehearsal.scaleway.instance_user_data import UserData
from rehearsal.scaleway.instance_volumes import Volumes
from rehearsal.scaleway.ipam import Ipam
from rehearsal.scaleway.k8s_acls import Acls
from rehearsal.scaleway.k8s_clusters import Kapsule
from rehearsal.scaleway.k8s_nodes import Nodes
from rehearsal.scaleway.k8s_pools import Pools
from rehearsal.scaleway.k8s_versions import Versions
from rehearsal.scaleway.lb import LoadBalancerApi
from rehearsal.scaleway.marketplace_images import Marketplace
from rehearsal.scaleway.offers import Catalogue
from rehearsal.scaleway.product_catalog import PATH as PRICES
from rehearsal.scaleway.product_catalog import ProductCatalog
from rehearsal.scaleway.public_gateways import PublicGateways
from rehearsal.scaleway.registry_namespaces import Registry
from rehearsal.scaleway.store import Store
from rehearsal.scaleway.vpc import Vpc
from rehearsal.session import Block, Service, Session

PORT = 8080
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


class ScalewayApi:
    """Serves a stand-in for Scaleway's API, and gives clusters' Services their addresses.

    machines, clusters: what does the work. long_poll_seconds: see Context; 0 shows every transitional state.
    """

    def __init__(
        self,
        session: Session,
        machines: Machines,
        clusters: Clusters,
        credentials: Credentials,
        *,
        catalogue: Catalogue | None = None,
        long_poll_seconds: float = 4.0,
        port: int = PORT,
    ) -> None:
        self._store = Store(session.home / "scaleway.json")
        self._context = context = Context(
            session=session,
            store=self._store,
            jobs=BackgroundJobs(),
            machines=machines,
            clusters=clusters,
            credentials=credentials,
            catalogue=catalogue or Catalogue(),
            long_poll_seconds=long_poll_seconds,
        )
        self._port = port
        self._controller = controller = MachineController(context)
        ipam, marketplace, volumes = Ipam(context), Marketplace(context), Volumes(context)
        groups, ips = SecurityGroups(context, controller), InstanceIps(context, controller)
        self._nics = PrivateNics(context, controller, ipam)
        servers = Servers(
            context,
            controller=controller,
            marketplace=marketplace,
            groups=groups,
            ips=ips,
            nics=self._nics,
            volumes=volumes,
        )
        self._vpc = Vpc(context)
        self._load_balancers = LoadBalancerApi(context)
        nodes = Nodes(context, ipam)
        pools = Pools(context, nodes)
        self._kapsule = Kapsule(context, pools, self._vpc, self._load_balancers)
        self._registry = Registry(context)
        self._faults = Faults(context)
        self._products = (
            SshKeys(context), Applications(context), Policies(context), Rights(context), marketplace,
            ServerTypes(), servers, ServerActions(context, controller), UserData(context), ips, groups, self._nics,
            volumes, Snapshots(context), self._vpc, ipam, PublicGateways(context, ipam), self._load_balancers,
            Versions(context), self._kapsule, Acls(context), pools, nodes, Domains(context), self._registry,
            ProductCatalog(context), self._faults,
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
        self._controller.resume()
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
        await self._context.jobs.stop()

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
        return self._load_balancers.acquire(record, service, reserved_ip, zone)

    async def release(self, cluster: str, service: str) -> None:
        """See backends.LoadBalancers."""
        self._load_balancers.release(cluster, service)

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
