"""Debian Instance of the game master, with its public address and its security group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumiverse_scaleway import instance

from common.naming import PROJECT, tags
from common.outputs import known_after
from common.settings import EVERYWHERE, Settings
from gamemaster.host_files import rendered


@dataclass(frozen=True)
class _CloudConfig:
    host_key_private: str
    host_key_public: str
    operator_key: str


@dataclass(frozen=True, kw_only=True)
class InstanceArgs:
    """Arguments of the Instance."""

    settings: Settings
    private_network_id: pulumi.Input[str]


class Instance(pulumi.ComponentResource):
    """A Debian Instance with a flexible IP that serves DNS and HTTP(S) to all and SSH to operators.

    The SSH host key (ed25519) is given at first boot, so that it can be pinned. The Instance and its address are
    protected from deletion and replacement, unless gamemaster.allowReplacement is true.
    """

    ip: pulumi.Output[str]
    """Public IPv4 address; the same after the Instance has been replaced."""
    private_ip: pulumi.Output[str]
    """IPv4 address in the private network."""
    server: instance.Server

    def __init__(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Instance", name, None, opts)
        settings, own = args.settings, args.settings.gamemaster
        protect = not own.allow_replacement
        mark = tags(settings.environment, "gamemaster")
        child = pulumi.ResourceOptions(parent=self)
        address = instance.Ip(
            f"{name}-ip", type="routed_ipv4", tags=mark, opts=pulumi.ResourceOptions(parent=self, protect=protect)
        )
        security_group = instance.SecurityGroup(
            f"{name}-security-group",
            description="Game master: DNS and HTTP(S) for all, SSH for operators",
            inbound_default_policy="drop",
            outbound_default_policy="accept",
            stateful=True,
            inbound_rules=_inbound_rules(settings.operators.cidrs),
            tags=mark,
            opts=child,
        )
        cloud_config = own.host_key.private.output.apply(
            lambda private: rendered(
                "cloud-config.yaml.j2",
                _CloudConfig(private, own.host_key.public, settings.operators.ssh_public_key),
            )
        )
        self.server = instance.Server(
            f"{name}-server",
            name=f"{PROJECT}-{settings.environment}-gamemaster",
            type=own.type,
            image=own.image,
            ip_ids=[address.id],
            security_group_id=security_group.id,
            root_volume=instance.ServerRootVolumeArgs(
                size_in_gb=own.volume_size_gb, volume_type=own.volume_type, delete_on_termination=True
            ),
            private_networks=[instance.ServerPrivateNetworkArgs(pn_id=args.private_network_id)],
            # The host key in the user data is a secret: the state keeps it encrypted.
            user_data={"cloud-init": pulumi.Output.secret(cloud_config)},
            # Scaleway's own protection, also from its console. The plugin does not take it away before it deletes.
            protected=protect and settings.environment == "production",
            tags=mark,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                # An address cannot belong to two Instances at once.
                delete_before_replace=True,
                # Scaleway updates user data in place, but cloud-init reads it at first boot only.
                replace_on_changes=["userData"],
            ),
        )
        # Whoever connects to the address waits for the machine behind it.
        self.ip = known_after(address.address, self.server.id)
        self.private_ip = self.server.private_ips.apply(_ipv4)
        self.register_outputs({"ip": self.ip, "private_ip": self.private_ip})


def _inbound_rules(operator_cidrs: Sequence[str]) -> list[instance.SecurityGroupInboundRuleArgs]:
    public = [("TCP", 53), ("UDP", 53), ("TCP", 80), ("TCP", 443)]
    rules = [
        instance.SecurityGroupInboundRuleArgs(action="accept", protocol=protocol, port=port, ip_range=EVERYWHERE)
        for protocol, port in public
    ]
    return rules + [
        instance.SecurityGroupInboundRuleArgs(action="accept", protocol="TCP", port=22, ip_range=cidr)
        for cidr in operator_cidrs
    ]


def _ipv4(addresses: Sequence[Any] | None) -> str:
    """The IPv4 address among those of an Instance's private networks; empty where Scaleway names none."""
    return next((str(each.address) for each in addresses or () if ":" not in str(each.address)), "")
