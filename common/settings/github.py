"""Organisation at GitHub in Gitea's place."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Annotated, Final
from urllib.parse import urlsplit

from common.settings.constraints import AT_LEAST_ONE, Text, matching
from common.settings.networks import Cidr
from common.settings.rules import Conflict, rule
from common.settings.secret import Secret
from common.settings.section import Section

ANSWERS_A_MINUTE: Final = 900
"""Most answers that GitHub gives to one account in a minute.

Source: docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""
PUBLIC: Final = "https://api.github.com"
_ADDRESSES: Final = ("140.82.112.0/20", "143.55.64.0/20", "185.199.108.0/22", "192.30.252.0/22")
"""Those under `git` and `api` at https://api.github.com/meta that are no single hosts elsewhere than in Europe."""
_LOGIN: Final = re.compile(r"[a-z0-9](-?[a-z0-9]){0,38}")
_CLOUD: Final = "https://api."
_SERVER: Final = "/api/v3"


def is_login(name: str) -> bool:
    """Whether an account at GitHub can have a name, in small letters."""
    return _LOGIN.fullmatch(name) is not None


def _api(value: str) -> bool:
    parts = urlsplit(value)
    bare = bool(parts.hostname) and value == f"{parts.scheme}://{parts.netloc}{parts.path}" and "@" not in parts.netloc
    cloud = value.startswith(_CLOUD) and not parts.path
    return bare and parts.scheme == "https" and (cloud or parts.path == _SERVER)


Login = Annotated[
    str,
    Text(allowed="a name at GitHub in small letters: at most 39 letters, digits and single hyphens", accepts=is_login),
]
Token = Annotated[Secret, matching("a token of GitHub's: 40 letters, digits and '_' or more", r"[A-Za-z0-9_]{40,255}")]
ClientId = Annotated[
    str,
    matching("the client ID of an OAuth application: 16 to 40 letters, digits and '.'", r"[A-Za-z0-9.]{16,40}"),
]
ClientSecret = Annotated[
    Secret, matching("the client secret of an OAuth application: 40 hexadecimal digits", r"[0-9a-f]{40}")
]
ApiUrl = Annotated[
    str,
    Text(
        allowed="'https://api.github.com', 'https://api.NAME.ghe.com', or 'https://HOST/api/v3' of a GitHub "
        "Enterprise Server",
        accepts=_api,
    ),
]


class GitHub(Section):
    """Organisation at GitHub that holds the game's repositories and nothing else."""

    organization: Login
    """Name of the organisation; its plan must protect branches of private repositories."""
    account: Login
    """Account of the operators, an owner of the organisation: Drone builds as this account, and no other merges."""
    token: Token
    """Token of delivery.github.account with which this program makes the repositories: scopes `repo`, `read:org` and
    `delete_repo`."""
    reader_token: Token
    """Token of delivery.github.account that only reads: for builds, which clone, and the hunt, which checks steps."""
    merge_token: Token
    """Token of delivery.github.account that writes contents and pull requests, for the hunt, which merges."""
    client_id: ClientId
    """Client ID of Drone's OAuth application, which GitHub lets nobody make but by hand (docs/delivery.md)."""
    client_secret: ClientSecret
    """Client secret of Drone's OAuth application."""
    api_url: ApiUrl = PUBLIC
    """URL of GitHub's API."""
    cidrs: Annotated[tuple[Cidr, ...], AT_LEAST_ONE] = _ADDRESSES
    """IPv4 networks of GitHub, the only egress of a build."""

    @property
    def web_url(self) -> str:
        """Where people find it, without a slash at the end."""
        if self.api_url.endswith(_SERVER):
            return self.api_url.removesuffix(_SERVER)
        return f"https://{self.api_url.removeprefix(_CLOUD)}"

    @rule
    def networks_are_its_own(self) -> Generator[Conflict]:
        if self.api_url != PUBLIC and self.cidrs == _ADDRESSES:
            yield Conflict("cidrs", list(self.cidrs), f"must be given where apiUrl is not {PUBLIC}, whose they are")

    @rule
    def each_token_may_do_its_own(self) -> Generator[Conflict]:
        others = {"token": self.token, "mergeToken": self.merge_token}
        for key, own in (("readerToken", self.reader_token), ("mergeToken", self.merge_token)):
            for other, theirs in others.items():
                if key != other and own == theirs:
                    yield Conflict(key, None, f"must not be {other} too, which may do more")
                    break
