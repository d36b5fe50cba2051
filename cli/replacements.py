"""Changes of settings by which an update would replace or remove something billed or stateful.

`preview` and `up` refuse such a change before the engine runs, unless the setting that allows it is given. The engine's
own protection (`protect`) refuses the same to whoever types `pulumi`, without a word of which setting it is.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from cli.stack import Tree
from cli.state import plaintext, resources
from common.settings import HostKey, Settings
from common.settings.problems import NAMESPACE, Place, Problem, shown
from common.settings.section import Section, camel

POOL: Final = "scaleway:kubernetes/pool:Pool"
CLUSTER: Final = "scaleway:kubernetes/cluster:Cluster"
NETWORK: Final = "scaleway:network/privateNetwork:PrivateNetwork"
SERVER: Final = "scaleway:instance/server:Server"
REGISTRY: Final = "scaleway:registry/namespace:Namespace"


class RefusedChangeError(Exception):
    """A change is refused; the text names the setting, what would be lost, and what allows the change."""


@dataclass(frozen=True)
class Replacement:
    """A setting whose change replaces a resource; `NAME` stands for a board's or a pool's name."""

    setting: str
    type: str
    """Type of the resource that is replaced."""
    input: str
    """Path of the resource's input that the setting decides."""
    only_where: str = ""
    """Where the change replaces anything; empty for everywhere."""


_POOL_INPUTS: Final[Mapping[str, str]] = {
    "nodeType": "nodeType",
    "rootVolumeSizeGb": "rootVolumeSizeInGb",
    "rootVolumeType": "rootVolumeType",
    "publicIp": "publicIpDisabled",
    "zone": "zone",
}
REPLACEMENTS: Final[Sequence[Replacement]] = (
    Replacement("gamemaster.volumeType", SERVER, "rootVolume.volumeType"),
    Replacement("gamemaster.volumeSizeGb", SERVER, "rootVolume.sizeInGb", "where gamemaster.volumeType is l_ssd"),
    Replacement("gamemaster.hostKey", SERVER, "userData.cloud-init"),
    Replacement("operators.sshPublicKey", SERVER, "userData.cloud-init"),
    Replacement("gamemaster.subnet", NETWORK, "ipv4Subnet.subnet"),
    Replacement("boards.NAME.cni", CLUSTER, "cni"),
    Replacement("boards.NAME.subnet", NETWORK, "ipv4Subnet.subnet"),
    *(Replacement(f"boards.NAME.pools.NAME.{key}", POOL, path) for key, path in _POOL_INPUTS.items()),
    Replacement("scaleway.region", REGISTRY, "region", "where delivery.registry is not given"),
    Replacement("scaleway.projectId", REGISTRY, "projectId", "where delivery.registry is not given"),
)
"""Every such setting; a test changes each setting and asks Scaleway's own provider what is replaced."""
LOST: Final[Mapping[str, str]] = {
    SERVER: "the Instance with all that is not in a backup",
    NETWORK: "the private network, and the cluster or the Instance's interface in it",
    CLUSTER: "the cluster with all that is on it: source control, builds, logs, volumes",
    POOL: "the pool's nodes with the builds that run there, once the new nodes are ready",
    REGISTRY: "the registry with the components' images",
}
"""What is lost with a resource of each type."""


def allowed_by(setting: str) -> str:
    """The setting that allows a change of a setting."""
    steps = setting.split(".")
    if steps[0] == "boards":
        return ".".join([*steps[: 4 if steps[2:3] == ["pools"] else 2], "allowReplacement"])
    return f"{'delivery' if steps[0] == 'scaleway' else 'gamemaster'}.allowReplacement"


def table() -> str:
    """Every such setting as a table for docs/operations.md."""
    rows = [
        f"| `{row.setting}`{row.only_where and ' ' + row.only_where} | {LOST[row.type]} | `{allowed_by(row.setting)}` |"
        for row in REPLACEMENTS
    ]
    return "\n".join(["| a change of | would replace | is allowed by |", "|---|---|---|", *rows])


def check_replacements(settings: Settings, state: Tree, stack: str) -> None:
    """Refuse changes whose setting does not allow them. Raises RefusedChangeError.

    state: with its secrets shown.
    """
    problems = [
        *_replaced(settings, state, stack),
        *_removed(settings, state, stack),
        *_left_behind(settings, state, stack),
    ]
    if problems:
        many = "1 change is" if len(problems) == 1 else f"{len(problems)} changes are"
        listed = "\n".join(f"  {NAMESPACE}:{problem}" for problem in problems)
        raise RefusedChangeError(
            f"{many} refused, and nothing was touched. Take it back, or allow it by the command below it, where what "
            f"is lost may be lost (docs/operations.md).\n{listed}"
        )


def _replaced(settings: Settings, state: Tree, stack: str) -> Generator[Problem]:
    held = {(each["type"], name_of(each)): each for each in _standing(state)}
    for row in REPLACEMENTS:
        for setting, name in _places(row, settings):
            resource = held.get((row.type, name))
            if resource is None:
                continue
            stands, wanted = input_of(resource, row.input), _wanted(settings, setting)
            if row.input == "userData.cloud-init":
                changed = str(wanted).split()[1] not in str(stands or "")
                stands = wanted = None
            else:
                changed = stands != wanted
            if row.setting == "gamemaster.volumeSizeGb":
                changed = changed and input_of(resource, "rootVolume.volumeType") == "l_ssd"
            if not changed:
                continue
            value = "" if wanted is None else f"{shown(stands)} -> {shown(wanted)}"
            allow = allowed_by(setting)
            if not _allowed(settings, setting):
                yield Problem(setting, value, f"would replace {LOST[row.type]}", (_place(allow, stack).set("true"),))
            elif row.type == SERVER and input_of(resource, "protected"):
                # The plugin powers the Instance off before Scaleway refuses to delete it.
                yield Problem(
                    setting,
                    value,
                    f"must wait for an update with {allow} alone, by which Scaleway's own protection goes; take this "
                    "change back until then",
                    (f"make up STACK={stack}",),
                )


def _removed(settings: Settings, state: Tree, stack: str) -> Generator[Problem]:
    """Protected resources whose board, pool or registry is no longer in the settings."""
    known = {
        *((CLUSTER, f"board-{board}-kapsule-cluster") for board in settings.boards),
        *((POOL, f"board-{board}-kapsule-{pool}") for board, own in settings.boards.items() for pool in own.pools),
        *([(REGISTRY, "registry-namespace")] if settings.delivery.makes_a_registry else []),
    }
    for resource in _standing(state):
        kind, name = resource["type"], name_of(resource)
        if kind not in (CLUSTER, POOL, REGISTRY) or (kind, name) in known or not resource.get("protect"):
            continue
        setting = _setting_of(kind, name, resource, settings)
        if not setting:
            continue
        allow = "delivery.allowReplacement" if kind == REGISTRY else f"{setting}.allowReplacement"
        yield Problem(
            setting,
            "",
            f"is gone from the settings, which would remove {LOST[kind]}. Put it back, allow it, and remove it once an "
            "update has passed",
            (_place(allow, stack).set("true"), f"make up STACK={stack}"),
        )


def _left_behind(settings: Settings, state: Tree, stack: str) -> Generator[Problem]:
    """The board that the game would leave for another one."""
    for resource in _standing(state):
        if name_of(resource) != "game-namespace-object":
            continue
        # urn:pulumi:STACK::PROJECT::TYPE::board-NAME-kapsule-provider::ID
        provider = str(resource["provider"]).split("::")[3]
        board = provider.removeprefix("board-").removesuffix("-kapsule-provider")
        own = settings.boards.get(board)
        if board != settings.active_board and own is not None and not own.allow_replacement:
            yield Problem(
                "activeBoard",
                f"{shown(board)} -> {shown(settings.active_board)}",
                f"would remove what the game has on {board}: source control, builds, logs and their volumes "
                "(docs/swap.md)",
                (_place(f"boards.{board}.allowReplacement", stack).set("true"),),
            )


def _setting_of(kind: str, name: str, resource: Tree, settings: Settings) -> str:
    """The setting that had made a resource; empty for a pool that goes with its board."""
    if kind == REGISTRY:
        return "delivery"
    if kind == CLUSTER:
        return f"boards.{name.removeprefix('board-').removesuffix('-kapsule-cluster')}"
    parent = str(resource["parent"]).rpartition("::")[2]
    board = parent.removeprefix("board-").removesuffix("-kapsule")
    return f"boards.{board}.pools.{name.removeprefix(f'{parent}-')}" if board in settings.boards else ""


def _places(row: Replacement, settings: Settings) -> Generator[tuple[str, str]]:
    """Each setting that a row stands for, and the name of the resource that it decides."""
    if row.setting.startswith("gamemaster.") or row.setting.startswith("operators."):
        yield row.setting, "gamemaster-network-private" if row.type == NETWORK else "gamemaster-instance-server"
    elif row.type == REGISTRY:
        if settings.delivery.makes_a_registry:
            yield row.setting, "registry-namespace"
    else:
        key = row.setting.rpartition(".")[2]
        for board, own in settings.boards.items():
            start = f"board-{board}-kapsule"
            if row.type == POOL:
                yield from ((f"boards.{board}.pools.{pool}.{key}", f"{start}-{pool}") for pool in own.pools)
            else:
                yield f"boards.{board}.{key}", f"{start}-{'cluster' if row.type == CLUSTER else 'private'}"


def _wanted(settings: Settings, setting: str) -> object:
    """The input's value by the settings."""
    value: Any = settings
    for step in setting.split("."):
        value = cast("Mapping[str, Any]", value)[step] if isinstance(value, Mapping) else _field(value, step)
    if isinstance(value, HostKey):
        return value.public
    return not value if setting.endswith(".publicIp") else value


def _field(section: Section, key: str) -> object:
    return next(getattr(section, name) for name in type(section).model_fields if camel(name) == key)


def _allowed(settings: Settings, setting: str) -> bool:
    steps = setting.split(".")
    if steps[0] != "boards":
        return bool(_wanted(settings, allowed_by(setting)))
    board = settings.boards[steps[1]]
    return board.allow_replacement or (steps[2] == "pools" and board.pools[steps[3]].allow_replacement)


def _standing(state: Tree) -> Sequence[Tree]:
    """Resources of a state without those that an update has replaced and not deleted yet."""
    return [each for each in resources(state) if not each.get("delete")]


def input_of(resource: Tree, path: str) -> object:
    """An input of a resource in a state; None where there is none."""
    found: Any = plaintext(resource.get("inputs", {}))
    for step in path.split("."):
        found = plaintext(cast("Mapping[str, Any]", found).get(step)) if isinstance(found, Mapping) else None
    return found


def _place(setting: str, stack: str) -> Place:
    return Place(stack, [], tuple(setting.split(".")))


def name_of(resource: Tree) -> str:
    """A resource's name, the end of its URN."""
    return str(resource["urn"]).rpartition("::")[2]
