"""Rancher's first set-up: from the password that it was installed with to a server that is run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_rancher2 as rancher2

TOKEN_DAYS = 90
"""Longest life that Rancher gives a token by default (its setting `auth-token-max-ttl-minutes`)."""
ROTATION_DAYS = 60
"""Length of the periods of which each has a token of its own: a month before the end, `up` makes the next."""


def rotation(day: datetime.date) -> int:
    """Number of the period in which a day lies, the same for everybody who runs the program."""
    return day.toordinal() // ROTATION_DAYS


_TOKEN: Final[Mapping[str, Any]] = {"token_ttl": TOKEN_DAYS * 86_400, "ui_default_landing": "vue"}
_SECRETS: Final = ["token", "password"]


def _this_period() -> int:
    return rotation(datetime.datetime.now(datetime.UTC).date())


@dataclass(frozen=True, kw_only=True)
class AdministrationArgs:
    """Which Rancher, and how it is set up."""

    url: pulumi.Input[str]
    """Where everybody reaches it, https://…, known once it answers there."""
    api_url: str | None
    """Where this program reaches it instead; None for the same."""
    ca_certs: str | None
    """Certificates (PEM) to trust when talking to it; None for those that this machine trusts."""
    bootstrap_password: pulumi.Input[str]
    """The password that it was installed with; refused from then on."""
    admin_password: pulumi.Input[str]
    """The password of its user admin."""
    machine: pulumi.Resource
    """What it runs on; its settings go with it, and nobody has to be asked for that."""
    datastore: pulumi.Input[str]
    """Which data it holds. With other data it is another Rancher, which knows nothing of what the last was told."""
    period: int = field(default_factory=_this_period)
    """Which token it is: another number makes a new one."""


class Administration(pulumi.ComponentResource):
    """The admin's password and token, and the settings that boards and their agents rely on."""

    token: pulumi.Output[str]
    """An API token of the admin's, secret."""
    url: pulumi.Output[str]
    """Rancher's address, known once it is set up."""
    provider: rancher2.Provider
    """What makes objects in it."""
    api_url: pulumi.Output[str]
    """Where this program reaches it."""
    ca_certs: str | None
    """Certificates (PEM) to trust there; None for those that this machine trusts."""
    machine: pulumi.Resource
    """What it runs on."""
    datastore: pulumi.Output[str]
    """Which Rancher it is: another one knows no board of the last."""

    def __init__(self, name: str, args: AdministrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Administration", name, None, opts)
        url = pulumi.Output.from_input(args.url)
        api_url = url.apply(lambda known: args.api_url or known)
        first = rancher2.Provider(
            f"{name}-first",
            api_url=api_url,
            ca_certs=args.ca_certs,
            bootstrap=True,
            # Rancher says that it is there minutes before it lets anybody in.
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
                provider=first,
                additional_secret_outputs=_SECRETS,
                replacement_trigger=args.datastore,
            ),
        )
        # A second one, since only a login makes a token without one, and the first can log in with its first password
        # once only. Its `tokenUpdate` would make a new token at each update, for it is put back to false by itself.
        session = rancher2.Bootstrap(
            f"{name}-token",
            initial_password=admin.password,
            password=admin.password,
            **_TOKEN,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=first,
                additional_secret_outputs=_SECRETS,
                # The new one is there before the old one goes. Rancher keeps the old token until its own end.
                replacement_trigger=pulumi.Output.all(args.period, args.datastore),
            ),
        )
        provider = rancher2.Provider(
            f"{name}-provider",
            api_url=api_url,
            ca_certs=args.ca_certs,
            token_key=session.token,
            # It has been there before: a Rancher that is silent for longer is down.
            timeout="60s",
            opts=pulumi.ResourceOptions(parent=self),
        )
        within = pulumi.ResourceOptions(parent=self, provider=provider, deleted_with=args.machine)
        # Another Rancher has each of them as it came: with another mark they are all written again. Replaced, the old
        # one's end would put the default back in place of what the new one has just written.
        whose = {"shambhala/datastore": args.datastore}
        server = rancher2.Setting(
            f"{name}-server-url",
            name="server-url",
            value=url,
            # Each login of Bootstrap sets it to the address that the program uses: put right with the new token.
            annotations={**whose, "shambhala/period": str(args.period)},
            opts=within,
        )
        rancher2.Setting(f"{name}-telemetry", name="telemetry-opt", value="out", annotations=whose, opts=within)
        # Agents trust what their own system trusts; by default, Rancher's own list alone, which is empty.
        rancher2.Setting(
            f"{name}-agent-tls", name="agent-tls-mode", value="system-store", annotations=whose, opts=within
        )
        self.token = pulumi.Output.secret(session.token)
        self.url = server.value
        self.provider = provider
        # Boards join only a Rancher that can tell their agents where it is.
        self.api_url = pulumi.Output.all(api_url, server.id).apply(lambda known: str(known[0]))
        self.ca_certs = args.ca_certs
        self.machine = args.machine
        self.datastore = pulumi.Output.from_input(args.datastore)
        self.register_outputs({"token": self.token, "url": self.url})
