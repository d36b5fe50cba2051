"""Repositories of an organisation at GitHub, by GitHub's own provider, and the set-up that enables Drone for them.

Imported only where GitHub is the source control: importing the provider's package takes a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_github as github

from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import (
    allow_dns_egress,
    allow_egress,
    allow_kubernetes_api_egress,
    allow_metrics_scrape,
)
from common.outputs import known_after
from common.settings import Delivery, GitHub
from game_app.build_limits import COMPONENT_BUILD_TIMEOUT_MINUTES, TEAM_BUILD_TIMEOUT_MINUTES
from game_app.cluster_addresses import DRONE, SCM_NAMESPACE, SETUP_METRICS_PORT
from game_app.guard.pipelines import BRANCH
from game_app.scm.setup_container import SetupContainer, setup_account
from game_app.services.pipeline_catalogue import CHECK
from game_app.shared_secret import PIPELINE_SIGNATURES
from game_app.source_control import DroneServer
from game_app.workload import deployment, pod

_APP: Final = "setup"
_QUOTA: Final = Quota(
    pods=2,
    cpu="500m",
    memory="512Mi",
    storage="1Gi",
    container_cpu="250m",
    container_memory="128Mi",
    container_storage="256Mi",
)


@dataclass(frozen=True, kw_only=True)
class GitHubOrganisationArgs:
    """Arguments of the organisation's repositories."""

    settings: Delivery
    organisation: GitHub
    """`settings.github`, which is given where GitHub is the source control."""
    image: str
    """Image with Python."""
    teams: Mapping[str, Sequence[str]]
    """Name of each team's repository to the accounts of its players."""
    pipelines: Mapping[str, str]
    """Files of the guard, whose pipelines the set-up asks Drone to sign."""
    drone: DroneServer
    api: ApiServer
    """The cluster's own API, for the set-up."""

    @property
    def readers(self) -> Mapping[str, Sequence[str]]:
        """Name of each repository to the accounts that read it: every player reads the components."""
        players = list(dict.fromkeys(player for names in self.teams.values() for player in names))
        return {**dict.fromkeys(self.settings.components, players), **self.teams}


class GitHubOrganisation(pulumi.ComponentResource):
    """Repositories with their readers and branch protection; on the board, the set-up alone.

    Webhooks are not here: Drone makes one when a repository is enabled, with a secret that no API gives, and removes
    any other webhook to the same address.
    Source: drone, service/hook/util.go
    """

    repositories: pulumi.Output[Sequence[str]]
    """Names of the repositories, known once readers and branch protection of all are set."""

    def __init__(self, name: str, args: GitHubOrganisationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:GitHubOrganisation", name, None, opts)
        own = args.organisation
        provider = github.Provider(
            f"{name}-provider",
            owner=own.organization,
            token=own.token.output,
            # Of a GitHub Enterprise Server the root: the provider adds the path of the API.
            base_url=f"{own.web_url if own.api_url.endswith('/api/v3') else own.api_url}/",
            opts=pulumi.ResourceOptions(parent=self),
        )
        repositories = [
            self._repository(f"{name}-{repository}", repository, readers, args, provider)
            for repository, readers in args.readers.items()
        ]
        self.repositories = pulumi.Output.all(*repositories)
        self._setup(name, args)
        self.register_outputs({"repositories": self.repositories})

    def _repository(
        self,
        name: str,
        repository: str,
        readers: Sequence[str],
        args: GitHubOrganisationArgs,
        provider: github.Provider,
    ) -> pulumi.Output[str]:
        at_github = pulumi.ResourceOptions(parent=self, provider=provider)
        made = github.Repository(
            f"{name}-repository",
            name=repository,
            visibility="private",
            auto_init=True,
            # Players read, and open pull requests from forks.
            allow_forking=True,
            allow_merge_commit=True,
            allow_squash_merge=True,
            allow_rebase_merge=False,
            allow_auto_merge=False,
            has_issues=True,
            has_wiki=False,
            has_projects=False,
            has_discussions=False,
            opts=at_github,
        )
        main = github.BranchDefault(f"{name}-main", repository=made.name, branch=BRANCH, rename=True, opts=at_github)
        protected = [
            # GitHub Actions would run what a pull request says, without the guard.
            github.ActionsRepositoryPermissions(
                f"{name}-actions", repository=made.name, enabled=False, opts=at_github
            ).id,
            github.RepositoryCollaborators(
                f"{name}-readers",
                repository=made.name,
                users=[
                    github.RepositoryCollaboratorsUserArgs(username=reader, permission="pull") for reader in readers
                ],
                opts=at_github,
            ).id,
            self._protection(name, main, args, at_github, owners_push=repository in args.settings.components),
        ]
        return known_after(made.name, *protected)

    def _protection(
        self,
        name: str,
        main: github.BranchDefault,
        args: GitHubOrganisationArgs,
        at_github: pulumi.ResourceOptions,
        *,
        owners_push: bool,
    ) -> pulumi.Output[str]:
        """Protection of the main branch. owners_push: whether the organisation's owners may push all the same."""
        return github.BranchProtection(
            f"{name}-protection",
            repository_id=main.repository,
            pattern=main.branch,
            enforce_admins=not owners_push,
            allows_force_pushes=False,
            allows_deletions=False,
            required_status_checks=[
                # Strict: the branch must be up to date with the main branch.
                github.BranchProtectionRequiredStatusCheckArgs(strict=True, contexts=[CHECK])
            ],
            # Only pull requests, without an approval: the hunt merges what is green.
            required_pull_request_reviews=[
                github.BranchProtectionRequiredPullRequestReviewArgs(required_approving_review_count=0)
            ],
            restrict_pushes=[
                github.BranchProtectionRestrictPushArgs(
                    blocks_creations=True, push_allowances=[f"/{args.organisation.account}"]
                )
            ],
            opts=at_github,
        ).id

    def _setup(self, name: str, args: GitHubOrganisationArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=SCM_NAMESPACE,
                app=_APP,
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    allow_egress("allow-drone", DRONE.pods, DRONE.port),
                    allow_kubernetes_api_egress(args.api),
                    allow_metrics_scrape(SETUP_METRICS_PORT),
                ],
            ),
            opts=child,
        ).name
        known = pulumi.Output.all(args.drone.public_url, args.drone.admin_token, self.repositories)
        setup = SetupContainer(
            image=args.image,
            source_control="github",
            plan=pulumi.Output.secret(known).apply(lambda values: _plan(args, *values)),
            pipelines=args.pipelines,
            secrets={"signatures": PIPELINE_SIGNATURES},
        )
        spec = pod(
            [setup.container(mounts={})],
            volumes=setup.volumes(name, namespace, child),
            service_account=setup_account(name, namespace, child),
            automount=False,
        )
        deployment(
            name,
            _APP,
            namespace,
            spec,
            replicas=1,
            files={**args.pipelines, "token": args.drone.admin_token},
            recreate=True,
            metrics_port=SETUP_METRICS_PORT,
            opts=child,
        )


def _plan(args: GitHubOrganisationArgs, public_url: str, token: str, repositories: Sequence[str]) -> Mapping[str, Any]:
    """Plan of the set-up as JSON (`services.setup.setup_plan`)."""
    components = args.settings.components
    return {
        "organisation": args.organisation.organization,
        "drone_url": DRONE.url,
        "drone_public_url": public_url,
        "drone_token": token,
        "builder": args.organisation.account,
        "repositories": [
            {
                "name": name,
                "minutes": COMPONENT_BUILD_TIMEOUT_MINUTES if name in components else TEAM_BUILD_TIMEOUT_MINUTES,
            }
            for name in repositories
        ],
    }
