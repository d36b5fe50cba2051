"""Sends what was recorded to the stand-in, in order, and compares the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast
from urllib.parse import parse_qsl

import aiohttp

from rehearsal.scaleway import Credentials
from tests.localcloud.contract.cassettes import Interaction
from tests.localcloud.contract.differences import FOREIGN, KNOWN, OWN_DATA, Difference, reason_for
from tests.localcloud.contract.shapes import UUID, Shapes, is_map, type_of

LACKING = 501
"""Status of the stand-in's answer to what it does not have."""
GONE = 404
IN_TRANSITION = frozenset(
    {"starting", "stopping", "attaching", "detaching", "creating", "updating", "scaling", "upgrading", "deleting"}
    | {"to_create", "to_delete", "pending", "syncing"}
)
"""States that pass: how long they are seen is a matter of time, not of the contract."""
GOING = frozenset({"stopping", "deleting", "detaching", "to_delete"})
STATES = ("state", "status", "state_detail", "upgrade_available", "conditions", "allowed_actions", "location")
"""What depends on the state, or is one."""
OWN_VALUES = re.compile(
    r"\d{4}-\d{2}-\d{2}T[\d:.]+(Z|\+00:00)?"  # times
    r"|[\d.]+(/\d+)?|[0-9a-f]*:[0-9a-f:]*(/\d+)?"  # addresses, and subnets with them
    r"|([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}"  # hardware addresses
)
IPV4 = re.compile(r"(?<!\d)(?:\d{1,3}[.-]){3}\d{1,3}(?!\d)")
NODE = re.compile(r"scw-[a-z0-9-]{10,}[0-9a-f]")
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")
ACCESS_KEY = re.compile(r"SCW[A-Z0-9]{17}")
OWN_NAMES = (UUID, IPV4, NODE, MAC, ACCESS_KEY)
"""What Scaleway names, and so does the stand-in, in its own way."""
HIDDEN_KEY, HIDDEN_ID = "SCWXXXXXXXXXXXXXXXXX", "11111111-1111-1111-1111-111111111111"
"""What the recorder wrote for each access key in a path, and for its organization in a query."""
ALIKE = {"ips": "is_ipv6", "local_images": "arch"}
"""Lists whose order is not the contract's, with the key by which their items are found."""
OFFERS = ("versions", "local_images", "servers")
"""What is on offer today: how much and which is not the contract's."""


class Result(Enum):
    """How the answer to one request compares with what was recorded."""

    SAME = "same"
    KNOWN = "known difference"
    NOT_COVERED = "not covered"
    WRONG = "wrong"


@dataclass(frozen=True)
class Outcome:
    """One interaction after its replay; why is empty when the answer was the same."""

    interaction: Interaction
    result: Result
    why: str = ""


class Replay:
    """Replays one cassette; ids that Scaleway gave are replaced by those that the stand-in gave.

    What the stand-in says it does not have (501) is not covered, and neither is anything later that has to do
    with what such a request would have made.
    """

    def __init__(
        self, cassette: str, session: aiohttp.ClientSession, url: str, credentials: Credentials, shapes: Shapes
    ) -> None:
        self._cassette = cassette
        self._session = session
        self._url = url
        self._credentials = credentials
        self._shapes = shapes
        self._differences: list[Difference] = []
        """Of the answer at hand."""
        self._ours: dict[str, str] = {HIDDEN_ID: credentials.organization_id}
        """What was recorded, to what the stand-in has instead."""
        self._met: set[str] = set()
        """Recorded ids that have been sent or answered before."""
        self._absent: dict[str, str] = {}
        """Recorded ids of what the stand-in could not make, with the reason."""

    async def send(self, interaction: Interaction) -> Outcome:
        """Send one request and compare its answer."""
        if self._cassette in FOREIGN:
            return Outcome(interaction, Result.NOT_COVERED, FOREIGN[self._cassette])
        said = f"{interaction.path} {interaction.query} {interaction.body}"
        asked = {*UUID.findall(said), *ACCESS_KEY.findall(interaction.path)}
        ids = asked | set(UUID.findall(interaction.answer))
        absent = next((self._absent[one] for one in sorted(ids) if one in self._absent), None)
        status, text = await self._ask(interaction)
        lacking = json.loads(text)["message"] if status == LACKING else absent
        if lacking:
            affected = ids - self._met if interaction.method == "GET" else (ids - self._met) | asked
            if interaction.method == "POST" and ACCESS_KEY.search(interaction.answer):
                affected.add(HIDDEN_KEY)
            self._absent |= {one: lacking for one in affected if self._ours.get(one) != self._credentials.project_id}
            return Outcome(interaction, Result.NOT_COVERED, lacking)
        self._met |= ids
        self._differences = []
        self._compare_answers(interaction, status, text)
        real = [one for one in self._differences if reason_for(one, OWN_DATA) is None]
        unknown = [str(one) for one in real if reason_for(one, KNOWN) is None]
        if unknown:
            return Outcome(interaction, Result.WRONG, "\n".join(unknown))
        if real:
            return Outcome(interaction, Result.KNOWN, reason_for(real[0], KNOWN) or "")
        return Outcome(interaction, Result.SAME)

    async def _ask(self, interaction: Interaction) -> tuple[int, str]:
        self._learn_owner(interaction.body)
        body = self._translate(interaction.body)
        url = self._url + self._translate(interaction.path)
        query = [(name, self._translate(value)) for name, value in parse_qsl(interaction.query, keep_blank_values=True)]
        kind = "text/plain" if "/user_data/" in interaction.path else "application/json"
        headers = {"X-Auth-Token": self._credentials.secret_key, "Content-Type": kind}
        async with self._session.request(
            interaction.method, url, params=query, data=body.encode(), headers=headers
        ) as response:
            return response.status, await response.text()

    def _compare_answers(self, interaction: Interaction, status: int, text: str) -> None:
        if status != interaction.status:
            if not (status == GONE and self._was_going(interaction)):
                self._note(interaction, "", f"status {interaction.status} was recorded, {status} came: {text[:300]}")
        elif interaction.answer.startswith(("{", "[")):
            recorded, came = json.loads(interaction.answer), json.loads(text)
            self._compare(interaction, "", recorded, came)
        elif text != interaction.answer:
            self._note(interaction, "", f"{interaction.answer!r} was recorded, {text!r} came")

    def _learn_owner(self, body: str) -> None:
        """Whatever project and organization were recorded are the stand-in's, where both have one id."""
        for found in re.findall(r'"(?:project|organization)(?:_id)?":"([0-9a-f-]{36})"', body):
            self._ours[found] = self._credentials.project_id

    def _translate(self, text: str) -> str:
        for pattern in OWN_NAMES:
            text = pattern.sub(lambda found: self._ours.get(found[0], found[0]), text)
        return text

    def _was_going(self, interaction: Interaction) -> bool:
        """Whether a recorded answer shows something that is about to be gone; here it may be gone already."""
        answer: dict[str, Any] = json.loads(interaction.answer or "{}")
        answer = answer.get("server", answer)
        return {answer.get("state"), answer.get("status")} & GOING != set()

    def _compare(self, interaction: Interaction, place: str, recorded: object, came: object) -> None:
        if type_of(came) != type_of(recorded):
            if type_of(came) not in self._shapes.types_at(interaction, _general(place)):
                self._note(interaction, place, f"a {type_of(recorded)} was recorded, a {type_of(came)} came: {came!r}")
            elif not _depends_on_state(place):
                self._note(interaction, place, f"{recorded!r} was recorded, {came!r} came")
        elif isinstance(recorded, dict):
            self._compare_objects(interaction, place, cast("dict[str, Any]", recorded), cast("dict[str, Any]", came))
        elif isinstance(recorded, list):
            self._compare_lists(interaction, place, cast("list[Any]", recorded), cast("list[Any]", came))
        else:
            self._compare_values(interaction, place, recorded, came)

    def _compare_objects(
        self, interaction: Interaction, place: str, recorded: dict[str, Any], came: dict[str, Any]
    ) -> None:
        data = is_map(place, recorded)
        for key in recorded.keys() | came.keys():
            inner = f"{place}.{key}"
            if key in recorded and key in came:
                self._compare(interaction, inner, recorded[key], came[key])
            elif data and _depends_on_state(inner):
                continue
            elif key in recorded:
                if _last(place) not in OFFERS:
                    self._note(interaction, inner, "was recorded, but did not come")
            elif not (data and _last(place) in OFFERS) and not self._shapes.types_at(interaction, _general(inner)):
                self._note(interaction, inner, "came, but was never recorded")

    def _compare_lists(self, interaction: Interaction, place: str, recorded: list[Any], came: list[Any]) -> None:
        if len(recorded) != len(came) and _last(place) not in OFFERS and not _depends_on_state(place):
            self._note(interaction, place, f"{len(recorded)} items were recorded, {len(came)} came")
        for number, (one, other) in enumerate(self._pairs(_last(place), recorded, came)):
            self._compare(interaction, f"{place}[{number}]", one, other)

    def _pairs(self, name: str, recorded: list[Any], came: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Which item of one list to compare with which of the other: the one with its id, else the next left."""
        left = list(came)
        key = ALIKE.get(name, "")
        for one in recorded:
            identity = self._ours.get(str(_member(one, "id")))
            same = next((other for other in left if identity and _member(other, "id") == identity), None)
            if same is None and name in ALIKE:
                same = next((other for other in left if _member(other, key) == _member(one, key)), None)
            if same is None and name not in ALIKE:
                same = next(iter(left), None)
            if same is not None:
                left.remove(same)
                yield one, same

    def _compare_values(self, interaction: Interaction, place: str, recorded: object, came: object) -> None:
        if _depends_on_state(place):
            # A write is answered before its work has begun; a question may wait for the work's end.
            if interaction.method == "GET" and recorded not in IN_TRANSITION and came in IN_TRANSITION:
                self._note(interaction, place, f"{recorded!r} was recorded, still {came!r} came")
            return
        if not isinstance(recorded, str) or not isinstance(came, str):
            if recorded != came:
                self._note(interaction, place, f"{recorded!r} was recorded, {came!r} came")
            return
        self._learn_own(recorded, came)
        if self._translate(recorded) != came and not (OWN_VALUES.fullmatch(recorded) and OWN_VALUES.fullmatch(came)):
            self._note(interaction, place, f"{recorded!r} was recorded, {came!r} came")

    def _learn_own(self, recorded: str, came: str) -> None:
        """If two texts are alike but for ids and public addresses, the one's stand for the other's from now on."""
        if ACCESS_KEY.fullmatch(recorded) and ACCESS_KEY.fullmatch(came):
            # Paths that hide it mean the youngest.
            self._ours[HIDDEN_KEY] = came
        for pattern in OWN_NAMES:
            if pattern.sub("…", recorded) == pattern.sub("…", came):
                for one, other in zip(pattern.findall(recorded), pattern.findall(came), strict=True):
                    self._ours.setdefault(one, other)

    def _note(self, interaction: Interaction, place: str, what: str) -> None:
        self._differences.append(Difference(self._cassette, interaction.said, place, what))


def _general(place: str) -> str:
    """A place without list positions and without the keys of maps, as Shapes names it."""
    parts: list[str] = []
    for part in re.sub(r"\[\d+\]", "[]", place).split("."):
        under_map = bool(parts) and parts[-1] in ("volumes", "labels", "conditions")
        parts.append("*" if under_map else part)
    return ".".join(parts)


def _member(item: object, key: str) -> object:
    return cast("dict[str, Any]", item).get(key) if isinstance(item, dict) else None


def _last(place: str) -> str:
    return place.rpartition(".")[2]


def _depends_on_state(place: str) -> bool:
    return any(part.partition("[")[0] in STATES for part in place.split("."))
