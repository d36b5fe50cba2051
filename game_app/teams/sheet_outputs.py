"""Stack output `teams`: what the printed sheet of each team says (`cli.sheets`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from game_app.teams.team_namespace import TeamNamespace, namespace_of


def sheet_outputs(
    players: Mapping[str, Sequence[str]],
    namespaces: Mapping[str, TeamNamespace],
    *,
    organisation: str,
    page_url: pulumi.Input[str],
    git_url: pulumi.Input[str],
    codes: pulumi.Input[Mapping[str, str]],
    passwords: pulumi.Input[Mapping[str, str]],
) -> pulumi.Output[Mapping[str, Mapping[str, Any]]]:
    """Addresses, code, token and accounts of each team by the team's name, a secret.

    players: each team's accounts. organisation: owner of the repositories. codes: each team's code for the hunt.
    passwords: first password of each account; an account without one has an empty password on the sheet.
    """
    tokens = pulumi.Output.all(**{team: namespaces[team].token for team in players})
    known = pulumi.Output.all(page=page_url, git=git_url, codes=codes, tokens=tokens, passwords=passwords)

    def sheets(values: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        return {
            team: {
                "page": values["page"],
                "git": values["git"],
                "code": values["codes"][team],
                "repository": f"{organisation}/{namespace_of(team)}",
                "namespace": namespace_of(team),
                "token": values["tokens"][team],
                "accounts": {account: values["passwords"].get(account, "") for account in accounts},
            }
            for team, accounts in players.items()
        }

    return pulumi.Output.secret(known.apply(sheets))
