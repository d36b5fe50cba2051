"""The organisation's repositories, by GitHub's own provider, and the set-up that has Drone build from them.

Imported only where GitHub is the source control: its provider's package takes a quarter of a second, which nobody
else should wait for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_github as github

from common.github import GitHub as Organisation
from common.kubernetes_api import ApiServer
from common.namespaces import Quota, SecureNamespace, SecureNamespaceArgs
from common.network_policies import allow_dns_egress, allow_egress, allow_kubernetes_api_egress, pods_of
from game_app.budget import COMPONENT, TEAM
from game_app.guard.pipelines import BRANCH
from game_app.scm.github.source import NAMESPACE
from game_app.scm.setting_up import SetUp, account
from game_app.scm.setup.plan import CHECK
from game_app.scm.source import ServerPlace
from game_app.workload import deployment, pod

APP: Final = "setup"
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
class GitHubArgs:
    """What the organisation holds, and for whom."""

    image: str
    """Python's own."""
    organisation: Organisation
    components: Sequence[str]
    """Names of the repositories that every player reads."""
    teams: Mapping[str, Sequence[str]]
    """Name of each team's repository to the accounts of its players."""
    pipelines: Mapping[str, str]
    """The guard's files, whose pipelines the set-up has Drone sign."""
    drone: ServerPlace
    api: ApiServer
    """The cluster's own API, for the set-up."""


class GitHub(pulumi.ComponentResource):
    """The repositories with who may read them and what holds their main branch; on the board, the set-up alone.

    Webhooks are not here: Drone makes each repository's own when it is enabled, with a secret that it tells nobody, and
    takes away any other that leads to it.
    Source: drone, service/hook/util.go
    """

    repositories: pulumi.Output[Sequence[str]]
    """Their names, known once all of them are as they should be."""

    def __init__(self, name: str, args: GitHubArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:game_app:GitHub", name, None, opts)
        own = args.organisation
        provider = github.Provider(
            f"{name}-provider",
            owner=own.organization,
            token=own.token.output,
            # A company's server by its root: the provider knows where below it the API is.
            base_url=f"{own.web_url if own.api_url.endswith('/api/v3') else own.api_url}/",
            opts=pulumi.ResourceOptions(parent=self),
        )
        players = list(dict.fromkeys(player for names in args.teams.values() for player in names))
        readers = {**dict.fromkeys(args.components, players), **args.teams}
        made = [
            self._repository(f"{name}-{repository}", repository, names, args, provider)
            for repository, names in readers.items()
        ]
        self.repositories = pulumi.Output.all(*made)
        self._set_up(name, args)
        self.register_outputs({"repositories": self.repositories})

    def _repository(
        self, name: str, repository: str, readers: Sequence[str], args: GitHubArgs, provider: github.Provider
    ) -> pulumi.Output[str]:
        at_github = pulumi.ResourceOptions(parent=self, provider=provider)
        made = github.Repository(
            f"{name}-repository",
            name=repository,
            visibility="private",
            auto_init=True,
            # Players read, and propose from forks.
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
        held = [
            # What a pull request says would run there, unguarded.
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
            self._protection(name, main, args, at_github, fixed_by_hand=repository in args.components),
        ]
        return pulumi.Output.all(made.name, *held).apply(lambda known: str(known[0]))

    def _protection(
        self,
        name: str,
        main: github.BranchDefault,
        args: GitHubArgs,
        at_github: pulumi.ResourceOptions,
        *,
        fixed_by_hand: bool,
    ) -> pulumi.Output[str]:
        """What holds the main branch. fixed_by_hand: the organisation's owners may push to it all the same."""
        return github.BranchProtection(
            f"{name}-protection",
            repository_id=main.repository,
            pattern=main.branch,
            enforce_admins=not fixed_by_hand,
            allows_force_pushes=False,
            allows_deletions=False,
            required_status_checks=[
                # Strict: up to date with the main branch.
                github.BranchProtectionRequiredStatusCheckArgs(strict=True, contexts=[CHECK])
            ],
            # Only by a pull request, and nobody's approval needed: what is green is merged.
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

    def _set_up(self, name: str, args: GitHubArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        drone = pods_of(args.drone.namespace, args.drone.app)
        namespace = SecureNamespace(
            f"{name}-namespace",
            SecureNamespaceArgs(
                name=NAMESPACE,
                app=APP,
                quota=_QUOTA,
                network_rules=[
                    allow_dns_egress(),
                    allow_egress("allow-drone", drone, args.drone.port),
                    allow_kubernetes_api_egress(args.api),
                ],
            ),
            opts=child,
        ).name
        known = pulumi.Output.all(args.drone.public_url, args.drone.token, self.repositories)
        set_up = SetUp(
            image=args.image,
            scm="github",
            plan=pulumi.Output.secret(known).apply(lambda values: _plan(args, *values)),
            pipelines=args.pipelines,
            secrets={"signatures": args.drone.signatures},
        )
        spec = pod(
            [set_up.container(mounts={})],
            volumes=set_up.volumes(name, namespace, child),
            service_account=account(name, namespace, child),
            automount=False,
        )
        deployment(
            name,
            APP,
            namespace,
            spec,
            replicas=1,
            files={**args.pipelines, "token": args.drone.token},
            replace=True,
            opts=child,
        )


def _plan(args: GitHubArgs, public_url: str, token: str, repositories: Sequence[str]) -> Mapping[str, Any]:
    """What the set-up makes, as its file has it (`setup.plan`)."""
    return {
        "organisation": args.organisation.organization,
        "drone_url": f"http://{args.drone.host}:{args.drone.port}",
        "drone_public_url": public_url,
        "drone_token": token,
        "builder": args.organisation.account,
        "repositories": [
            {"name": name, "minutes": COMPONENT if name in args.components else TEAM} for name in repositories
        ],
    }
