"""Bootstrap of Rancher: the admin's password and API token, and the server settings that boards' agents rely on."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_rancher2 as rancher2

from common.outputs import known_after

TOKEN_DAYS: Final = 90
"""Longest lifetime that Rancher gives a token by default (its setting `auth-token-max-ttl-minutes`)."""
ROTATION_DAYS: Final = 60
"""Length of the periods of which each has a token of its own: `up` makes the next token a month before the old ends."""


def rotation(day: datetime.date) -> int:
    """Number of the rotation period in which a day lies, the same for everybody who runs the program."""
    return day.toordinal() // ROTATION_DAYS


_TOKEN: Final[Mapping[str, Any]] = {"token_ttl": TOKEN_DAYS * 86_400, "ui_default_landing": "vue"}
_SECRETS: Final = ["token", "password"]


def _current_period() -> int:
    return rotation(datetime.datetime.now(datetime.UTC).date())


@dataclass(frozen=True, kw_only=True)
class RancherBootstrapArgs:
    """Arguments of the bootstrap."""

    url: pulumi.Input[str]
    """Rancher's public address, https://…, known once Rancher answers there."""
    api_url: str | None
    """Address at which this program reaches Rancher instead; None for the public one."""
    ca_certs: str | None
    """Certificates (PEM) to trust when talking to Rancher; None for those that this machine trusts."""
    bootstrap_password: pulumi.Input[str]
    """Password with which Rancher was installed; refused from then on."""
    admin_password: pulumi.Input[str]
    """Password of the user admin."""
    machine: pulumi.Resource
    """Server on which Rancher runs; with the server, Rancher's settings are gone and are not deleted one by one."""
    datastore: pulumi.Input[str]
    """Identity of Rancher's data. With other data, Rancher is a new one without any setting."""
    period: int = field(default_factory=_current_period)
    """Rotation period of the token: another number makes a new token."""


class RancherBootstrap(pulumi.ComponentResource):
    """The admin's password and token, and the settings that boards and their agents rely on."""

    token: pulumi.Output[str]
    """An API token of the user admin, secret."""
    url: pulumi.Output[str]
    """Rancher's public address, known once Rancher is set up."""
    provider: rancher2.Provider
    """Provider for objects in Rancher."""
    api_url: pulumi.Output[str]
    """Address at which this program reaches Rancher, known once Rancher can tell agents its public address."""
    ca_certs: str | None
    """Certificates (PEM) to trust there; None for those that this machine trusts."""
    machine: pulumi.Resource
    """Server on which Rancher runs."""
    datastore: pulumi.Output[str]
    """Identity of Rancher's data: a Rancher with other data knows no board."""

    def __init__(self, name: str, args: RancherBootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:RancherBootstrap", name, None, opts)
        url = pulumi.Output.from_input(args.url)
        api_url = url.apply(lambda known: args.api_url or known)
        initial_provider = rancher2.Provider(
            f"{name}-initial-provider",
            api_url=api_url,
            ca_certs=args.ca_certs,
            bootstrap=True,
            # Rancher answers pings minutes before it accepts a login.
            timeout="600s",
            opts=pulumi.ResourceOptions(parent=self),
        )
        admin = rancher2.Bootstrap(
            f"{name}-admin",
            initial_password=args.bootstrap_password,
            password=args.admin_password,
            **_TOKEN,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=initial_provider,
                additional_secret_outputs=_SECRETS,
                replacement_trigger=args.datastore,
            ),
        )
        # A second Bootstrap for the token: only a login makes a token without having one, and the first Bootstrap can
        # log in with its first password once only. Its `tokenUpdate` would make a new token at each update, for the
        # provider sets it back to false.
        session = rancher2.Bootstrap(
            f"{name}-token",
            initial_password=admin.password,
            password=admin.password,
            **_TOKEN,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=initial_provider,
                additional_secret_outputs=_SECRETS,
                # The new token is there before the old one goes. Rancher keeps the old token until its own end.
                replacement_trigger=pulumi.Output.all(args.period, args.datastore),
            ),
        )
        provider = rancher2.Provider(
            f"{name}-provider",
            api_url=api_url,
            ca_certs=args.ca_certs,
            token_key=session.token,
            # By now Rancher has accepted a login: silence for longer than this means that Rancher is down.
            timeout="60s",
            opts=pulumi.ResourceOptions(parent=self),
        )
        settings_opts = pulumi.ResourceOptions(parent=self, provider=provider, deleted_with=args.machine)
        # A new Rancher has every setting at its default: the changed annotation makes the program write all of them
        # again. A replacement would not do: the deletion of the old setting would restore the default afterwards.
        of_datastore = {"shambhala/datastore": args.datastore}
        server_url = rancher2.Setting(
            f"{name}-server-url",
            name="server-url",
            value=url,
            # Each login of Bootstrap sets server-url to the address that the program uses: the new token's period
            # sets it back.
            annotations={**of_datastore, "shambhala/period": str(args.period)},
            opts=settings_opts,
        )
        rancher2.Setting(
            f"{name}-telemetry", name="telemetry-opt", value="out", annotations=of_datastore, opts=settings_opts
        )
        # Agents trust what their own system trusts; by default, Rancher's own list alone, which is empty.
        rancher2.Setting(
            f"{name}-agent-tls",
            name="agent-tls-mode",
            value="system-store",
            annotations=of_datastore,
            opts=settings_opts,
        )
        self.token = pulumi.Output.secret(session.token)
        self.url = server_url.value
        self.provider = provider
        # Boards join only a Rancher that can tell their agents its public address.
        self.api_url = known_after(api_url, server_url.id)
        self.ca_certs = args.ca_certs
        self.machine = args.machine
        self.datastore = pulumi.Output.from_input(args.datastore)
        self.register_outputs({"token": self.token, "url": self.url})
