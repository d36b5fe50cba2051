"""Observability: Grafana, logs, metrics, sign-in and notifications."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, Final, Literal

from pydantic import Field

from common.settings.constraints import whole_number
from common.settings.credentials import Password, SecretUrl, UnquotedKey, UnquotedPassword
from common.settings.names import Email, Label, MailServer
from common.settings.networks import WebUrl
from common.settings.object_storage import ObjectStorage
from common.settings.rules import Conflict, left_out, rule
from common.settings.section import Section, camel

USABLE_PERCENT: Final = 80
"""Part of a volume for logs that they may fill: the rest is for what is not deleted yet."""


class Logs(Section):
    """Logs: retention and storage."""

    retention_days: Annotated[int, whole_number(1, 365, "days")] = 14
    """Days after which a log line is deleted."""
    daily_gb: Annotated[int, whole_number(1, 1000, "GB")] = 1
    """Logs of the whole game in a day, compressed, in gigabytes of 10^9 bytes."""
    volume_size_gb: Annotated[int, whole_number(5, 10_000, "GB")] = 20
    """Size of the volume for logs, in gigabytes of 10^9 bytes; with object storage, of the newest logs only."""
    object_storage: ObjectStorage | None = None
    """Object storage for logs beyond the volume."""
    replicas: Annotated[int, whole_number(1, 20, "pods")] = 1
    """Number of Loki's pods; several share the object storage, and three of them keep each new line."""

    @rule
    def several_share_a_storage(self) -> Generator[Conflict]:
        if self.replicas == 2:
            yield Conflict("replicas", 2, "must be 1, or at least 3, of which one may fail")
        if self.replicas > 1 and self.object_storage is None:
            yield Conflict("replicas", self.replicas, "must be 1 without objectStorage, which several share")

    @rule
    def retention_fits_the_volume(self) -> Generator[Conflict]:
        room = self.volume_size_gb * USABLE_PERCENT // 100
        if self.object_storage is None and self.retention_days * self.daily_gb > room:
            yield Conflict(
                "retentionDays",
                self.retention_days,
                f"must fit the volume: {self.daily_gb} GB a day for at most {room // self.daily_gb} days in "
                f"{USABLE_PERCENT} % of {self.volume_size_gb} GB; raise volumeSizeGb or set objectStorage",
            )


class Metrics(Section):
    """Metrics: retention and storage."""

    retention_days: Annotated[int, whole_number(1, 365, "days")] = 14
    """Days after which a sample is deleted; the oldest are deleted earlier when the volume is full."""
    volume_size_gb: Annotated[int, whole_number(5, 10_000, "GB")] = 10
    """Size of the volume for metrics, in gigabytes of 10^9 bytes."""


class SignIn(Section):
    """Sign-in to Grafana (OpenID Connect) for operators who may read and change nothing."""

    provider: Literal["oidc", "rancher"] = "oidc"
    """Any OpenID Connect provider by its URLs (oidc), or the game's own Rancher, which needs none (rancher)."""
    client_id: Label
    """Client ID of Grafana at the provider."""
    client_secret: UnquotedKey
    """Client secret of Grafana at the provider."""
    authorize_url: WebUrl | None = None
    """Authorization endpoint of the provider; needed where observability.signIn.provider is oidc."""
    token_url: WebUrl | None = None
    """Token endpoint of the provider; needed where observability.signIn.provider is oidc."""
    userinfo_url: WebUrl | None = None
    """Userinfo endpoint of the provider; needed where observability.signIn.provider is oidc."""

    @rule
    def urls_of_the_provider(self) -> Generator[Conflict]:
        for key in ("authorize_url", "token_url", "userinfo_url"):
            value = getattr(self, key)
            if self.provider == "oidc" and value is None:
                yield Conflict(camel(key), "", "must be given where signIn.provider is oidc")
            if self.provider == "rancher" and value is not None:
                allowed = "must be left out where signIn.provider is rancher, whose it is known"
                yield Conflict(camel(key), value, allowed, remedy=left_out)


class Mail(Section):
    """Alerts by e-mail."""

    to: Email
    """E-mail address that alerts are sent to."""
    sender: Email
    """E-mail address that alerts are sent from."""
    server: MailServer
    """SMTP server and port, reached by TLS."""
    user: Email
    """User name at the SMTP server."""
    password: Password
    """Password of observability.notify.mail.user at the SMTP server."""


class Notify(Section):
    """Notifications of alerts, by webhook or e-mail."""

    webhook_url: SecretUrl | None = None
    """URL to which Alertmanager posts alerts as JSON; secret, as whoever knows the URL may post."""
    mail: Mail | None = None
    """Alerts by e-mail."""

    @rule
    def somewhere(self) -> Generator[Conflict]:
        if self.webhook_url is None and self.mail is None:
            yield Conflict("webhookUrl", "", "must be given where notify.mail is not")


class Observability(Section):
    """Observability: Grafana, Loki, Prometheus and Alertmanager."""

    grafana_admin_password: UnquotedPassword
    """Password of Grafana's user `admin`."""
    loki_password: UnquotedPassword
    """Password of Loki's API, for writing and reading logs."""
    players: Annotated[int, whole_number(1, 10_000, "players")] = 100
    """Number of players for whom observability is sized; by default 20 teams of five."""
    logs: Logs = Field(default_factory=Logs)
    """Logs: retention and storage."""
    metrics: Metrics = Field(default_factory=Metrics)
    """Metrics: retention and storage."""
    sign_in: SignIn | None = None
    """Sign-in to Grafana for operators who only read; without, only Grafana's user `admin` signs in."""
    notify: Notify | None = None
    """Notifications of alerts; without, alerts are only shown in Grafana."""
    stuck_after_minutes: Annotated[int, whole_number(5, 1440, "minutes")] = 45
    """Minutes without a passed step after which a team counts as stuck, while the hunt runs."""
