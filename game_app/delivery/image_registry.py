"""Container registry of the components' images."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumiverse_scaleway import iam, registry

from common.naming import project_wide, tags
from common.settings import Settings

_PART: Final = "registry"


@dataclass(frozen=True, kw_only=True)
class ImageRegistry:
    """Folder of a container registry, and a login with which images are pushed and pulled there."""

    folder: str
    """Prefix of every image, such as rg.fr-par.scw.cloud/shambhala-dev-6f1c3d2e."""
    config: pulumi.Input[str]
    """Docker's config.json, a secret."""


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """Arguments of the registry at Scaleway."""

    environment: str
    region: str
    project_id: str
    allow_replacement: bool
    """Whether the namespace may be replaced or removed with its images."""
    key_expires_at: str | None = None
    """Moment (RFC 3339) at which the API key expires; another moment replaces the key.

    By default the key never expires: nobody renews a key while an event runs, and a hot-fix could not be pushed then.
    The key may only push and pull, and is removed with the environment. Organisations may demand an expiry:
    https://www.scaleway.com/en/docs/iam/how-to/set-credentials-maximum-duration/
    """


class Registry(pulumi.ComponentResource):
    """Private registry namespace at Scaleway, and an IAM application that may use the project's registry alone.

    Full access is the narrowest permission set with which one can push, and a project the narrowest scope: there are no
    conditions on single namespaces. The application could remove images of the project's other namespaces.
    The operator's own key needs what `common.permissions` lists for it.
    Source: https://www.scaleway.com/en/docs/iam/reference-content/supported-products-resource-level/

    The images go with the namespace, which outlives every board.
    """

    images: ImageRegistry

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        own = project_wide(args.environment, args.project_id)
        mark = [*tags(args.environment, _PART), f"project={args.project_id}"]
        namespace = registry.Namespace(
            f"{name}-namespace",
            name=own,
            # Namespaces have no tags.
            description=" ".join(mark),
            is_public=False,
            region=args.region,
            project_id=args.project_id,
            opts=pulumi.ResourceOptions(parent=self, protect=not args.allow_replacement),
        )
        application = iam.Application(
            f"{name}-application",
            name=f"{own}-{_PART}",
            description="Pushes and pulls the images of the game's components.",
            # The organisation's id is an optional setting; the API gives it with the namespace.
            organization_id=namespace.organization_id,
            tags=mark,
            opts=child,
        )
        policy = iam.Policy(
            f"{name}-policy",
            name=f"{own}-{_PART}",
            description="Lets the application of the same name into the container registry of one project.",
            organization_id=namespace.organization_id,
            application_id=application.id,
            rules=[
                iam.PolicyRuleArgs(
                    project_ids=[args.project_id],
                    permission_set_names=["ContainerRegistryFullAccess"],
                )
            ],
            tags=mark,
            opts=child,
        )
        key = iam.ApiKey(
            f"{name}-key",
            application_id=application.id,
            default_project_id=args.project_id,
            # API keys have no tags.
            description=" ".join(mark),
            expires_at=args.key_expires_at,
            opts=child,
        )
        # Without the policy the key has no rights.
        known = pulumi.Output.all(namespace.endpoint, key.secret_key, policy.id)
        config = pulumi.Output.secret(known.apply(lambda given: docker_config(given[0], given[1])))
        # Scaleway's own scheme for endpoints, so that pipelines are known before the namespace is made.
        self.images = ImageRegistry(folder=f"rg.{args.region}.scw.cloud/{own}", config=config)
        self.register_outputs({"folder": self.images.folder, "config": config})


def docker_config(endpoint: str, secret_key: str) -> str:
    """Docker's config.json with a login at Scaleway's registry, which ignores the user's name.

    Source: https://www.scaleway.com/en/docs/container-registry/how-to/connect-docker-cli/
    """
    login = base64.b64encode(f"nologin:{secret_key}".encode()).decode()
    return json.dumps({"auths": {endpoint.partition("/")[0]: {"auth": login}}})


def image_registry(name: str, settings: Settings, opts: pulumi.ResourceOptions) -> ImageRegistry | None:
    """Registry of the settings, or else one that the program makes; None without delivery (no `masterKey`)."""
    own = settings.delivery
    if own.master_key and own.registry and own.registry_config:
        return ImageRegistry(folder=own.registry, config=own.registry_config.output)
    if not own.makes_a_registry:
        return None
    args = RegistryArgs(
        environment=settings.environment,
        region=settings.scaleway.region,
        project_id=settings.scaleway.project_id,
        allow_replacement=own.allow_replacement,
        key_expires_at=own.registry_key_expires_at,
    )
    return Registry(name, args, opts).images
