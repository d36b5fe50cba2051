"""Attacks of a player on source control, delivery and the other team, on a real control plane."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from game_app.build_limits import PODS_AT_ONCE, ROLLOUT_TIMEOUT_MINUTES
from game_app.delivery.runner_policies import TRUSTS, Trust
from game_app.guard.pipelines import template_name
from game_app.services.pipeline_catalogue import CATALOGUE
from rehearsal.toolchain.catalogue import HELM
from tests.api_server.delivery.raised import TEAMS, program
from tests.api_server.releases.site import Site
from tests.support import kube_runner
from tests.support.tools import built
from tests.support.waiting import LONGEST_WAIT

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(1800)]

Tree = dict[str, Any]
Fell = Callable[[str], None]


async def test_what_was_raised_stays_as_it_is(site: Site) -> None:
    stack = site.stack("delivery", lambda: program(site, TEAMS))
    again = await asyncio.to_thread(stack.up, color="never")
    assert set(again.summary.resource_changes or {}) == {"same", "read"}, "the API's addresses are read each time"


async def may(site: Site, account: str, right: str, namespace: str) -> bool:
    arguments = ("auth", "can-i", *right.split(), f"--as=system:serviceaccount:{account}", f"--namespace={namespace}")
    return (await site.kubectl(*arguments, either=True)).splitlines()[-1] == "yes"


DEPLOYER = "cd-team-red:deployer"


@pytest.mark.parametrize(
    ("account", "right", "namespace", "allowed"),
    [
        (DEPLOYER, "create deployments.apps", "team-red", True),
        (DEPLOYER, "patch configmaps", "team-red", True),
        (DEPLOYER, "create deployments.apps", "team-blue", False),
        (DEPLOYER, "get secrets", "team-red", False),
        (DEPLOYER, "create networkpolicies.networking.k8s.io", "team-red", False),
        (DEPLOYER, "delete networkpolicies.networking.k8s.io", "team-red", False),
        (DEPLOYER, "patch resourcequotas", "team-red", False),
        (DEPLOYER, "create rolebindings.rbac.authorization.k8s.io", "team-red", False),
        (DEPLOYER, "create serviceaccounts --subresource=token", "team-red", False),
        (DEPLOYER, "create pods --subresource=exec", "team-red", False),
        (DEPLOYER, "create ingresses.networking.k8s.io", "team-red", False),
        (DEPLOYER, "create pods", "team-red", False),
        (DEPLOYER, "patch pods --subresource=ephemeralcontainers", "team-red", False),
        (DEPLOYER, "create statefulsets.apps", "team-red", False),
        (DEPLOYER, "create daemonsets.apps", "team-red", False),
        (DEPLOYER, "create jobs.batch", "team-red", False),
        (DEPLOYER, "create cronjobs.batch", "team-red", False),
        (DEPLOYER, "create persistentvolumeclaims", "team-red", False),
        (DEPLOYER, "create persistentvolumes", "", False),
        (DEPLOYER, "create endpoints", "team-red", False),
        (DEPLOYER, "create endpointslices.discovery.k8s.io", "team-red", False),
        (DEPLOYER, "patch services --subresource=status", "team-red", False),
        (DEPLOYER, "get services --subresource=proxy", "team-red", False),
        (DEPLOYER, "patch namespaces", "team-red", False),
        (DEPLOYER, "delete validatingadmissionpolicybindings.admissionregistration.k8s.io", "", False),
        (DEPLOYER, "get secrets", "cd-portal", False),
        ("cd-portal:deployer", "create deployments.apps", "game", True),
        ("cd-portal:deployer", "create deployments.apps", "team-red", False),
        ("ci-team-red:nobody", "get pods", "ci-team-red", False),
        ("ci-team-red:nobody", "list namespaces", "", False),
        ("team-red:players", "get pods --subresource=log", "team-red", True),
        ("team-red:players", "delete pods", "team-red", False),
        ("team-red:players", "create services", "team-red", False),
        ("team-red:players", "patch deployments.apps", "team-red", False),
        ("team-red:players", "create ingresses.networking.k8s.io", "team-red", False),
        ("team-red:players", "create pods --subresource=portforward", "team-red", False),
        ("team-red:players", "get pods --subresource=log", "team-blue", False),
        ("team-red:players", "get secrets", "team-red", False),
        ("runners:runner-untrusted", "create pods", "ci-team-red", True),
        ("runners:runner-untrusted", "create pods", "cd-team-red", False),
        ("runners:runner-untrusted", "create pods", "team-red", False),
        ("runners:runner-deploy", "create pods", "cd-team-red", True),
        ("runners:runner-deploy", "get secrets", "delivery", False),
        ("scm:setup", "patch secrets/signatures", "guard", True),
        ("scm:setup", "patch secrets/secrets", "guard", False),
        ("scm:setup", "get secrets/drone", "delivery", False),
    ],
)
async def test_t22_t26_the_api_server_grants_each_account_its_few_rights(
    site: Site, account: str, right: str, namespace: str, allowed: bool
) -> None:
    assert await may(site, account, right, namespace) is allowed


@pytest.mark.parametrize(
    ("account", "right", "namespace"),
    [
        (DEPLOYER, "delete networkpolicies.networking.k8s.io", "team-red"),
        ("ci-team-red:nobody", "get secrets", "ci-team-red"),
        ("runners:runner-untrusted", "create pods", "cd-team-red"),
    ],
)
async def test_t20_t22_t26_with_another_role_an_account_would_do_more(
    site: Site, fell: Fell, account: str, right: str, namespace: str
) -> None:
    assert not await may(site, account, right, namespace)
    binding = ("rolebinding", "too-much", f"--namespace={namespace}")
    await site.kubectl("create", *binding, "--clusterrole=cluster-admin", f"--serviceaccount={account}")
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            # The API server reads it a moment later.
            while not await may(site, account, right, namespace):
                await asyncio.sleep(0.2)
    finally:
        await site.kubectl("delete", *binding)
    fell(f"{account.rpartition(':')[2]} might {right.partition('.')[0]}")


@dataclass(frozen=True)
class Rendered:
    """What builds are made from, as it stands on the cluster."""

    pipelines: Mapping[str, str]
    """The guard's, by the names of their files."""
    policies: Mapping[str, str]
    settings: Mapping[str, Mapping[str, str]]
    """Those of each runner, by its name."""

    def pod(self, trust: Trust, repository: str) -> Tree:
        """The pod that the runner makes of a repository's pipeline."""
        kind = json.loads(self.pipelines[CATALOGUE])["repositories"][f"game/{repository}"]
        return kube_runner.pod(
            self.pipelines[template_name(kind, trust.event)],
            self.policies[trust.name],
            self.settings[trust.name],
            repository=f"game/{repository}",
            event=trust.event,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def rendered(site: Site) -> Rendered:
    guards = json.loads(await site.kubectl("--namespace=guard", "get", "configmap", "pipelines", "--output=json"))
    found = json.loads(await site.kubectl("--namespace=runners", "get", "configmaps,deployments", "--output=json"))
    policies: dict[str, str] = {}
    settings: dict[str, dict[str, str]] = {}
    for each in found["items"]:
        name = each["metadata"]["name"].removeprefix("runner-")
        if each["kind"] == "Deployment":
            [container] = each["spec"]["template"]["spec"]["containers"]
            settings[name] = {entry["name"]: entry.get("value", "") for entry in container["env"]}
        elif "policies.yaml" in each["data"]:
            policies[name] = each["data"]["policies.yaml"]
    return Rendered(guards["data"], policies, settings)


def pod(**changes: Any) -> Tree:
    """A pod of one container, which sets neither a security context nor limits."""
    spec: Tree = {"containers": [{"name": "step", "image": "docker.io/library/step:1"}]}
    container = changes.pop("container", {})
    spec["containers"][0].update(container)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "step"}, "spec": {**spec, **changes}}


RESTRICTED: Tree = {
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
}


@asynccontextmanager
async def emptied(site: Site, namespace: str) -> AsyncGenerator[None]:
    """A namespace without pods, whose quota knows it."""
    in_it = f"--namespace={namespace}"
    used = ("get", "resourcequota", "quota", "--output=jsonpath={.status.used.pods}")

    async def empty() -> None:
        await site.kubectl("delete", "pods", "--all", in_it, "--force", "--grace-period=0")
        async with asyncio.timeout(LONGEST_WAIT):
            while await site.kubectl(*used, in_it) != "0":
                await asyncio.sleep(0.2)

    await empty()
    yield
    await empty()


@pytest.mark.parametrize("trust", TRUSTS, ids=lambda trust: trust.name)
@pytest.mark.parametrize("repository", ["portal", "team-red"])
async def test_t21_t27_a_pipelines_pod_starts_beside_those_before_it_and_no_larger_one_does(
    site: Site, rendered: Rendered, fell: Fell, trust: Trust, repository: str
) -> None:
    build = rendered.pod(trust, repository)
    namespace, runner = build["metadata"]["namespace"], f"runners:runner-{trust.name}"
    assert namespace == f"{trust.prefix}{repository}"
    larger = copy.deepcopy(build)
    larger["spec"]["containers"].append({**larger["spec"]["containers"][-1], "name": "one-more"})
    # Where no node takes them they do not end, as everything soon does here that is not to be started again.
    lasting = {**build["spec"], "nodeSelector": NOWHERE}
    before = [
        {**build, "metadata": {**build["metadata"], "name": f"before-{number}"}, "spec": lasting}
        for number in range(1, PODS_AT_ONCE)
    ]
    async with emptied(site, namespace):
        given = {"apiVersion": "v1", "kind": "List", "items": before}
        as_runner = f"--as=system:serviceaccount:{runner}"
        await site.kubectl("create", f"--namespace={namespace}", as_runner, "--filename=-", given=given)
        assert "created" in await tried(site, build, namespace, runner)
        assert "exceeded quota" in await tried(site, larger, namespace, runner)
    del larger["metadata"]["namespace"], larger["spec"]["serviceAccountName"]
    assert "created" in await tried(site, larger, "default")
    fell("a pod with one step more was taken")


async def tried(site: Site, manifest: Tree, namespace: str, account: str = "") -> str:
    """What the API server says to an object that is not kept."""
    who = (f"--as=system:serviceaccount:{account}",) if account else ()
    arguments = ("create", "--dry-run=server", f"--namespace={namespace}", "--filename=-", *who)
    return await site.kubectl(*arguments, given=manifest, either=True)


@pytest.mark.parametrize(
    "attack",
    [
        pod(hostNetwork=True),
        pod(hostPID=True),
        pod(volumes=[{"name": "host", "hostPath": {"path": "/"}}]),
        pod(container={"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}),
        pod(container={"ports": [{"containerPort": 80, "hostPort": 80}]}),
    ],
    ids=["host network", "host processes", "host path", "capabilities", "host port"],
)
@pytest.mark.parametrize("namespace", ["ci-team-red", "cd-team-red", "team-red"])
async def test_t11_a_pod_that_would_leave_its_namespace_is_refused(
    site: Site, fell: Fell, namespace: str, attack: Tree
) -> None:
    assert "violates PodSecurity" in await tried(site, attack, namespace)
    # Where no such lock is, the same pod is taken.
    assert "created" in await tried(site, attack, "default")
    fell("the pod was taken")


@pytest.mark.parametrize("namespace", ["ci-team-red", "cd-team-red"])
async def test_t27_a_build_that_wants_all_memory_or_room_is_refused(site: Site, fell: Fell, namespace: str) -> None:
    for kind in ("memory", "ephemeral-storage"):
        attack = pod(container={"resources": {"limits": {kind: "64Gi"}}})
        assert f"maximum {kind} usage per Container" in await tried(site, attack, namespace)
        assert "created" in await tried(site, attack, "default")
        fell(f"64 GiB of {kind} were granted")


async def test_t19_where_an_unknown_build_ends_no_pod_starts(site: Site, fell: Fell) -> None:
    assert "exceeded quota" in await tried(site, pod(), "ci-denied")
    assert "created" in await tried(site, pod(), "default")
    fell("the unknown build's pod was taken")


async def test_t30_a_teams_chart_cannot_loosen_its_own_isolation(site: Site, fell: Fell) -> None:
    open_to_all: Tree = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "open"},
        "spec": {"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]},
    }
    assert "forbidden" in await tried(site, open_to_all, "team-red", DEPLOYER)
    assert "created" in await tried(site, open_to_all, "team-red")
    fell("with the rights of the program itself the network was opened")


async def test_t30_a_teams_pods_must_have_no_rights(site: Site, fell: Fell) -> None:
    assert "violates PodSecurity" in await tried(site, pod(), "team-red")
    assert "created" in await tried(site, pod(container=RESTRICTED), "team-red")
    assert "created" in await tried(site, pod(), "default")
    fell("a pod with rights was taken")


CHART: Tree = {
    "Chart.yaml": {"apiVersion": "v2", "name": "portal", "version": "1.0.0"},
    "templates/deployment.yaml": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "portal"},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": "portal"}},
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": "portal"}},
                "spec": {
                    "containers": [
                        {"name": "portal", "image": "{{ .Values.image.repository }}@{{ .Values.image.digest }}"}
                        | RESTRICTED
                    ]
                },
            },
        },
    },
}
"""A component's chart, as small as can be."""
NOWHERE: Tree = {"kubernetes.io/hostname": "no-such-node"}


def deployment(  # noqa: PLR0917 - what differs from one to the next
    site: Site, rendered: Rendered, folder: Path, digest: str, wanted: Tree, more: Tree | None = None
) -> subprocess.Popen[str]:
    """Begin the kept pipeline's last step as the account of its pods, for a chart whose pods want a node.

    more: one more object of the chart. What differs from a board: it waits 15 seconds in place of 5 minutes.
    """
    chart = json.loads(json.dumps(CHART))
    chart["templates/deployment.yaml"]["spec"]["template"]["spec"]["nodeSelector"] = wanted
    if more:
        chart["templates/more.yaml"] = more
    for name, content in chart.items():
        (folder / "chart" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "chart" / name).write_text(json.dumps(content))
    (folder / "kubeconfig").write_text(site.kubeconfig)
    (folder / ".digest").write_text(f"{digest}\n")
    kept = rendered.pipelines["component.push.yaml"].replace("@name@", "portal")
    step = yaml.safe_load(kept)["steps"][-1]
    environment = {
        "DRONE_SCRIPT": kube_runner.script(step).replace(f"--timeout {ROLLOUT_TIMEOUT_MINUTES}m", "--timeout 15s"),
        "DRONE_STAGE_STARTED": str(int(time.time())),
        "PATH": f"{built(HELM).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "HELM_KUBEASUSER": "system:serviceaccount:cd-portal:deployer",
    }
    return subprocess.Popen(
        kube_runner.SHELL,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def deployed(*what: Any) -> tuple[int, str]:
    """Run that step to its end. Gives its code and what it said."""
    with deployment(*what) as running:
        said, _ = running.communicate()
    return running.returncode, said


async def image_of_the_component(site: Site) -> str:
    place = "--output=jsonpath={.spec.template.spec.containers[0].image}"
    return await site.kubectl("--namespace=game", "get", "deployment", "portal", place)


async def test_a_fix_whose_pods_do_not_become_ready_goes_back_by_itself_and_the_next_one_is_deployed(
    site: Site, rendered: Rendered, tmp_path: Path
) -> None:
    first, second, third = (f"sha256:{digit * 64}" for digit in "123")
    code, said = await asyncio.to_thread(deployed, site, rendered, tmp_path, first, {})
    assert code == 0, said
    assert await image_of_the_component(site) == f"registry.example/game/portal@{first}"
    code, said = await asyncio.to_thread(deployed, site, rendered, tmp_path, second, NOWHERE)
    assert code != 0
    assert "rolled back due to atomic being set" in said
    assert await image_of_the_component(site) == f"registry.example/game/portal@{first}"
    code, said = await asyncio.to_thread(deployed, site, rendered, tmp_path, third, {})
    assert code == 0, said
    assert await image_of_the_component(site) == f"registry.example/game/portal@{third}"


@pytest.mark.parametrize(("before", "says"), [(True, "back to revision "), (False, "it is removed first")])
async def test_a_deployment_that_was_cut_off_in_the_middle_does_not_keep_the_next_one_out(
    site: Site, rendered: Rendered, tmp_path: Path, before: bool, says: str
) -> None:
    """before: one was deployed before it."""
    game = "--namespace=game"
    first, second, third = (f"sha256:{digit * 64}" for digit in "567")
    for kind in ("secrets", "deployments"):
        await site.kubectl("delete", kind, game, "--selector=owner=helm" if kind == "secrets" else "--all")
    if before:
        code, said = await asyncio.to_thread(deployed, site, rendered, tmp_path, first, {})
        assert code == 0, said
    state = f"--selector=owner=helm,name=portal,status=pending-{'upgrade' if before else 'install'}"
    with deployment(site, rendered, tmp_path, second, NOWHERE) as cut_off:
        async with asyncio.timeout(LONGEST_WAIT):
            while not await site.kubectl("get", "secrets", game, state, "--output=name"):
                await asyncio.sleep(0.1)
        os.killpg(cut_off.pid, signal.SIGKILL)
    code, said = await asyncio.to_thread(deployed, site, rendered, tmp_path, third, {})
    assert code == 0, said
    assert says in said
    assert await image_of_the_component(site) == f"registry.example/game/portal@{third}"


async def test_t30_a_components_chart_gives_nobody_a_right(site: Site, rendered: Rendered, tmp_path: Path) -> None:
    binding: Tree = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "mine"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "game"}],
    }
    code, said = await asyncio.to_thread(deployed, site, rendered, tmp_path, f"sha256:{'4' * 64}", {}, binding)
    assert code != 0
    assert "forbidden" in said
    assert "system:serviceaccount:cd-portal:deployer" in said
    assert "mine" not in await site.kubectl("--namespace=game", "get", "rolebindings", "--output=name")


async def test_a_teams_account_has_a_token_that_the_api_server_takes(site: Site) -> None:
    found = await site.kubectl("--namespace=team-red", "get", "secret", "players", "--output=jsonpath={.data.token}")
    assert found


KINDS = "resourcequotas,limitranges,networkpolicies,serviceaccounts,roles,rolebindings,secrets"


async def of_the_teams(site: Site) -> Mapping[str, object]:
    """What is in the teams' namespaces, without what Kubernetes itself says of it."""
    found = json.loads(await site.kubectl("get", KINDS, "--all-namespaces", "--output=json"))
    return {
        f"{each['metadata']['namespace']}/{each['kind']}/{each['metadata']['name']}": (
            each["metadata"]["uid"],
            {key: value for key, value in each.items() if key not in {"metadata", "status"}},
        )
        for each in found["items"]
        if each["metadata"]["namespace"].endswith(("team-red", "team-blue"))
    }


async def test_adding_a_team_touches_nothing_of_the_others_and_removing_it_leaves_nothing(site: Site) -> None:
    before = await of_the_teams(site)
    stack = site.stack("delivery", lambda: program(site, {**TEAMS, "green": ["ken"]}))
    added = await asyncio.to_thread(stack.up, color="never")
    assert await of_the_teams(site) == before
    changes: Mapping[str, int] = {str(key): count for key, count in (added.summary.resource_changes or {}).items()}
    assert set(changes) == {"create", "update", "same", "read"}, added.stdout
    # The catalogue (twice), the policies, the plan and the hunt name every team; those that read them are rolled, and
    # a runner ends once its builds have.
    assert changes["update"] <= 10, added.stdout
    stack = site.stack("delivery", lambda: program(site, TEAMS))
    await asyncio.to_thread(stack.up, color="never")
    left = await site.kubectl("get", "namespaces", "--output=name")
    assert "green" not in left
    assert "namespace/team-red" in left
