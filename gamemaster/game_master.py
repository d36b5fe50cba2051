"""Game master: one Debian Instance with bind9, certbot, nginx, K3s and Rancher, which outlives every board."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from common.outputs import known_after
from common.settings import Settings
from gamemaster import ssh_banner
from gamemaster.bind9 import Bind9, Bind9Args
from gamemaster.certbot import Certbot, CertbotArgs, certificate_names
from gamemaster.delegation import Delegation, DelegationArgs, name_server
from gamemaster.dns_records import DnsRecords, DnsRecordsArgs
from gamemaster.hardening import Hardening, HardeningArgs
from gamemaster.host_files import packages, rendered
from gamemaster.instance import Instance, InstanceArgs
from gamemaster.k3s import K3s, K3sArgs
from gamemaster.monitoring import MetricsAccess, MetricsAccessArgs, Monitoring, MonitoringArgs
from gamemaster.network import Network
from gamemaster.nginx import Nginx, NginxArgs, Site
from gamemaster.nightly_backup import NightlyBackup, NightlyBackupArgs
from gamemaster.rancher import Rancher, RancherArgs, rancher_site
from gamemaster.rancher_bootstrap import RancherBootstrap, RancherBootstrapArgs
from gamemaster.ssh_steps import Host
from gamemaster.tsig_key import TsigKey, TsigKeyArgs

_SCRIPTS: Final = ("hardening", "nightly-backup", "monitoring", "bind9", "delegation")
"""Scripts that install packages on every game master."""
_SCRIPTS_WITH_CERTIFICATES: Final = ("certbot", "nginx")


@dataclass(frozen=True)
class _Apt:
    mirror: str


class GameMaster(pulumi.ComponentResource):
    """One Debian Instance that answers for the game's zone and outlives every board."""

    ip: pulumi.Output[str]
    """Public IPv4 address."""
    private_ip: pulumi.Output[str]
    """IPv4 address in the private network, at which boards read the game master's numbers."""
    vpc_id: pulumi.Output[str]
    """The VPC in which boards make their networks."""
    zone: pulumi.Output[str]
    """The game's zone, known once bind9 answers for it."""
    delegation: pulumi.Output[Sequence[str]]
    """The records of the parent zone that lead to the game master, in zone-file notation."""
    ds: pulumi.Output[Sequence[str]]
    """DS records to add to the parent zone, so that resolvers check the zone's signatures."""
    tsig_keys: Mapping[str, TsigKey]
    """Board to the key with which the board updates its TXT records."""
    rancher: RancherBootstrap | None
    """Rancher, set up; None for a game master without it."""
    host: Host
    """Host for further scripts, such as those of DNS records."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        opts: pulumi.ResourceOptions | None = None,
        *,
        sites: Sequence[Site] = (),
    ) -> None:
        """sites: names that nginx serves besides Rancher's."""
        super().__init__("shambhala:gamemaster:GameMaster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone, acme_directory = settings.zone_name, settings.acme_directory
        network = Network(f"{name}-network", settings, opts=child)
        instance = Instance(
            f"{name}-instance",
            InstanceArgs(settings=settings, private_network_id=network.private_network_id),
            opts=child,
        )
        self.host = Host(
            ip=instance.ip.apply(lambda ip: _reachable(ip, settings.gamemaster.boot_timeout_seconds)),
            server=instance.server,
            settings=settings,
        )
        booted = self._booted(name, settings)
        # Scaleway enlarges the volume while the Instance runs; nothing else enlarges what is on it before a reboot.
        self.host.run_script(
            f"{name}-root-volume",
            "root-volume",
            {"gigabytes": str(settings.gamemaster.volume_size_gb)},
            parent=self,
            after=booted,
        )
        if settings.rancher.enabled:
            sites = [*sites, rancher_site(settings.fqdn(settings.rancher.host))]
        names = certificate_names(zone, [site.host for site in sites])
        hardening = Hardening(
            f"{name}-hardening",
            HardeningArgs(host=self.host, booted=booted, operators=settings.operators),
            opts=child,
        )
        NightlyBackup(
            f"{name}-nightly-backup",
            NightlyBackupArgs(host=self.host, booted=booted, settings=settings),
            opts=child,
        )
        Monitoring(f"{name}-monitoring", MonitoringArgs(host=self.host, booted=booted, settings=settings), opts=child)
        for board, own in settings.boards.items():
            MetricsAccess(
                f"{name}-metrics-access-{board}",
                MetricsAccessArgs(host=self.host, hardened=hardening.done, board=board, subnet=own.subnet),
                opts=child,
            )
        bind9 = Bind9(
            f"{name}-bind9",
            Bind9Args(
                host=self.host,
                booted=booted,
                zone=zone,
                name_server=name_server(settings),
                certificate_names=names if acme_directory else (),
            ),
            opts=child,
        )
        self.tsig_keys = {
            board: TsigKey(
                f"{name}-tsig-key-{board}",
                TsigKeyArgs(host=self.host, zone=bind9.zone, board=board, settings=settings.gamemaster),
                opts=child,
            )
            for board in settings.boards
        }
        delegation = Delegation(
            f"{name}-delegation",
            DelegationArgs(settings=settings, ip=instance.ip, host=self.host, zone=bind9.zone),
            opts=child,
        )
        self.ip = instance.ip
        self.private_ip = instance.private_ip
        self.vpc_id = network.vpc_id
        self.zone = bind9.zone
        self.delegation = delegation.records
        self.ds = bind9.ds
        self.rancher = None
        if acme_directory:
            certbot = Certbot(
                f"{name}-certbot",
                CertbotArgs(
                    host=self.host,
                    zone=bind9.zone,
                    delegated=delegation.in_place,
                    names=names,
                    acme_directory=acme_directory,
                    email=settings.certificates.email,
                    acme_ca_bundle=settings.sources.acme_ca_bundle,
                ),
                opts=child,
            )
            nginx = Nginx(
                f"{name}-nginx",
                NginxArgs(host=self.host, zone=zone, certificate=certbot.certificate, sites=sites),
                opts=child,
            )
            self.rancher = self._rancher(name, settings, booted, nginx)
        self.register_outputs(
            {"ip": self.ip, "vpc_id": self.vpc_id, "zone": self.zone, "delegation": self.delegation, "ds": self.ds}
        )

    def _booted(self, name: str, settings: Settings) -> pulumi.Output[str]:
        """Known once the first boot is over and apt knows the Debian mirror."""
        scripts = [*_SCRIPTS, *(_SCRIPTS_WITH_CERTIFICATES if settings.acme_directory else ())]
        return self.host.run_script(
            f"{name}-first-boot",
            "first-boot",
            {
                "debian.sources": rendered("debian.sources.j2", _Apt(settings.sources.debian)),
                "packages": "".join(f"{package}\n" for package in packages(scripts)),
                "seconds": str(settings.gamemaster.boot_timeout_seconds),
            },
            parent=self,
        ).stdout

    def _rancher(
        self, name: str, settings: Settings, booted: pulumi.Output[str], nginx: Nginx
    ) -> RancherBootstrap | None:
        """DNS record, K3s, Rancher on it, and the bootstrap through nginx; None where Rancher is not enabled."""
        own = settings.rancher
        if not own.enabled or own.bootstrap_password is None or own.admin_password is None:
            return None
        child = pulumi.ResourceOptions(parent=self)
        hostname = settings.fqdn(own.host)
        DnsRecords(
            f"{name}-dns-records",
            DnsRecordsArgs(host=self.host, zone=self.zone, a_records={own.host: self.ip}),
            opts=child,
        )
        k3s = K3s(f"{name}-k3s", K3sArgs(host=self.host, booted=booted, sources=settings.sources), opts=child)
        rancher = Rancher(
            f"{name}-rancher",
            RancherArgs(
                host=self.host,
                k3s=k3s.version,
                hostname=hostname,
                bootstrap_password=own.bootstrap_password.output,
                settings=own,
                sources=settings.sources,
            ),
            opts=child,
        )
        return RancherBootstrap(
            f"{name}-rancher-bootstrap",
            RancherBootstrapArgs(
                url=known_after(f"https://{hostname}", nginx.urls, rancher.answers),
                api_url=own.api_url,
                ca_certs=own.ca_bundle,
                bootstrap_password=own.bootstrap_password.output,
                admin_password=own.admin_password.output,
                machine=self.host.server,
                datastore=k3s.datastore,
            ),
            opts=child,
        )


def _reachable(ip: str, seconds: float) -> pulumi.Input[str]:
    """The address, once the host sends its SSH banner; a preview connects to no host."""
    return ip if pulumi.runtime.is_dry_run() else ssh_banner.wait_for_banner(ip, seconds)
