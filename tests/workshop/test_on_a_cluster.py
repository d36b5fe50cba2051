"""What a player can do to the workshop on a real control plane."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.versions import Images
from game_app.delivery.component import catalogue
from rehearsal.toolchain.catalogue import HELM
from tests.releases.site import Site
from tests.tools import built
from tests.workshop.raised import TEAMS, program

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(1800)]

Tree = dict[str, Any]
Fell = Callable[[str], None]


async def test_what_was_raised_stays_as_it_is(site: Site) -> None:
    stack = site.stack("workshop", lambda: program(site, TEAMS))
    again = await asyncio.to_thread(stack.up, color="never")
    assert set(again.summary.resource_changes or {}) == {"same"}


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
        async with asyncio.timeout(30):
            # The API server reads it a moment later.
            while not await may(site, account, right, namespace):
                await asyncio.sleep(0.2)
    finally:
        await site.kubectl("delete", *binding)
    fell(f"{account.rpartition(':')[2]} might {right.partition('.')[0]}")


def pod(**changes: Any) -> Tree:
    """A pod as a runner makes it: no security context, and no limits of its own."""
    spec: Tree = {"containers": [{"name": "step", "image": "registry.example/step:1"}]}
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


@pytest.mark.parametrize("namespace", ["ci-team-red", "cd-team-red", "ci-portal"])
async def test_t21_a_plain_step_of_a_build_starts(site: Site, namespace: str) -> None:
    made = await tried(site, pod(), namespace)
    assert "created" in made


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
async def test_t11_a_pod_that_would_leave_its_cell_is_refused(
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


async def test_t30_a_teams_chart_cannot_loosen_its_own_fences(site: Site, fell: Fell) -> None:
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


def deployed(site: Site, folder: Path, digest: str, wanted: Tree, more: Tree | None = None) -> tuple[int, str]:
    """Run the kept pipeline's last step as the account of its pods, for a chart whose pods want a node.

    more: one more object of the chart.
    Gives its code and what it said. What differs from a board: it waits 15 seconds in place of 5 minutes.
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
    kept = catalogue("game", ["portal"], [], "registry.example/game", Images())["component.push.yaml"].replace(
        "@name@", "portal"
    )
    commands = yaml.safe_load(kept)["steps"][-1]["commands"]
    script = "\n".join(commands).replace("--timeout 5m", "--timeout 15s")
    environment = {
        "PATH": f"{built(HELM).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "HELM_KUBEASUSER": "system:serviceaccount:cd-portal:deployer",
    }
    command = ["sh", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def test_a_fix_whose_pods_do_not_become_ready_goes_back_by_itself_and_the_next_one_is_deployed(
    site: Site, tmp_path: Path
) -> None:
    async def image() -> str:
        place = "--output=jsonpath={.spec.template.spec.containers[0].image}"
        return await site.kubectl("--namespace=game", "get", "deployment", "portal", place)

    first, second, third = (f"sha256:{digit * 64}" for digit in "123")
    code, said = await asyncio.to_thread(deployed, site, tmp_path, first, {})
    assert code == 0, said
    assert await image() == f"registry.example/game/portal@{first}"
    code, said = await asyncio.to_thread(deployed, site, tmp_path, second, NOWHERE)
    assert code != 0
    assert "rolled back due to atomic being set" in said
    assert await image() == f"registry.example/game/portal@{first}"
    code, said = await asyncio.to_thread(deployed, site, tmp_path, third, {})
    assert code == 0, said
    assert await image() == f"registry.example/game/portal@{third}"


async def test_t30_a_components_chart_gives_nobody_a_right(site: Site, tmp_path: Path) -> None:
    binding: Tree = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "mine"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "game"}],
    }
    code, said = await asyncio.to_thread(deployed, site, tmp_path, f"sha256:{'4' * 64}", {}, binding)
    assert code != 0
    assert "forbidden" in said
    assert "system:serviceaccount:cd-portal:deployer" in said
    assert "mine" not in await site.kubectl("--namespace=game", "get", "rolebindings", "--output=name")


async def test_a_teams_account_has_a_token_that_the_api_server_takes(site: Site) -> None:
    found = await site.kubectl("--namespace=team-red", "get", "secret", "players", "--output=jsonpath={.data.token}")
    assert found


async def test_adding_a_team_touches_nothing_of_the_others_and_removing_it_leaves_nothing(site: Site) -> None:
    stack = site.stack("workshop", lambda: program(site, {**TEAMS, "green": ["ken"]}))
    added = await asyncio.to_thread(stack.up, color="never")
    changes: Mapping[str, int] = {str(key): count for key, count in (added.summary.resource_changes or {}).items()}
    assert set(changes) == {"create", "update", "same"}, added.stdout
    # The catalogue (twice), the policies, the plan and the hunt name every team; those that read them are rolled.
    assert changes["update"] <= 10, added.stdout
    stack = site.stack("workshop", lambda: program(site, TEAMS))
    await asyncio.to_thread(stack.up, color="never")
    left = await site.kubectl("get", "namespaces", "--output=name")
    assert "green" not in left
    assert "namespace/team-red" in left
