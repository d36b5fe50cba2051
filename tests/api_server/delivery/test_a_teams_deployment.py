"""What a push to a team's main branch does on a real control plane: the kept pipeline's own commands and account."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from rehearsal.toolchain.catalogue import HELM
from tests.api_server.releases.site import Site
from tests.support.hints import printed_files
from tests.support.tools import built, tools

# Long enough for the tool chain to be built first.
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(1800)]

Tree = dict[str, Any]


GAME = printed_files("3-helm")
"""The chart that the example hunt's hint tells a team to write."""


class TeamsPipeline:
    """The pipeline that the guard has for a team, run for one push to its main branch after the other."""

    def __init__(self, site: Site, folder: Path, kept: str, token: str) -> None:
        """token: of the account of its pods; the cluster knows them by nothing else."""
        self._site, self._folder = site, folder
        self._steps: Sequence[Tree] = yaml.safe_load(kept.replace("@name@", "team-red"))["steps"][1:]
        way = yaml.safe_load(site.kubeconfig)
        way["users"][0]["user"] = {"token": token}
        (folder / "kubeconfig").write_text(yaml.safe_dump(way))
        self._environment = {
            "PATH": f"{built(HELM).parent}:{tools().control_plane}:{os.environ['PATH']}",
            "HOME": str(folder),
            "KUBECONFIG": str(folder / "kubeconfig"),
        }

    async def push(self, files: Mapping[str, str]) -> tuple[int, str]:
        """Run all steps but the clone, for a tree with these files. Gives the pipeline's code and what it said."""
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        for name, text in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        said = ""
        for step in self._steps:
            # As a runner has it: the first command that fails ends the step.
            script = "\n".join(["set -e", *step["commands"]])
            child = await asyncio.create_subprocess_exec(
                *("sh", "-c", script), cwd=work, env=self._environment, stdout=PIPE, stderr=STDOUT
            )
            said += (await child.communicate())[0].decode()
            if child.returncode:
                return child.returncode, said
        return 0, said

    async def stands(self) -> set[str]:
        """What the team's chart has in its namespace."""
        part = "--selector=applyset.kubernetes.io/part-of"
        found = await self._site.kubectl("--namespace=team-red", "get", "all,configmaps", part, "--output=name")
        return set(found.split())


@pytest_asyncio.fixture(loop_scope="package")
async def pipeline(site: Site, tmp_path: Path) -> AsyncGenerator[TeamsPipeline]:
    where = ("--namespace=guard", "get", "configmap", "pipelines")
    kept = json.loads(await site.kubectl(*where, "--output=json"))["data"]["team.push.yaml"]
    token = await site.kubectl("--namespace=cd-team-red", "create", "token", "deployer")
    yield TeamsPipeline(site, tmp_path, kept, token)
    kinds = "configmaps,services,deployments"
    await site.kubectl("--namespace=team-red", "delete", kinds, "--selector=applyset.kubernetes.io/part-of")
    await site.kubectl("--namespace=team-red", "delete", "configmap", "game", "--ignore-not-found")


async def test_a_teams_push_deploys_the_hints_manifest_and_removes_what_the_next_one_no_longer_has(
    site: Site, pipeline: TeamsPipeline
) -> None:
    register = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "register"}})
    code, said = await pipeline.push({**GAME, "chart/templates/register.yaml": register})
    assert code == 0, said
    assert 'deployment "camp" successfully rolled out' in said
    assert await pipeline.stands() == {"deployment.apps/camp", "configmap/register"}
    ready = "--output=jsonpath={.status.readyReplicas}"
    assert await site.kubectl("--namespace=team-red", "get", "deployment", "camp", ready) == "2"
    code, said = await pipeline.push(GAME)
    assert code == 0, said
    assert await pipeline.stands() == {"deployment.apps/camp"}
    assert "clue-pod" in await site.kubectl("--namespace=team-red", "get", "deployments", "--output=name")


async def test_a_team_without_a_chart_yet_has_a_green_build(pipeline: TeamsPipeline) -> None:
    assert (await pipeline.push({"README.md": "soon"}))[0] == 0


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}}, "secrets"),
        (
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "mine"},
                "spec": {"podSelector": {}},
            },
            "networkpolicies",
        ),
        (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "team-blue"}},
            "team-blue",
        ),
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}}, "namespace"),
        (
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "mine"},
                "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.20"]},
            },
            "a team's Service names no externalIPs",
        ),
    ],
    ids=["a Secret", "a NetworkPolicy", "in another's namespace", "a Namespace", "another's address"],
)
async def test_t30_a_teams_pipeline_is_refused_what_it_must_not_do_and_the_next_push_is_deployed(
    pipeline: TeamsPipeline, manifest: Tree, said: str
) -> None:
    code, told = await pipeline.push({**GAME, "chart/templates/mine.yaml": json.dumps(manifest)})
    assert code != 0
    assert said in told
    code, told = await pipeline.push(GAME)
    assert code == 0, told
    assert await pipeline.stands() == {"deployment.apps/camp"}
