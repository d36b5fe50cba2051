"""Rancher's first set-up: from the password that it was installed with to a server that is run."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_rancher2 as rancher2

TOKEN_DAYS = 90
"""Longest life that Rancher gives a token by default (its setting `auth-token-max-ttl-minutes`)."""


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


class Administration(pulumi.ComponentResource):
    """The admin's password and token, and the settings that boards and their agents rely on."""

    token: pulumi.Output[str]
    """An API token of the admin's, secret."""
    url: pulumi.Output[str]
    """Rancher's address, known once it is set up."""

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
            token_ttl=TOKEN_DAYS * 86_400,
            ui_default_landing="vue",
            opts=pulumi.ResourceOptions(parent=self, provider=first, additional_secret_outputs=["token", "password"]),
        )
        provider = rancher2.Provider(
            f"{name}-provider",
            api_url=api_url,
            ca_certs=args.ca_certs,
            token_key=admin.token,
            opts=pulumi.ResourceOptions(parent=self),
        )
        within = pulumi.ResourceOptions(parent=self, provider=provider)
        server = rancher2.Setting(f"{name}-server-url", name="server-url", value=url, opts=within)
        rancher2.Setting(f"{name}-telemetry", name="telemetry-opt", value="out", opts=within)
        # Agents trust what their own system trusts; by default, Rancher's own list alone, which is empty.
        rancher2.Setting(f"{name}-agent-tls", name="agent-tls-mode", value="system-store", opts=within)
        self.token = pulumi.Output.secret(admin.token)
        self.url = server.value
        self.register_outputs({"token": self.token, "url": self.url})
