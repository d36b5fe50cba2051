"""The program's own registry, made and removed by the real engine and the real provider at the stand-in."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import automation as auto
from pulumiverse_scaleway import Provider

from game_app.delivery.image_registry import Registry, RegistryArgs
from rehearsal.toolchain.providing import lay_out
from tests.localcloud.scaleway.cloud import Cloud
from tests.support.tools import tools

# Long enough for the tool chain to be built first.
pytestmark = pytest.mark.timeout(1800)


class Stack:
    """A stack that holds a registry and nothing else."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.key_expires_at: str | None = None
        self._cloud = cloud
        home, self._state = folder / "home", folder / "state"
        lay_out(tools(), home)
        self._state.mkdir()
        options = auto.LocalWorkspaceOptions(
            pulumi_home=str(home),
            pulumi_command=auto.PulumiCommand(str(home), skip_version_check=True),
            env_vars={
                "PULUMI_BACKEND_URL": f"file://{self._state}",
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
        )
        self.stack = auto.create_stack("registry", project_name="registry", program=self._program, opts=options)

    def _program(self) -> None:
        own = self._cloud.credentials
        provider = Provider(
            "scaleway",
            access_key=pulumi.Output.secret(own.access_key),
            secret_key=pulumi.Output.secret(own.secret_key),
            project_id=own.project_id,
            region="fr-par",
            zone="fr-par-1",
            api_url=self._cloud.api.url,
        )
        args = RegistryArgs(
            environment="dev",
            region="fr-par",
            project_id=own.project_id,
            allow_replacement=True,
            key_expires_at=self.key_expires_at,
        )
        made = Registry("registry", args, pulumi.ResourceOptions(providers=[provider]))
        pulumi.export("folder", made.images.folder)
        pulumi.export("config", made.images.config)

    async def up(self, *replaced: str) -> Mapping[str, int]:
        """What changed: operation to number of resources. replaced: patterns, as after `--replace`."""
        result = await asyncio.to_thread(self.stack.up, color="never", replace=[*replaced] or None)
        return {str(key): int(value) for key, value in (result.summary.resource_changes or {}).items()}

    async def login(self) -> tuple[str, str]:
        """Host and secret key of the login that builds get."""
        outputs = await asyncio.to_thread(self.stack.outputs)
        assert outputs["config"].secret
        [(host, login)] = json.loads(outputs["config"].value)["auths"].items()
        user, _, key = base64.b64decode(login["auth"]).decode().partition(":")
        assert user == "nologin"
        return host, key

    @property
    def written(self) -> str:
        """All that the engine keeps."""
        return "".join(file.read_text() for file in self._state.rglob("*.json*") if file.is_file())


async def counts(cloud: Cloud) -> dict[str, int]:
    state: dict[str, Any] = (await cloud.ask("GET", "/rehearsal/state")).body
    return {name: state[name] for name in ("registry_namespaces", "iam_applications", "iam_policies", "iam_api_keys")}


async def test_it_is_made_stays_as_it_is_gets_another_key_and_goes_away(cloud: Cloud, tmp_path: Path) -> None:
    stack = Stack(cloud, tmp_path)
    previewed = await asyncio.to_thread(stack.stack.preview, color="never")
    assert sum(previewed.change_summary.values()) == 7, "the stack, the provider, the component and its four parts"
    assert set((await counts(cloud)).values()) == {0}
    await stack.up()
    assert set((await counts(cloud)).values()) == {1}
    [namespace] = (await cloud.ask("GET", "/registry/v1/regions/fr-par/namespaces")).body["namespaces"]
    assert (await asyncio.to_thread(stack.stack.outputs))["folder"].value == namespace["endpoint"]
    host, key = await stack.login()
    assert host == "rg.fr-par.scw.cloud"
    assert key not in stack.written
    assert base64.b64encode(f"nologin:{key}".encode()).decode() not in stack.written

    assert set(await stack.up()) == {"same"}
    # The API tells the secret half of a key once: a refresh must not lose it.
    refreshed = await asyncio.to_thread(stack.stack.refresh, color="never")
    assert set(refreshed.summary.resource_changes or {}) == {"same"}
    assert await stack.login() == (host, key)

    stack.key_expires_at = "2099-01-31T18:00:00Z"
    changes = await stack.up()
    assert changes["replace"] == 1
    assert (await stack.login())[1] != key
    assert set((await counts(cloud)).values()) == {1}

    _, dated = await stack.login()
    # The command of docs/delivery.md.
    assert (await stack.up("**::registry-key"))["replace"] == 1
    assert (await stack.login())[1] not in (key, dated)

    await asyncio.to_thread(stack.stack.destroy, color="never")
    assert set((await counts(cloud)).values()) == {0}
