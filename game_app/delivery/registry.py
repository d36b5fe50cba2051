"""Container registry of the components' images."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pulumi
from pulumiverse_scaleway import iam, registry

from common.naming import project_wide, tags
from common.settings import Settings

_PART = "registry"


@dataclass(frozen=True, kw_only=True)
class ImageRegistry:
    """A folder of a container registry, and the login to it."""

    folder: str
    """Where images go, such as rg.fr-par.scw.cloud/shambhala-dev-6f1c3d2e."""
    config: pulumi.Input[str]
    """Docker's config.json with the right to push there and to pull, a secret."""


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """Where the registry is, and for which environment."""

    environment: str
    region: str
    project_id: str
    key_expires_at: str | None = None
    """Moment (RFC 3339) at which the key ends; another one replaces the key.

    By default it never does: nobody renews it while an event runs, and a hot-fix could not be pushed then. It may do
    nothing but push and pull, and goes with the environment. Organisations may ask for an end:
    https://www.scaleway.com/en/docs/iam/how-to/set-credentials-maximum-duration/
    """


class Registry(pulumi.ComponentResource):
    """A private registry namespace at Scaleway, and an IAM application that may use the project's registry alone.

    Full access is the narrowest permission set with which one can push, and a project its narrowest scope: there are no
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
            opts=child,
        )
        application = iam.Application(
            f"{name}-application",
            name=f"{own}-{_PART}",
            description="Pushes and pulls the images of the game's components.",
            # The settings need not name it, and the API names it for all that belongs to a project.
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
        # The policy is part of it: without one the key opens nothing.
        known = pulumi.Output.all(namespace.endpoint, key.secret_key, policy.id)
        config = pulumi.Output.secret(known.apply(lambda given: docker_config(given[0], given[1])))
        # By Scaleway's own rule, so that pipelines are known before the namespace is made.
        self.images = ImageRegistry(folder=f"rg.{args.region}.scw.cloud/{own}", config=config)
        self.register_outputs({"folder": self.images.folder, "config": config})


def docker_config(endpoint: str, secret_key: str) -> str:
    """Docker's config.json with a login at Scaleway's registry, which looks at no user's name.

    Source: https://www.scaleway.com/en/docs/container-registry/how-to/connect-docker-cli/
    """
    login = base64.b64encode(f"nologin:{secret_key}".encode()).decode()
    return json.dumps({"auths": {endpoint.partition("/")[0]: {"auth": login}}})


def image_registry(name: str, settings: Settings, opts: pulumi.ResourceOptions) -> ImageRegistry | None:
    """The registry that an environment's settings bring, or else one of the program's own; None without delivery."""
    own = settings.delivery
    if own.registry and own.registry_config:
        return ImageRegistry(folder=own.registry, config=own.registry_config.output)
    if not own.makes_a_registry:
        return None
    args = RegistryArgs(
        environment=settings.environment,
        region=settings.scaleway.region,
        project_id=settings.scaleway.project_id,
        key_expires_at=own.registry_key_expires_at,
    )
    return Registry(name, args, opts).images
