"""Drone's server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from game_app.budget import TEAM
from game_app.handover import handed_over
from game_app.ingress import Door, exposed
from game_app.scm.source import Source
from game_app.workload import container, deployment, http_probe, pod, scratch_volume, service

APP: Final = "drone"
PORT: Final = 8080
APPLICATION: Final = "drone-oauth"
"""Secret with its OAuth application at the source control, where the set-up hands it over: `id` and `secret`."""
INSIDE_ONLY: Final = ("/rpc", "/metrics", "/varz", "/debug", "/healthz", "/version", "/api/badges")
"""Paths for runners and Prometheus, and those that answer without a login; people have no business there.

The state of any team's build stands in its badge.
"""
NOBODYS: Final = ("/api/stream", "/api/stream/")
"""The events of all repositories, which Drone holds a connection for, whoever asks; those below it need a login."""
CLEANUP: Final = 5
"""Minutes between two looks for builds that no runner has any more, and after which one is taken for such."""
WEBHOOKS: Final = "/hook"
"""Path for the source control's webhooks, each of which bears the secret of its repository."""
WEBHOOK_MB: Final = 25
"""MiB of the largest webhook that GitHub sends; source: docs.github.com/en/webhooks/webhook-events-and-payloads."""


@dataclass(frozen=True, kw_only=True)
class ServerArgs:
    """What the server needs."""

    image: str
    namespace: pulumi.Input[str]
    door: Door
    """Where operators find it."""
    internal_host: str
    """Host and port inside the cluster."""
    source: Source
    """The source control that it builds from."""
    admin_token: pulumi.Input[str]
    """32 hexadecimal digits or more."""
    rpc_secret: pulumi.Input[str]
    cookie_secret: pulumi.Input[str]
    database: pulumi.Input[str]
    """Host and port."""
    database_password: pulumi.Input[str]
    database_secret: pulumi.Input[str]
    """32 characters, with which it encrypts what it stores."""
    guard_url: pulumi.Input[str]
    config_secret: pulumi.Input[str]
    validate_secret: pulumi.Input[str]
    ended_secret: pulumi.Input[str]


class Server(pulumi.ComponentResource):
    """Drone's server, which asks the guard about every build."""

    url: pulumi.Output[str]
    """Where people find it, known once it is ready and its certificate is signed."""

    def __init__(self, name: str, args: ServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Server", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        k8s.core.v1.Secret(
            f"{name}-secrets",
            metadata={"name": APP, "namespace": args.namespace},
            string_data={key: pulumi.Output.secret(value) for key, value in server_secrets(args).items()},
            opts=child,
        )
        spec = pod(
            [
                container(
                    "drone",
                    args.image,
                    cpu="100m",
                    memory="512Mi",
                    port=PORT,
                    env=[
                        *(
                            k8s.core.v1.EnvVarArgs(name=key, value=value)
                            for key, value in server_environment(args).items()
                        ),
                        # Until the set-up has filled the Secret, the server waits.
                        *(_handed_over(variable, key) for variable, key in args.source.drone_awaits.items()),
                    ],
                    env_from=[APP],
                    mounts={"data": "/data"},
                    writable=["data"],
                    probe=http_probe("/healthz"),
                )
            ],
            volumes=[scratch_volume("data", "256Mi")],
        )
        if args.source.drone_awaits:
            handed_over(name, args.namespace, APPLICATION, by=args.source.setup, opts=child)
        running = deployment(
            name,
            APP,
            args.namespace,
            spec,
            replicas=1,
            files=server_secrets(args),
            replace=True,
            metrics_port=PORT,
            opts=child,
        )
        # No value flows, but a Service counts as ready only once it has endpoints.
        door = service(name, APP, args.namespace, PORT, pulumi.ResourceOptions(parent=self, depends_on=[running]))
        outside = args.source.webhooks is None
        self.url = exposed(
            name,
            APP,
            args.namespace,
            door.metadata.name,
            args.door,
            closed=INSIDE_ONLY if outside else (*INSIDE_ONLY, WEBHOOKS),
            closed_alone=NOBODYS,
            body_mb=WEBHOOK_MB if outside else None,
            opts=child,
        )
        self.register_outputs({"url": self.url})


def server_environment(args: ServerArgs) -> Mapping[str, pulumi.Input[str]]:
    """The server's settings that are no secrets. Source: drone, cmd/drone-server/config/config.go

    What is not here is as important: no conversion extension, no secret extension, no trusted repositories, and no
    debug log, in which Drone writes its admin's token.
    """
    source = args.source
    # Otherwise webhooks come to the address by which people find it.
    webhooks = {"DRONE_SERVER_PROXY_HOST": args.internal_host, "DRONE_SERVER_PROXY_PROTO": "http"}
    return {
        "DRONE_SERVER_HOST": args.door.host,
        "DRONE_SERVER_PROTO": args.door.scheme,
        "DRONE_SERVER_PORT": f":{PORT}",
        **(webhooks if source.webhooks else {}),
        "DRONE_SERVER_PRIVATE_MODE": "true",
        "DRONE_COOKIE_SECURE": "true" if args.door.scheme == "https" else "false",
        "DRONE_DATABASE_DRIVER": "postgres",
        **source.drone,
        "DRONE_GIT_ALWAYS_AUTH": "true",
        # Otherwise every step gets the token of the repositories' owner.
        "DRONE_GIT_USERNAME": source.cloner,
        "DRONE_REGISTRATION_CLOSED": "true",
        "DRONE_USER_FILTER": f"{source.builder},{source.organisation}",
        "DRONE_REPOSITORY_FILTER": source.organisation,
        "DRONE_REPOSITORY_VISIBILITY": "private",
        "DRONE_INCOMING_WEBHOOK_EVENTS": "push,pull_request",
        "DRONE_YAML_ENDPOINT": pulumi.Output.concat(args.guard_url, "/config"),
        "DRONE_YAML_TIMEOUT": "10s",
        "DRONE_VALIDATE_PLUGIN_ENDPOINT": pulumi.Output.concat(args.guard_url, "/validate"),
        "DRONE_VALIDATE_TIMEOUT": "10s",
        # The guard writes down what became of builds: Drone's own numbers do not tell.
        "DRONE_WEBHOOK_ENDPOINT": pulumi.Output.concat(args.guard_url, "/ended"),
        "DRONE_WEBHOOK_EVENTS": "build:updated",
        # Jsonnet imports files of the repository; Starlark runs a program of it.
        "DRONE_JSONNET_ENABLED": "false",
        "DRONE_STARLARK_ENABLED": "false",
        # Schedules and promotions skip the signature.
        "DRONE_CRON_DISABLED": "true",
        "DRONE_DATADOG_ENABLED": "false",
        # For Prometheus, which has no account here; from outside the board the path is closed.
        "DRONE_PROMETHEUS_ANONYMOUS_ACCESS": "true",
        # A build that a restored dump thinks is running would hold its repository's one place for a day. Drone adds the
        # buffer to the deadline, and to the time that the repository's own builds may take.
        "DRONE_CLEANUP_INTERVAL": f"{CLEANUP}m",
        "DRONE_CLEANUP_DEADLINE_RUNNING": f"{TEAM}m",
        "DRONE_CLEANUP_BUFFER": f"{CLEANUP}m",
    }


def server_secrets(args: ServerArgs) -> Mapping[str, pulumi.Input[str]]:
    """The server's settings that are secrets."""
    return {
        "DRONE_RPC_SECRET": args.rpc_secret,
        "DRONE_COOKIE_SECRET": args.cookie_secret,
        "DRONE_DATABASE_SECRET": args.database_secret,
        "DRONE_DATABASE_DATASOURCE": pulumi.Output.concat(
            "postgres://drone:", args.database_password, "@", args.database, "/drone?sslmode=disable"
        ),
        "DRONE_GIT_PASSWORD": args.source.cloner_password,
        "DRONE_USER_CREATE": pulumi.Output.concat(
            f"username:{args.source.builder},machine:false,admin:true,token:", args.admin_token
        ),
        "DRONE_YAML_SECRET": args.config_secret,
        "DRONE_VALIDATE_PLUGIN_SECRET": args.validate_secret,
        "DRONE_WEBHOOK_SECRET": args.ended_secret,
        **args.source.drone_secrets,
    }


def _handed_over(variable: str, key: str) -> k8s.core.v1.EnvVarArgs:
    source = k8s.core.v1.SecretKeySelectorArgs(name=APPLICATION, key=key)
    return k8s.core.v1.EnvVarArgs(name=variable, value_from=k8s.core.v1.EnvVarSourceArgs(secret_key_ref=source))
