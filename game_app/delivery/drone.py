"""Drone's server: Deployment, Service and Ingress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from common.settings import Delivery
from game_app.build_limits import TEAM_BUILD_TIMEOUT_MINUTES
from game_app.cluster_addresses import DRONE
from game_app.delivery.drone_secrets import admin_token, cookie_secret, database_key, database_password, rpc_secret
from game_app.guard.signing_secrets import SigningSecrets
from game_app.ingress import Endpoint, expose
from game_app.shared_secret import DRONE_OAUTH, SETUP_ACCOUNT, writable_secret
from game_app.source_control import SourceControl
from game_app.workload import container, deployment, http_probe, pod, scratch_volume, service

INTERNAL_PREFIXES: Final = ("/rpc", "/metrics", "/varz", "/debug", "/healthz", "/version", "/api/badges")
"""Paths for runners and Prometheus, and paths that answer without a login, which people must not reach.

A badge tells the state of any team's build.
"""
PUBLIC_STREAM_PATHS: Final = ("/api/stream", "/api/stream/")
"""Events of all repositories, for which Drone holds a connection open without a login; the paths below need one."""
CLEANUP_MINUTES: Final = 5
"""Minutes between two searches for builds that have lost their runner, and after which a build counts as such."""
WEBHOOK_PATH: Final = "/hook"
"""Path for the source control's webhooks, each of which bears the secret of its repository."""
WEBHOOK_MIB: Final = 25
"""MiB of the largest webhook that GitHub sends. Source: docs.github.com/en/webhooks/webhook-events-and-payloads."""


@dataclass(frozen=True, kw_only=True)
class DroneArgs:
    """Arguments of Drone's server."""

    settings: Delivery
    image: str
    namespace: pulumi.Input[str]
    endpoint: Endpoint
    """Public address for operators."""
    source_control: SourceControl
    database: pulumi.Input[str]
    """Host and port of PostgreSQL, known once it is ready."""
    guard_url: pulumi.Input[str]
    signing_secrets: SigningSecrets


class Drone(pulumi.ComponentResource):
    """Drone's server, which asks the guard about every build."""

    url: pulumi.Output[str]
    """URL for people, known once the server is ready and its certificate is signed."""

    def __init__(self, name: str, args: DroneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Drone", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        secrets = drone_secrets(args)
        k8s.core.v1.Secret(
            f"{name}-secrets",
            metadata={"name": DRONE.app, "namespace": args.namespace},
            string_data={key: pulumi.Output.secret(value) for key, value in secrets.items()},
            opts=child,
        )
        oauth_keys = args.source_control.drone_oauth_keys
        environment = [k8s.core.v1.EnvVarArgs(name=key, value=value) for key, value in drone_environment(args).items()]
        spec = pod(
            [
                container(
                    "drone",
                    args.image,
                    cpu="100m",
                    memory="512Mi",
                    port=DRONE.port,
                    # The pod starts once the set-up has filled the Secret of the OAuth application.
                    env=[*environment, *(_from_oauth_secret(variable, key) for variable, key in oauth_keys.items())],
                    env_from=[DRONE.app],
                    mounts={"data": "/data"},
                    writable=["data"],
                    probe=http_probe("/healthz"),
                )
            ],
            volumes=[scratch_volume("data", "256Mi")],
        )
        if oauth_keys:
            writable_secret(name, DRONE_OAUTH, args.namespace, writer=SETUP_ACCOUNT, opts=child)
        running = deployment(
            name,
            DRONE.app,
            args.namespace,
            spec,
            replicas=1,
            files=secrets,
            recreate=True,
            metrics_port=DRONE.port,
            opts=child,
        )
        # No value flows, but a Service counts as ready only once it has endpoints.
        after_pod = pulumi.ResourceOptions(parent=self, depends_on=[running])
        served = service(name, DRONE.app, args.namespace, DRONE.port, after_pod)
        webhooks_from_outside = args.source_control.webhook_ingress is None
        self.url = expose(
            name,
            DRONE.app,
            args.namespace,
            served.metadata.name,
            args.endpoint,
            blocked_prefixes=INTERNAL_PREFIXES if webhooks_from_outside else (*INTERNAL_PREFIXES, WEBHOOK_PATH),
            blocked_paths=PUBLIC_STREAM_PATHS,
            body_mib=WEBHOOK_MIB if webhooks_from_outside else None,
            opts=child,
        )
        self.register_outputs({"url": self.url})


def drone_environment(args: DroneArgs) -> Mapping[str, pulumi.Input[str]]:
    """Variables of the server that are no secrets. Source: drone, cmd/drone-server/config/config.go

    Left out on purpose: a conversion extension, a secret extension, trusted repositories, and the debug log, into which
    Drone writes its admin's token.
    """
    source_control = args.source_control
    # Without these two variables webhooks go to the public address.
    internal_webhooks = {"DRONE_SERVER_PROXY_HOST": DRONE.host_and_port, "DRONE_SERVER_PROXY_PROTO": "http"}
    return {
        "DRONE_SERVER_HOST": args.endpoint.host,
        "DRONE_SERVER_PROTO": args.endpoint.scheme,
        "DRONE_SERVER_PORT": f":{DRONE.port}",
        **(internal_webhooks if source_control.webhook_ingress else {}),
        "DRONE_SERVER_PRIVATE_MODE": "true",
        "DRONE_COOKIE_SECURE": "true" if args.endpoint.scheme == "https" else "false",
        "DRONE_DATABASE_DRIVER": "postgres",
        **source_control.drone_environment,
        "DRONE_GIT_ALWAYS_AUTH": "true",
        # By default every step gets the token of the repositories' owner.
        "DRONE_GIT_USERNAME": source_control.cloner,
        "DRONE_REGISTRATION_CLOSED": "true",
        "DRONE_USER_FILTER": f"{source_control.builder},{source_control.organisation}",
        "DRONE_REPOSITORY_FILTER": source_control.organisation,
        "DRONE_REPOSITORY_VISIBILITY": "private",
        "DRONE_INCOMING_WEBHOOK_EVENTS": "push,pull_request",
        "DRONE_YAML_ENDPOINT": pulumi.Output.concat(args.guard_url, "/config"),
        "DRONE_YAML_TIMEOUT": "10s",
        "DRONE_VALIDATE_PLUGIN_ENDPOINT": pulumi.Output.concat(args.guard_url, "/validate"),
        "DRONE_VALIDATE_TIMEOUT": "10s",
        # The guard counts how builds ended: Drone's own metrics do not tell.
        "DRONE_WEBHOOK_ENDPOINT": pulumi.Output.concat(args.guard_url, "/ended"),
        "DRONE_WEBHOOK_EVENTS": "build:updated",
        # Jsonnet imports files of the repository; Starlark runs a program of the repository.
        "DRONE_JSONNET_ENABLED": "false",
        "DRONE_STARLARK_ENABLED": "false",
        # Schedules and promotions skip the signature.
        "DRONE_CRON_DISABLED": "true",
        "DRONE_DATADOG_ENABLED": "false",
        # Prometheus has no account at Drone; the Ingress blocks the path from outside the board.
        "DRONE_PROMETHEUS_ANONYMOUS_ACCESS": "true",
        # A build that a restored dump takes for running would hold its repository's one place for a day. Drone adds the
        # buffer to the deadline, and to the time that the repository's own builds may take.
        "DRONE_CLEANUP_INTERVAL": f"{CLEANUP_MINUTES}m",
        "DRONE_CLEANUP_DEADLINE_RUNNING": f"{TEAM_BUILD_TIMEOUT_MINUTES}m",
        "DRONE_CLEANUP_BUFFER": f"{CLEANUP_MINUTES}m",
    }


def drone_secrets(args: DroneArgs) -> Mapping[str, pulumi.Input[str]]:
    """Variables of the server that are secrets."""
    settings, source_control = args.settings, args.source_control
    return {
        "DRONE_RPC_SECRET": rpc_secret(settings),
        "DRONE_COOKIE_SECRET": cookie_secret(settings),
        "DRONE_DATABASE_SECRET": database_key(settings),
        "DRONE_DATABASE_DATASOURCE": pulumi.Output.concat(
            "postgres://drone:", database_password(settings), "@", args.database, "/drone?sslmode=disable"
        ),
        "DRONE_GIT_PASSWORD": source_control.cloner_password,
        "DRONE_USER_CREATE": pulumi.Output.concat(
            f"username:{source_control.builder},machine:false,admin:true,token:", admin_token(settings)
        ),
        # What Drone signs its requests to the guard with.
        "DRONE_YAML_SECRET": args.signing_secrets.config,
        "DRONE_VALIDATE_PLUGIN_SECRET": args.signing_secrets.validate,
        "DRONE_WEBHOOK_SECRET": args.signing_secrets.ended,
        **source_control.drone_secrets,
    }


def _from_oauth_secret(variable: str, key: str) -> k8s.core.v1.EnvVarArgs:
    source = k8s.core.v1.SecretKeySelectorArgs(name=DRONE_OAUTH.name, key=key)
    return k8s.core.v1.EnvVarArgs(name=variable, value_from=k8s.core.v1.EnvVarSourceArgs(secret_key_ref=source))
