"""Grafana by its community chart: dashboards for the operators of an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from common.certificates import certificate
from common.helm import Charts
from common.outputs import known_after
from common.settings import Settings, SignIn
from observability import dashboards
from observability.immutable_secret import immutable_secret
from observability.loki import TENANTS, USER
from observability.sizing import resources

TLS = "grafana-tls"
"""Name of Grafana's Certificate, and of its Secret."""
_MOUNTED = "/var/lib/grafana/dashboards"


@dataclass(frozen=True, kw_only=True)
class GrafanaArgs:
    """Settings of the environment, and outputs of the board, of Loki and of Prometheus."""

    settings: Settings
    charts: Charts
    namespace: pulumi.Input[str]
    host: pulumi.Input[str]
    """DNS name of Grafana."""
    ingress_class: pulumi.Input[str]
    cluster_issuer: pulumi.Input[str] | None
    """ClusterIssuer of Grafana's certificate; None for plain HTTP."""
    loki_url: pulumi.Input[str]
    prometheus_url: pulumi.Input[str]


class Grafana(pulumi.ComponentResource):
    """Grafana with dashboards as code; passwords come from Secrets, never from the chart's values."""

    url: pulumi.Output[str]
    """Public URL, known once Grafana is ready and its certificate is signed."""

    def __init__(self, name: str, args: GrafanaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:observability:Grafana", name, None, opts)
        child, own = pulumi.ResourceOptions(parent=self), args.settings.observability
        admin = k8s.core.v1.Secret(
            f"{name}-admin",
            metadata={"name": "grafana-admin", "namespace": args.namespace},
            string_data={"admin-user": "admin", "admin-password": own.grafana_admin_password.output},
            opts=child,
        )
        environment = immutable_secret(
            f"{name}-environment",
            args.namespace,
            {
                "LOKI_PASSWORD": own.loki_password.output,
                **({"SIGN_IN_SECRET": own.sign_in.client_secret.output} if own.sign_in else {}),
            },
            child,
        )
        folders = {folder: self._folder(name, folder, args.namespace, child) for folder in dashboards.FOLDERS}
        release = args.charts.release(
            "grafana",
            name=f"{name}-release",
            namespace=args.namespace,
            values=grafana_values(args, admin.metadata.name, environment, folders),
            opts=child,
        )
        scheme, signed = "http", list[pulumi.Output[str]]()
        if args.cluster_issuer is not None:
            own = certificate(
                f"{name}-certificate",
                secret_name=TLS,
                host=args.host,
                issuer=args.cluster_issuer,
                namespace=args.namespace,
                opts=child,
            )
            scheme, signed = "https", [own.id]
        self.url = known_after(pulumi.Output.concat(scheme, "://", args.host, "/"), release.id, *signed)
        self.register_outputs({"url": self.url})

    def _folder(
        self, name: str, folder: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> pulumi.Output[str]:
        """Name of the ConfigMap with a folder's dashboards: objects of their own, so that a change shows as one."""
        files = {
            file.removeprefix(f"{folder}/"): text
            for file, text in dashboards.files().items()
            if file.startswith(f"{folder}/")
        }
        made = k8s.core.v1.ConfigMap(
            f"{name}-dashboards-{folder}",
            metadata={"name": f"dashboards-{folder}", "namespace": namespace},
            data=files,
            opts=opts,
        )
        return made.metadata.name


def grafana_values(
    args: GrafanaArgs,
    admin_secret: pulumi.Input[str],
    environment_secret: pulumi.Input[str],
    folders: Mapping[str, pulumi.Input[str]],
) -> Mapping[str, Any]:
    """Values of the chart `grafana`.

    folders: folder of dashboards to the ConfigMap that has them.
    """
    scheme = "http" if args.cluster_issuer is None else "https"
    return {
        # Without it the chart makes a new password at every render.
        "admin": {"existingSecret": admin_secret, "userKey": "admin-user", "passwordKey": "admin-password"},
        "envFromSecret": environment_secret,
        "persistence": {"enabled": True, "size": "5Gi"},
        # A volume that one node mounts at a time cannot be held by two generations of the pod.
        "deploymentStrategy": {"type": "Recreate"},
        "testFramework": {"enabled": False},
        "resources": resources("grafana", args.settings.observability.players),
        "datasources": {"datasources.yaml": data_sources(args.prometheus_url, args.loki_url)},
        "dashboardProviders": {"dashboardproviders.yaml": providers()},
        "dashboardsConfigMaps": dict(folders),
        "ingress": {
            "enabled": True,
            "ingressClassName": args.ingress_class,
            "hosts": [args.host],
            # F5's controller passes WebSockets, by which Grafana shows what is live, to Services that are named here.
            "annotations": {"nginx.org/websocket-services": "grafana"},
            "tls": [{"secretName": TLS, "hosts": [args.host]}] if args.cluster_issuer is not None else [],
        },
        "grafana.ini": {
            "server": {"root_url": pulumi.Output.concat(scheme, "://", args.host, "/")},
            "analytics": {"reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False},
            "security": {
                "cookie_secure": scheme == "https",
                "disable_gravatar": True,
                "strict_transport_security": scheme == "https",
            },
            "users": {"allow_sign_up": False, "viewers_can_edit": False},
            "auth.anonymous": {"enabled": False},
            # The data sources are plugins in the image. By default Grafana replaces them by newer ones from grafana.com
            # at each start; one that cannot be replaced is gone: https://github.com/grafana/grafana/issues/132528
            "plugins": {"preinstall_auto_update": False},
            "dashboards": {"default_home_dashboard_path": f"{_MOUNTED}/game/at-a-glance.json"},
            **_sign_in(args.settings.observability.sign_in, args.settings.rancher_url),
        },
    }


def data_sources(prometheus_url: pulumi.Input[str], loki_url: pulumi.Input[str]) -> Mapping[str, Any]:
    """Grafana's data sources; source: https://grafana.com/docs/grafana/latest/administration/provisioning/."""
    return {
        "apiVersion": 1,
        "datasources": [
            {
                "name": "Prometheus",
                "uid": dashboards.PROMETHEUS,
                "type": "prometheus",
                "access": "proxy",
                "url": prometheus_url,
                "isDefault": True,
                "editable": False,
                "jsonData": {"timeInterval": "30s", "manageAlerts": True},
            },
            {
                "name": "Loki",
                "uid": dashboards.LOKI,
                "type": "loki",
                "access": "proxy",
                "url": loki_url,
                "editable": False,
                "basicAuth": True,
                "basicAuthUser": USER,
                "jsonData": {"httpHeaderName1": "X-Scope-OrgID", "maxLines": 500},
                "secureJsonData": {
                    "basicAuthPassword": "$__env{LOKI_PASSWORD}",
                    # Reads of several tenants at once, which Loki allows where it is told so.
                    "httpHeaderValue1": "|".join(TENANTS),
                },
            },
        ],
    }


def providers() -> Mapping[str, Any]:
    """Dashboard providers, one for each folder; changes in the browser are not kept."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": folder,
                "folder": title,
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "options": {"path": f"{_MOUNTED}/{folder}"},
            }
            for folder, title in dashboards.FOLDERS.items()
        ],
    }


def _sign_in(provider: SignIn | None, rancher_url: str | None) -> Mapping[str, Any]:
    """Sign-in by OpenID Connect: everybody whom the provider lets in is a viewer, and nobody more than that."""
    if provider is None:
        return {}
    return {
        "auth.generic_oauth": {
            "enabled": True,
            "name": "Operators",
            "client_id": provider.client_id,
            "client_secret": "$__env{SIGN_IN_SECRET}",
            "use_pkce": True,
            "allow_sign_up": True,
            "role_attribute_path": "'Viewer'",
            **(_rancher(rancher_url) if provider.provider == "rancher" else _addresses(provider)),
        }
    }


def _addresses(provider: SignIn) -> Mapping[str, Any]:
    return {
        "scopes": "openid profile email",
        "auth_url": provider.authorize_url,
        "token_url": provider.token_url,
        "api_url": provider.userinfo_url,
    }


def _rancher(url: str | None) -> Mapping[str, Any]:
    """Rancher's own provider, which knows no e-mail addresses: a user's id takes their place.

    Source: https://ranchermanager.docs.rancher.com/how-to-guides/advanced-user-guides/configure-oidc-provider
    """
    return {
        "scopes": "openid profile",
        "auth_url": f"{url}/oidc/authorize",
        "token_url": f"{url}/oidc/token",
        "api_url": f"{url}/oidc/userinfo",
        "login_attribute_path": "sub",
        "email_attribute_path": "sub",
    }
