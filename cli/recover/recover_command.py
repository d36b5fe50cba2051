"""Command `recover`: adoption of resources that a killed update created and did not write into the state.

A killed engine knows that it was creating a resource, but not whether that came about. If so, the resource is there and
billed, and the next update would create a second one. The command finds it at Scaleway by the tags and the name that
the program gave, and lets the engine adopt it. Helm releases that were cut off are freed, which no update does by
itself. Steps on the game master and other objects on a board need none of that: the next update does them again.
"""

from __future__ import annotations

import sys
from typing import Final

from cli.account import Account
from cli.leftovers.inventory import LISTED
from cli.options import DEFAULT_ENGINE, EngineProgram, ProjectFolder, StackName
from cli.recover.helm_releases import RELEASE, Fate, Finding, look
from cli.recover.pending_operations import changed, cut_off, find, recovered, superfluous
from cli.stack import PROJECT, Stack, Tree
from cli.state import operations, resources
from common.settings import parse

NOT_THERE: Final = "not there, will be made by the next update"


def recover(stack: StackName, project: ProjectFolder = PROJECT, pulumi: EngineProgram = DEFAULT_ENGINE) -> int:
    """Adopt the resources that a killed update created and did not write into the state.

    Exit status: 0 when the next update can go on, 1 when a cluster could not be asked for its Helm releases.
    """
    of = Stack(stack, project, pulumi)
    state = of.export()
    findings, unreachable = look(of.export(show_secrets=True)) if _on_clusters(state) else ([], [])
    freed = [finding for finding in findings if finding.fate in (Fate.CONTINUED, Fate.FORGOTTEN)]
    if operations(state) or freed:
        _write(of, state, findings)
    elif not unreachable:
        print(f"Stack {stack}: no operation was cut off; there is nothing to recover.")
        return 0
    for reason in unreachable:
        print(f"error: {reason}", file=sys.stderr)
    print(f"Next: pulumi up --stack {stack}" if not unreachable else f"Then: make recover STACK={stack}")
    return 1 if unreachable else 0


def _on_clusters(state: Tree) -> bool:
    """Whether anything in a state is on a cluster, or was being put there."""
    begun = [operation["resource"] for operation in operations(state)]
    return any(resource["type"].startswith("kubernetes:") for resource in (*resources(state), *begun))


def _write(of: Stack, state: Tree, findings: list[Finding]) -> None:
    """Write down what was found, free the releases, and tell what became of each."""
    creations = [creation for creation in cut_off(state) if creation.type != RELEASE]
    found: dict[str, str] = {}
    if any(creation.type in LISTED for creation in creations):
        known = [resource["id"] for resource in resources(state) if "id" in resource]
        found = find(creations, known, Account.of(parse(of.read(), of.short_name)))
    there = {resource["urn"] for resource in resources(state)}
    # The plugin reads a release only with what it writes down itself, so the next update changes it instead.
    unfinished = {
        finding.urn: finding.id
        for finding in findings
        if finding.urn and finding.fate in (Fate.ADOPTED, Fate.CONTINUED)
    }
    # First the state, for the engine refuses it while an update runs, whose releases are not to be touched.
    of.write(recovered(state, {**found, **unfinished}, unfinished))
    for finding in findings:
        finding.act()
    superseded = {creation.urn for creation in creations if superfluous(state, creation)}
    of.refresh(sorted({*found, *(there & set(changed(state)))} - superseded - unfinished.keys()))
    for creation in creations:
        fate = f"adopted {found[creation.urn]}" if creation.urn in found else NOT_THERE
        if creation.urn in found and creation.urn in superseded:
            fate = f"{found[creation.urn]} is of no use; the next update removes it"
        print(f"{creation.name}: {fate}")
    for finding in findings:
        if finding.fate is not Fate.UNTOUCHED:
            print(f"{finding.label}: {finding.fate.value}")
    for urn in sorted(set(changed(state)) - {finding.urn for finding in findings}):
        print(f"{urn.rpartition('::')[2]}: was being changed or removed; looked at again")
