"""Checks of steps: whether a team has done what its step asks for, and what to tell the team where it has not."""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from ..bounded_reader import Deadline
from ..http_client import TooLargeError
from ..pipeline_catalogue import CHECK, DEPLOYMENT
from .clients import KubernetesClient, PullRequest, SourceControlClient
from .codes import plain
from .dockerfile import stages
from .hunt_steps import Check, Deployed, Dockerfile, Logged, Pipeline, Proposal
from .hunt_teams import Team, filled


@dataclass(frozen=True)
class Verdict:
    """Result of a check."""

    passed: bool
    text: str
    """For the team: what is there, or what is missing."""


@dataclass(frozen=True)
class CheckContext:
    """Team, its answer, and the clients that a check may use."""

    team: Team
    placeholders: Mapping[str, str]
    """Name of each placeholder of the check to its value."""
    word: str
    """The word that the logs hold for this team and step."""
    answer: str
    """What the team wrote on the page; empty where it wrote nothing."""
    source_control: SourceControlClient
    cluster: KubernetesClient
    deadline: Deadline


def evaluate(check: Check, context: CheckContext) -> Verdict:
    """Verdict on a step. Raises ServiceError where a service gave no answer of use in time."""
    text = {
        field.name: filled(value, context.placeholders)
        for field in dataclasses.fields(check)
        if isinstance(value := getattr(check, field.name), str)
    }
    return _CHECKS[check.kind](dataclasses.replace(check, **text), context)


def _proposal(check: Proposal, context: CheckContext) -> Verdict:
    pull_requests = _from_branch(context, check.branch)
    if not pull_requests:
        return _not_yet(f"There is no pull request to {context.team.repository} from a branch {check.branch} yet.")
    complaint = ""
    for pull in pull_requests:
        try:
            text = context.source_control.file(context.team, check.path, context.deadline, commit=pull.head)
        except TooLargeError:
            complaint = complaint or f"In pull request {pull.number}, {check.path} is larger than what is read."
            continue
        if text is None:
            complaint = complaint or f"Pull request {pull.number} has no file {check.path}."
        elif check.line not in [line.strip() for line in text.splitlines()]:
            complaint = complaint or f"In pull request {pull.number}, {check.path} lacks the line “{check.line}”."
        else:
            return Verdict(True, f"Pull request {pull.number} has it.")
    return _not_yet(complaint)


def _dockerfile(check: Dockerfile, context: CheckContext) -> Verdict:
    try:
        text = context.source_control.file(context.team, check.path, context.deadline)
    except TooLargeError:
        return _not_yet(f"The {check.path} on the main branch is larger than what is read.")
    if text is None:
        return _not_yet(f"There is no {check.path} on the main branch yet. {_open_pull_requests(context)}".strip())
    complaints = complaints_about(text, check.copies)
    if complaints:
        return _not_yet(f"The {check.path} on the main branch is not there yet: {'; '.join(complaints)}.")
    return Verdict(True, f"The {check.path} is as it should be.")


def complaints_about(text: str, copies: str) -> Sequence[str]:
    """What a Dockerfile lacks. copies: the file that its last stage must copy."""
    found = stages(text)
    if not found:
        return ["it has no FROM"]
    names = {stage.name for stage in found}
    complaints = [
        f"{stage.base or 'its FROM'} is not pinned"
        for stage in found
        if not stage.base or not _pinned(stage.base, names)
    ]
    last = found[-1]
    if not last.copies(copies):
        complaints.append(f"it does not COPY {copies}")
    if last.user is None:
        complaints.append("it has no USER, and so runs as root")
    elif last.is_root:
        complaints.append("its USER is root")
    return complaints


def _pinned(image: str, stages: set[str]) -> bool:
    if image.lower() in stages or image == "scratch" or "@sha256:" in image:
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag not in {"", "latest"}


def _deployed(check: Deployed, context: CheckContext) -> Verdict:
    where = f"in {context.team.namespace}"
    found = context.cluster.deployment(context.team, check.name, context.deadline)
    if not isinstance(found, dict):
        return _not_yet(f"There is no Deployment {check.name} {where} yet. {_open_pull_requests(context)}".strip())
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


def _pipeline(check: Pipeline, context: CheckContext) -> Verdict:
    pull_requests = _from_branch(context, check.branch)
    if not pull_requests:
        return _not_yet(f"There is no pull request to {context.team.repository} from a branch {check.branch} yet.")
    complaint = ""
    for pull in pull_requests:
        verdict = _red_then_deployed(pull, context)
        if verdict.passed:
            return verdict
        complaint = complaint or verdict.text
    return _not_yet(complaint)


def _red_then_deployed(pull: PullRequest, context: CheckContext) -> Verdict:
    """Whether one pull request was red once, then green, merged and deployed.

    Red is a build of which a step failed: one that was ended for a newer commit, or that nobody could run, is an error.
    Source: drone, service/status/util.go
    """
    source_control, team, deadline = context.source_control, context.team, context.deadline
    commits = source_control.commits(team, pull, deadline)
    # Once merged, a pull request ends with a green commit, whatever was pushed to its branch since.
    earlier = [commit for commit in commits if commit != pull.head or pull.merged]
    red = any("failure" in source_control.results(team, commit, CHECK, deadline) for commit in earlier)
    name = f"Pull request {pull.number}"
    if pull.merged is None:
        now = (source_control.results(team, pull.head, CHECK, deadline) or ["none"])[0]
        return _not_yet(f"{name} {_before_its_merge(now, red=red)}")
    if not red:
        return _not_yet(f"{name} has not been red before it was merged: no step of its builds failed.")
    if "success" not in source_control.results(team, pull.merged, DEPLOYMENT, deadline):
        return _not_yet(f"{name} is merged; its deployment has not succeeded yet.")
    return Verdict(True, f"{name} was red, became green, and is deployed.")


def _before_its_merge(now: str, *, red: bool) -> str:
    """What lacks of a pull request that is not merged. now: result of its newest commit. red: an earlier one failed."""
    if now == "failure":
        return "is red now: make it green."
    if not red:
        return f"has not been red before {now}."
    if now != "success":
        return "was red; its newest commit is not green yet."
    return "is green, and not merged yet. Is it up to date with main?"


def _logged(check: Logged, context: CheckContext) -> Verdict:
    del check
    if not context.answer:
        return _not_yet("Write down the word that you found.")
    if hmac.compare_digest(plain(context.answer).encode(), context.word.encode()):
        return Verdict(True, "That is the word.")
    return _not_yet("That is not the word.")


def _open_pull_requests(context: CheckContext) -> str:
    """Sentence about pull requests that are not merged yet; empty where there are none."""
    found = context.source_control.pull_requests(context.team, context.deadline, state="open")
    numbers = ", ".join(str(each.number) for each in found)
    return f"Not merged yet: pull request {numbers}." if found else ""


def _from_branch(context: CheckContext, branch: str) -> list[PullRequest]:
    found = context.source_control.pull_requests(context.team, context.deadline)
    return [each for each in found if each.branch == branch]


def _not_yet(text: str) -> Verdict:
    return Verdict(False, text)


_CHECKS: Final[Mapping[str, Callable[[Any, CheckContext], Verdict]]] = {
    Proposal.kind: _proposal,
    Dockerfile.kind: _dockerfile,
    Deployed.kind: _deployed,
    Pipeline.kind: _pipeline,
    Logged.kind: _logged,
}
