"""The Debian Instance, its address and its firewall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumiverse_scaleway import instance

from common.naming import PROJECT, tags
from common.templates import render

_FIRST_BOOT = Path(__file__).parent / "templates" / "cloud-config.yaml.j2"


@dataclass(frozen=True)
class _FirstBoot:
    host_key_private: str
    host_key_public: str
    operator_key: str


@dataclass(frozen=True, kw_only=True)
class InstanceArgs:
    """What the game master's Instance is made of."""

    environment: str
    """Name of the environment, for tags."""
    type: pulumi.Input[str]
    """Commercial type, such as PLAY2-MICRO."""
    image: pulumi.Input[str]
    """Image label, such as debian_trixie."""
    volume_size: pulumi.Input[int]
    """Root volume in GB."""
    volume_type: pulumi.Input[str]
    """sbs_volume or l_ssd."""
    private_network_id: pulumi.Input[str]
    operator_cidrs: Sequence[str]
    """Networks in CIDR notation from which SSH is allowed; nobody else may connect."""
    operator_key: pulumi.Input[str]
    """Public SSH key of the operators, in authorized_keys format."""
    host_key_private: pulumi.Input[str]
    """Private ed25519 SSH host key (OpenSSH format), given at first boot so that it can be pinned."""
    host_key_public: pulumi.Input[str]
    """Its public half."""
    protect: bool
    """Refuse to delete or replace the Instance, as for production."""


class Instance(pulumi.ComponentResource):
    """A Debian Instance with a flexible IP that serves DNS and HTTP(S) to all and SSH to operators."""

    ip: pulumi.Output[str]
    """Public IPv4 address; it stays when the Instance is replaced."""
    server: instance.Server

    def __init__(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Instance", name, None, opts)
        mark = tags(args.environment, "gamemaster")
        child = pulumi.ResourceOptions(parent=self)
        address = instance.Ip(f"{name}-ip", type="routed_ipv4", tags=mark, opts=child)
        firewall = instance.SecurityGroup(
            f"{name}-firewall",
            description="Game master: DNS and HTTP(S) for all, SSH for operators",
            inbound_default_policy="drop",
            outbound_default_policy="accept",
            stateful=True,
            inbound_rules=_doors(args.operator_cidrs),
            tags=mark,
            opts=child,
        )
        first_boot = pulumi.Output.all(args.host_key_private, args.host_key_public, args.operator_key).apply(
            lambda keys: render(_FIRST_BOOT, _FirstBoot(*keys))
        )
        self.server = instance.Server(
            f"{name}-server",
            name=f"{PROJECT}-{args.environment}-gamemaster",
            type=args.type,
            image=args.image,
            ip_ids=[address.id],
            security_group_id=firewall.id,
            root_volume=instance.ServerRootVolumeArgs(
                size_in_gb=args.volume_size, volume_type=args.volume_type, delete_on_termination=True
            ),
            private_networks=[instance.ServerPrivateNetworkArgs(pn_id=args.private_network_id)],
            # The host key in it is a secret: the state keeps it encrypted.
            user_data={"cloud-init": pulumi.Output.secret(first_boot)},
            protected=args.protect,
            tags=mark,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # An address cannot belong to two Instances at once.
                delete_before_replace=True,
                # Scaleway updates user data in place, but cloud-init reads it at first boot only.
                replace_on_changes=["userData"],
            ),
        )
        # Through the server, so that whoever connects to the address waits for the machine behind it.
        self.ip = pulumi.Output.all(address.address, self.server.id).apply(lambda values: str(values[0]))
        self.register_outputs({"ip": self.ip})


def _doors(operator_cidrs: Sequence[str]) -> list[instance.SecurityGroupInboundRuleArgs]:
    public = [("TCP", 53), ("UDP", 53), ("TCP", 80), ("TCP", 443)]
    rules = [
        instance.SecurityGroupInboundRuleArgs(action="accept", protocol=protocol, port=port, ip_range="0.0.0.0/0")
        for protocol, port in public
    ]
    return rules + [
        instance.SecurityGroupInboundRuleArgs(action="accept", protocol="TCP", port=22, ip_range=cidr)
        for cidr in operator_cidrs
    ]
