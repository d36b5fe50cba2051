"""Settings whose change replaces something at Scaleway, by the word of Scaleway's own provider."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

from cli.replacements import LOST, REPLACEMENTS, table
from cli.replacements import POOL as POOLS
from common.keys import dns_key, key_pair
from tests.commands.cli.scaleway_plugin import ScalewayPlugin, scaleway_plugin
from tests.support import example
from tests.support.monitor import Registered, run
from tests.unit.scaleway_part import scaleway_part

DOCUMENT: Final = Path(__file__).parents[3] / "docs" / "operations.md"
Changes = Mapping[str, object]
OTHER, HOST = key_pair(), key_pair()
POOL: Final = "boards.blue.pools.main"
BEFORE: Final[Changes] = {
    "scaleway.region": "fr-par",
    "scaleway.zone": "fr-par-1",
    f"{POOL}.zone": "fr-par-1",
    f"{POOL}.publicIp": True,
    "delivery.registry": example.MISSING,
    "delivery.registryConfig": example.MISSING,
}
_VALUES: Final[Changes] = {
    "scaleway.zone": "fr-par-2",
    "scaleway.organizationId": "11111111-2222-4333-8444-777777777777",
    "operators.cidrs": ["203.0.113.128/25"],
    "players.cidrs": ["203.0.113.128/25"],
    "gamemaster.dnsUpdateKey": dns_key(),
    "gamemaster.bootTimeoutSeconds": 100,
    "gamemaster.backupBucket": example.MISSING,
    "boards.blue.kubernetesVersion": "1.35",
    "boards.blue.apiCidrs": ["203.0.113.128/25"],
    "boards.blue.autoUpgrade.day": "monday",
    "boards.blue.autoUpgrade.startHour": 5,
    "boards.blue.readyTimeoutSeconds": 100,
    f"{POOL}.size": 3,
    f"{POOL}.minSize": 1,
    f"{POOL}.maxSize": 9,
    f"{POOL}.autoscaling": False,
    f"{POOL}.autohealing": True,
    f"{POOL}.labels": {},
    f"{POOL}.taints": [],
    "delivery.components": ["portal"],
    "delivery.registryKeyExpiresAt": "2030-01-01T00:00:00Z",
    "delivery.signingKey": f"{example.SIGNING_KEY}\n",
    "delivery.signingPassword": "another-password",
    "delivery.gitHost": "source",
    "delivery.droneHost": "drone",
    "delivery.masterKey": dns_key(),
}
IN_PLACE: Final[Mapping[str, Changes]] = {each: {each: value} for each, value in _VALUES.items()}
"""Settings whose change replaces nothing."""
REPLACING: Final[Mapping[str, Changes]] = {
    "gamemaster.volumeType": {"gamemaster.volumeType": "sbs_volume"},
    "gamemaster.volumeSizeGb": {"gamemaster.volumeSizeGb": 60},
    "gamemaster.hostKey": {"gamemaster.hostKey": {"public": HOST.public, "private": HOST.private}},
    "operators.sshPublicKey": {"operators.sshPublicKey": OTHER.public, "operators.sshPrivateKey": OTHER.private},
    "gamemaster.subnet": {"gamemaster.subnet": "10.29.0.0/24"},
    "boards.blue.cni": {"boards.blue.cni": "cilium"},
    "boards.blue.subnet": {"boards.blue.subnet": "10.28.0.0/22"},
    f"{POOL}.nodeType": {f"{POOL}.nodeType": "PRO2-XS"},
    f"{POOL}.rootVolumeSizeGb": {f"{POOL}.rootVolumeSizeGb": 40},
    f"{POOL}.rootVolumeType": {f"{POOL}.rootVolumeType": "l_ssd"},
    f"{POOL}.publicIp": {f"{POOL}.publicIp": False},
    f"{POOL}.zone": {f"{POOL}.zone": "fr-par-2"},
    "scaleway.region": {
        "scaleway.region": "nl-ams",
        "scaleway.zone": "nl-ams-1",
        f"{POOL}.zone": example.MISSING,
    },
    "scaleway.projectId": {"scaleway.projectId": "11111111-2222-4333-8444-888888888888"},
}
ELSEWHERE: Final[Mapping[str, str]] = {
    "gamemaster.type": "changed in place by a stop and a start, as the program does not set replace_on_type_change",
    "gamemaster.image": "there is one value",
    "boards.blue.allowReplacement": "allows the others",
    "scaleway.accessKey": "a login",
    "scaleway.secretKey": "a login",
    "scaleway.apiUrl": "where Scaleway is",
    "operators.sshPrivateKey": "goes with sshPublicKey",
}


def resources(changes: Changes) -> dict[str, Registered]:
    tree = example.spoiled({**BEFORE, **changes})
    graph = run(partial(scaleway_part, tree), preview=False)
    return {name: each for name, each in graph.resources.items() if each.type in LOST}


def replaced(plugin: ScalewayPlugin, before: Registered, after: Registered) -> bool:
    """Whether the resource is replaced: by the provider, or as the program itself has told the engine."""
    changed = {key for key in before.inputs if before.inputs[key] != after.inputs.get(key)}
    told = changed & set(before.options.replaceOnChanges)
    return bool(told or plugin.replaced_by(before.type, before.inputs, after.inputs))


def test_the_table_has_every_setting_whose_change_replaces_something() -> None:
    before = resources({})
    found: set[tuple[str, str]] = set()
    with scaleway_plugin() as plugin:
        for setting, changes in {**IN_PLACE, **REPLACING}.items():
            after = resources(changes)
            for name, resource in before.items():
                if name not in after:
                    found.add((setting, f"{resource.type} is gone"))
                elif resource.inputs != after[name].inputs and replaced(plugin, resource, after[name]):
                    found.add((setting, resource.type))
        # A pool's zone lies in the region, and has a row of its own.
        found.discard(("scaleway.region", POOLS))
    named = re.compile(r"boards\.blue|pools\.main")
    told = {(row.setting, row.type) for row in REPLACEMENTS}
    assert {
        (named.sub(lambda part: f"{part[0].partition('.')[0]}.NAME", setting), kind) for setting, kind in found
    } == told


def test_no_setting_of_something_at_scaleway_is_left_out() -> None:
    tree = example.complete()
    sections = {name: tree[name] for name in ("scaleway", "operators", "players", "gamemaster", "delivery")}
    keys = {f"{name}.{key}" for name, section in sections.items() for key in section}
    blue = copy.deepcopy(tree["boards"]["blue"])
    keys |= {f"{POOL}.{key}" for key in blue.pop("pools")["main"]}
    keys |= {f"boards.blue.autoUpgrade.{key}" for key in blue.pop("autoUpgrade")}
    keys |= {f"boards.blue.{key}" for key in blue}
    # Given, they take the place of the program's own registry: tests/unit/test_replacements.py.
    keys -= {"delivery.registry", "delivery.registryConfig"}
    assert keys <= {*IN_PLACE, *REPLACING, *ELSEWHERE}


def test_operations_shows_the_table() -> None:
    [shown] = re.findall(r"<!-- replacements[^\n]*-->\n(.*?)\n<!-- /replacements -->", DOCUMENT.read_text(), re.DOTALL)
    assert shown == table()


def test_what_a_change_could_replace_is_protected_unless_a_setting_says_otherwise() -> None:
    """The engine looks at the protection that the program gives at that moment."""
    allows = [f"{each}.allowReplacement" for each in ("boards.blue", "boards.green", "gamemaster", "delivery")]
    assert all(each.protect for each in resources(dict.fromkeys(allows, False)).values())
    assert not any(each.protect for each in resources(dict.fromkeys(allows, True)).values())
    one_pool = resources({**dict.fromkeys(allows, False), f"{POOL}.allowReplacement": True})
    assert [name for name, each in one_pool.items() if not each.protect] == ["board-blue-kapsule-main"]
