"""The game master as a whole: instance, host, name server, delegation, certificates, proxy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from common.helm import Charts
from common.naming import name_server_label
from common.settings import Settings
from common.templates import render
from gamemaster import ssh_greeting
from gamemaster.administration import Administration, AdministrationArgs
from gamemaster.board_key import BoardKey, BoardKeyArgs
from gamemaster.certificates import Certificates, CertificatesArgs, certificate_names
from gamemaster.delegation import Delegation, DelegationArgs, ParentZone
from gamemaster.dns import NameServer, NameServerArgs
from gamemaster.hardening import Hardening, HardeningArgs
from gamemaster.instance import Instance, InstanceArgs
from gamemaster.kubernetes import Download, Kubernetes, KubernetesArgs
from gamemaster.names import Names, NamesArgs
from gamemaster.network import Network, NetworkArgs
from gamemaster.proxy import Proxy, ProxyArgs, Site
from gamemaster.rancher import Rancher, RancherArgs, rancher_site
from gamemaster.remote import Host

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class _Sources:
    mirror: str


@dataclass(frozen=True, kw_only=True)
class RancherPlan:
    """Which Rancher the game master gets, and from where."""

    host: str
    """Its label in the game's zone."""
    bootstrap_password: pulumi.Input[str]
    """The first password of its user admin."""
    admin_password: pulumi.Input[str]
    """The password that takes its place."""
    api_url: str | None
    """Where the program reaches it; None for where everybody does."""
    ca_bundle: str | None
    """Certificates (PEM) to trust there, for this program and for agents; None for those that every system trusts."""
    k3s: Download
    helm: Download
    charts: Charts

    @classmethod
    def from_settings(cls, settings: Settings) -> RancherPlan | None:
        """The Rancher that an environment's settings describe."""
        own, sources = settings.rancher, settings.sources
        if not own.enabled or own.bootstrap_password is None or own.admin_password is None:
            return None
        return cls(
            host=own.host,
            bootstrap_password=own.bootstrap_password.output,
            admin_password=own.admin_password.output,
            api_url=own.api_url,
            ca_bundle=own.ca_bundle,
            k3s=Download(url=sources.k3s_url, sha256=sources.k3s_sha256),
            helm=Download(url=sources.helm_url, sha256=sources.helm_sha256),
            charts=Charts(repositories=sources.charts, timeout=sources.chart_timeout_seconds),
        )


@dataclass(frozen=True, kw_only=True)
class GameMasterArgs:
    """Everything the game master is made of."""

    environment: str
    """Name of the environment, for tags."""
    domain: str
    """The parent zone, such as example.org."""
    subdomain: str
    """Label(s) of the game's zone below it, such as hunt."""
    parent_zone: ParentZone
    """Who hosts the parent zone."""
    delegation_timeout: int
    """Seconds to wait until the parent zone leads to the game master; 0 does not look."""
    subnet: pulumi.Input[str]
    """Private IPv4 subnet in CIDR notation."""
    type: pulumi.Input[str]
    """Commercial type of the Instance."""
    image: pulumi.Input[str]
    """Image label of the Instance."""
    volume_size: pulumi.Input[int]
    """Root volume in GB."""
    volume_type: pulumi.Input[str]
    """sbs_volume or l_ssd."""
    operator_cidrs: Sequence[str]
    """Networks from which SSH is allowed."""
    operator_key_public: pulumi.Input[str]
    """The operators' public SSH key."""
    operator_key_private: pulumi.Input[str]
    """The operators' private SSH key."""
    host_key_public: pulumi.Input[str]
    """The Instance's public SSH host key, pinned by every step."""
    host_key_private: pulumi.Input[str]
    """Its private half, given to the Instance at first boot."""
    dns_update_key: pulumi.Input[str]
    """Secret (base64) that the boards' TSIG keys are derived from."""
    boards: Sequence[str]
    """Names of the boards, each of which proves its own names."""
    acme_directory: str | None
    """The authority's ACME directory; None for a game master that serves nothing on the web."""
    acme_email: str | None
    """Where the authority may write to."""
    acme_ca_bundle: str | None
    """Certificates (PEM) to trust when talking to the ACME server; None for those that Debian trusts."""
    sites: Sequence[Site] = ()
    """What nginx serves."""
    rancher: RancherPlan | None
    """Rancher on K3s; None for a game master without them."""
    debian: str
    """Debian mirror; its security updates lie at the same address with -security behind it."""
    boot_timeout: int
    """Seconds that the Instance may take until SSH answers, and then until cloud-init has ended."""
    protect: bool
    """Refuse to delete it, as for production."""

    @classmethod
    def from_settings(cls, settings: Settings) -> GameMasterArgs:
        """The game master that an environment's settings describe."""
        own, operators = settings.gamemaster, settings.operators
        return cls(
            environment=settings.environment,
            domain=settings.domain,
            subdomain=settings.subdomain,
            parent_zone="scaleway" if settings.parent_zone == "scaleway" else "external",
            delegation_timeout=settings.certificates.delegation_timeout_seconds,
            subnet=own.subnet,
            type=own.type,
            image=own.image,
            volume_size=own.volume_size_gb,
            volume_type=own.volume_type,
            operator_cidrs=operators.cidrs,
            operator_key_public=operators.ssh_public_key,
            operator_key_private=operators.ssh_private_key.output,
            host_key_public=own.host_key.public,
            host_key_private=own.host_key.private.output,
            dns_update_key=own.dns_update_key.output,
            boards=tuple(settings.boards),
            acme_directory=settings.acme_directory,
            acme_email=settings.certificates.email,
            acme_ca_bundle=settings.sources.acme_ca_bundle,
            rancher=RancherPlan.from_settings(settings),
            debian=settings.sources.debian,
            boot_timeout=own.boot_timeout_seconds,
            protect=settings.environment == "production",
        )


class GameMaster(pulumi.ComponentResource):
    """One Debian Instance that answers for the game's zone and outlives every board."""

    ip: pulumi.Output[str]
    """Public IPv4 address."""
    vpc_id: pulumi.Output[str]
    """The VPC in which boards make their networks."""
    zone: pulumi.Output[str]
    """The game's zone, known once the game master answers for it."""
    delegation: pulumi.Output[Sequence[str]]
    """The records of the parent zone that lead here, in zone-file notation."""
    ds: pulumi.Output[Sequence[str]]
    """DS records to add to the parent zone, so that the world can check the zone's signatures."""
    board_keys: Mapping[str, BoardKey]
    """Board to the key with which it proves its names."""
    administration: Administration | None
    """Rancher, set up; None for a game master without it."""
    host: Host
    """Where further steps run."""

    def __init__(self, name: str, args: GameMasterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:GameMaster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = Network(f"{name}-network", NetworkArgs(environment=args.environment, subnet=args.subnet), opts=child)
        machine = Instance(
            f"{name}-instance",
            InstanceArgs(
                environment=args.environment,
                type=args.type,
                image=args.image,
                volume_size=args.volume_size,
                volume_type=args.volume_type,
                private_network_id=network.private_network_id,
                operator_cidrs=args.operator_cidrs,
                operator_key=args.operator_key_public,
                host_key_private=args.host_key_private,
                host_key_public=args.host_key_public,
                protect=args.protect,
            ),
            opts=child,
        )
        # A preview goes nowhere near the host.
        greeted = machine.ip.apply(
            lambda ip: ip if pulumi.runtime.is_dry_run() else ssh_greeting.greeted(ip, args.boot_timeout)
        )
        self.host = Host(
            ip=greeted,
            private_key=args.operator_key_private,
            host_key=args.host_key_public,
            server=machine.server,
            boot_timeout=args.boot_timeout,
        )
        booted = self.host.step(
            f"{name}-first-boot",
            "first-boot",
            {
                "debian.sources": render(_TEMPLATES / "debian.sources.j2", _Sources(args.debian)),
                "seconds": str(args.boot_timeout),
            },
            parent=self,
        )
        zone = f"{args.subdomain}.{args.domain}"
        sites = [*args.sites]
        if args.rancher:
            sites.append(rancher_site(f"{args.rancher.host}.{zone}"))
        names = certificate_names(zone, [site.host for site in sites])
        Hardening(
            f"{name}-hardening",
            HardeningArgs(host=self.host, booted=booted.stdout, operator_cidrs=args.operator_cidrs),
            opts=child,
        )
        name_server = NameServer(
            f"{name}-dns",
            NameServerArgs(
                host=self.host,
                booted=booted.stdout,
                zone=zone,
                name_server=f"{name_server_label(args.subdomain)}.{args.domain}",
                certificate_names=names if args.acme_directory else (),
            ),
            opts=child,
        )
        self.board_keys = {
            board: BoardKey(
                f"{name}-key-{board}",
                BoardKeyArgs(host=self.host, zone=name_server.zone, board=board, master=args.dns_update_key),
                opts=child,
            )
            for board in args.boards
        }
        delegation = Delegation(
            f"{name}-delegation",
            DelegationArgs(
                parent=args.domain,
                hosted_by=args.parent_zone,
                subdomain=args.subdomain,
                ip=machine.ip,
                host=self.host,
                answers=name_server.zone,
                # Only certificates need it at once.
                timeout=args.delegation_timeout if args.acme_directory else 0,
            ),
            opts=child,
        )
        self.administration = None
        if args.acme_directory:
            certificates = Certificates(
                f"{name}-certificates",
                CertificatesArgs(
                    host=self.host,
                    zone=name_server.zone,
                    delegated=delegation.in_place,
                    names=names,
                    directory=args.acme_directory,
                    email=args.acme_email,
                    authority=args.acme_ca_bundle,
                ),
                opts=child,
            )
            proxy = Proxy(
                f"{name}-proxy",
                ProxyArgs(host=self.host, zone=zone, issued=certificates.issued, sites=sites),
                opts=child,
            )
            if args.rancher:
                Names(
                    f"{name}-names",
                    NamesArgs(host=self.host, zone=name_server.zone, addresses={args.rancher.host: machine.ip}),
                    opts=child,
                )
                self.administration = self._raise_rancher(name, args.rancher, zone, booted.stdout, proxy.urls)
        self.ip = machine.ip
        self.vpc_id = network.vpc_id
        self.zone = name_server.zone
        self.delegation = delegation.records
        self.ds = name_server.ds
        self.register_outputs(
            {"ip": self.ip, "vpc_id": self.vpc_id, "zone": self.zone, "delegation": self.delegation, "ds": self.ds}
        )

    def _raise_rancher(
        self, name: str, plan: RancherPlan, zone: str, booted: pulumi.Input[str], served: pulumi.Output[dict[str, str]]
    ) -> Administration:
        """K3s, Rancher on it, and its first set-up; `served` is known once nginx passes it on."""
        child = pulumi.ResourceOptions(parent=self)
        hostname = f"{plan.host}.{zone}"
        kubernetes = Kubernetes(
            f"{name}-kubernetes", KubernetesArgs(host=self.host, booted=booted, k3s=plan.k3s), opts=child
        )
        rancher = Rancher(
            f"{name}-rancher",
            RancherArgs(
                host=self.host,
                kubernetes=kubernetes.version,
                hostname=hostname,
                bootstrap_password=plan.bootstrap_password,
                authority=plan.ca_bundle,
                helm=plan.helm,
                charts=plan.charts,
            ),
            opts=child,
        )
        return Administration(
            f"{name}-administration",
            AdministrationArgs(
                url=pulumi.Output.all(served, rancher.answers).apply(lambda _: f"https://{hostname}"),
                api_url=plan.api_url,
                ca_certs=plan.ca_bundle,
                bootstrap_password=plan.bootstrap_password,
                admin_password=plan.admin_password,
                machine=self.host.server,
                datastore=kubernetes.datastore,
            ),
            opts=child,
        )
