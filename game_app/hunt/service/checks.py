"""Whether a team has done what its step asks for, and what to tell it where it has not."""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from .codes import plain
from .dockerfile import instructions
from .signals import CHECK, DEPLOYMENT, Cluster, Deadline, Pull, Scm
from .steps import Check, Deployed, Dockerfile, Logged, Pipeline, Proposal
from .teams import Team, filled


@dataclass(frozen=True)
class Verdict:
    """What a check found."""

    passed: bool
    said: str
    """For the team: what is there, or what is missing."""


@dataclass(frozen=True)
class Asked:
    """Everything that a check may look at."""

    team: Team
    names: Mapping[str, str]
    """What the check's placeholders are filled with."""
    word: str
    """The word that the logs hold for this team and step."""
    answer: str
    """What the team wrote on the page; empty where it wrote nothing."""
    scm: Scm
    cluster: Cluster
    deadline: Deadline


def look(check: Check, asked: Asked) -> Verdict:
    """The verdict on a step. Raises SilentError where somebody who was asked gave no answer in time."""
    text = {
        field.name: filled(value, asked.names)
        for field in dataclasses.fields(check)
        if isinstance(value := getattr(check, field.name), str)
    }
    return _LOOKS[check.kind](dataclasses.replace(check, **text), asked)


def _proposal(check: Proposal, asked: Asked) -> Verdict:
    pulls = [pull for pull in asked.scm.pulls(asked.team, asked.deadline) if pull.branch == check.branch]
    if not pulls:
        return _not_yet(f"There is no pull request to {asked.team.repository} from a branch {check.branch} yet.")
    complaint = ""
    for pull in pulls:
        text = asked.scm.file(asked.team, check.path, asked.deadline, commit=pull.head)
        if text is None:
            complaint = complaint or f"Pull request {pull.number} has no file {check.path}."
        elif check.line not in [line.strip() for line in text.splitlines()]:
            complaint = complaint or f"In pull request {pull.number}, {check.path} lacks the line “{check.line}”."
        else:
            return Verdict(True, f"Pull request {pull.number} has it.")
    return _not_yet(complaint)


def _dockerfile(check: Dockerfile, asked: Asked) -> Verdict:
    text = asked.scm.file(asked.team, check.path, asked.deadline)
    if text is None:
        return _not_yet(f"There is no {check.path} on the main branch yet. {_waiting(asked)}".strip())
    complaints = complaints_about(text, check.copies)
    if complaints:
        return _not_yet(f"The {check.path} on the main branch is not there yet: {'; '.join(complaints)}.")
    return Verdict(True, f"The {check.path} is as it should be.")


def complaints_about(text: str, copies: str) -> Sequence[str]:
    """What a Dockerfile lacks. copies: the file that its last stage must copy."""
    found = instructions(text)
    starts = [at for at, (name, _) in enumerate(found) if name == "FROM"]
    if not starts:
        return ["it has no FROM"]
    stages = {words[2].lower() for _, words in (found[at] for at in starts) if len(words) > 2}
    complaints = [
        f"{words[0] if words else 'its FROM'} is not pinned"
        for _, words in (found[at] for at in starts)
        if not words or not _pinned(words[0], stages)
    ]
    last = found[starts[-1] :]
    wanted = copies.removeprefix("./")
    if not any(name == "COPY" and wanted in [word.removeprefix("./") for word in words[:-1]] for name, words in last):
        complaints.append(f"it does not COPY {copies}")
    users = [words[0].partition(":")[0] for name, words in last if name == "USER" and words]
    if not users:
        complaints.append("it has no USER, and so runs as root")
    elif users[-1] in {"root", "0"}:
        complaints.append("its USER is root")
    return complaints


def _pinned(image: str, stages: set[str]) -> bool:
    if image.lower() in stages or image == "scratch" or "@sha256:" in image:
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag not in {"", "latest"}


def _deployed(check: Deployed, asked: Asked) -> Verdict:
    where = f"in {asked.team.namespace}"
    found = asked.cluster.deployment(asked.team, check.name, asked.deadline)
    if not isinstance(found, dict):
        return _not_yet(f"There is no Deployment {check.name} {where} yet. {_waiting(asked)}".strip())
    spec = cast("dict[str, Any]", found.get("spec") or {})
    if spec.get("replicas") != check.replicas:
        return _not_yet(f"{check.name} {where} wants {spec.get('replicas')} replicas, and not {check.replicas}.")
    containers = cast("list[dict[str, Any]]", spec["template"]["spec"]["containers"])
    unlimited = [str(each["name"]) for each in containers if check.limits and not _limits_memory(each)]
    if unlimited:
        return _not_yet(f"{check.name} {where} does not limit the memory of {', '.join(unlimited)}.")
    status = cast("dict[str, Any]", found.get("status") or {})
    available = int(status.get("availableReplicas") or 0)
    newest = int(status.get("observedGeneration") or 0) >= int(found["metadata"].get("generation") or 0)
    if available < check.replicas or not newest:
        return _not_yet(f"{available} of {check.replicas} pods of {check.name} {where} are available.")
    return Verdict(True, f"{check.name} stands {where}, {available} pods of {check.replicas}.")


def _limits_memory(container: Mapping[str, Any]) -> bool:
    resources = cast("dict[str, Any]", container.get("resources") or {})
    return "memory" in cast("dict[str, Any]", resources.get("limits") or {})


def _pipeline(check: Pipeline, asked: Asked) -> Verdict:
    pulls = [pull for pull in asked.scm.pulls(asked.team, asked.deadline) if pull.branch == check.branch]
    if not pulls:
        return _not_yet(f"There is no pull request to {asked.team.repository} from a branch {check.branch} yet.")
    complaint = ""
    for pull in pulls:
        verdict = _crossed(pull, asked)
        if verdict.passed:
            return verdict
        complaint = complaint or verdict.said
    return _not_yet(complaint)


def _crossed(pull: Pull, asked: Asked) -> Verdict:
    """Whether one pull request was red once, then green, merged and deployed."""
    scm, team, deadline = asked.scm, asked.team, asked.deadline
    commits = scm.commits(team, pull, deadline)
    earlier = [commit for commit in commits if commit != pull.head]
    red = any({"failure", "error"} & {*scm.results(team, commit, CHECK, deadline)} for commit in earlier)
    now = (scm.results(team, pull.head, CHECK, deadline) or ["none"])[0]
    name = f"Pull request {pull.number}"
    if not red:
        is_red = now in {"failure", "error"}
        return _not_yet(f"{name} is red now: make it green." if is_red else f"{name} has not been red before {now}.")
    if now != "success":
        return _not_yet(f"{name} was red; its newest commit is not green yet.")
    if pull.merged is None:
        return _not_yet(f"{name} is green, and not merged yet. Is it up to date with main?")
    if "success" not in scm.results(team, pull.merged, DEPLOYMENT, deadline):
        return _not_yet(f"{name} is merged; its deployment has not succeeded yet.")
    return Verdict(True, f"{name} was red, became green, and is deployed.")


def _logged(check: Logged, asked: Asked) -> Verdict:
    del check
    if not asked.answer:
        return _not_yet("Write down the word that you found.")
    if hmac.compare_digest(plain(asked.answer).encode(), asked.word.encode()):
        return Verdict(True, "That is the word.")
    return _not_yet("That is not the word.")


def _waiting(asked: Asked) -> str:
    """A word about pull requests that are on their way."""
    waiting = [str(pull.number) for pull in asked.scm.pulls(asked.team, asked.deadline, state="open")]
    if not waiting:
        return ""
    return f"Not merged yet: pull request {', '.join(waiting)}."


def _not_yet(said: str) -> Verdict:
    return Verdict(False, said)


_LOOKS: Final[Mapping[str, Callable[[Any, Asked], Verdict]]] = {
    Proposal.kind: _proposal,
    Dockerfile.kind: _dockerfile,
    Deployed.kind: _deployed,
    Pipeline.kind: _pipeline,
    Logged.kind: _logged,
}
