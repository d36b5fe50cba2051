"""Scaleway: region, project and API key."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from typing import Annotated, Final, Literal, get_args

from common.settings.constraints import Text, matching
from common.settings.networks import WebUrl
from common.settings.rules import Conflict, rule
from common.settings.secret import Secret
from common.settings.section import Section

Region = Literal["fr-par", "nl-ams", "pl-waw"]
Zone = Literal[
    "fr-par-1",
    "fr-par-2",
    "fr-par-3",
    "nl-ams-1",
    "nl-ams-2",
    "nl-ams-3",
    "pl-waw-1",
    "pl-waw-2",
    "pl-waw-3",
]
REGIONS: Final[tuple[str, ...]] = get_args(Region)
ZONES: Final[tuple[str, ...]] = get_args(Zone)
Identifier = Annotated[
    str,
    Text(
        allowed="a UUID, such as '11111111-2222-4333-8444-555555555555'",
        accepts=lambda value: str(uuid.UUID(value)) == value.lower(),
    ),
]
AccessKey = Annotated[
    Secret, matching("a Scaleway access key: SCW and 17 capital letters or digits", r"SCW[A-Z0-9]{17}")
]
SecretKey = Annotated[
    Secret, Text(allowed="a Scaleway secret key, which is a UUID", accepts=lambda value: bool(uuid.UUID(value)))
]
InstanceType = Annotated[str, matching("an Instance type, such as 'PLAY2-MICRO'", r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")]


class Scaleway(Section):
    """Region, project and API key at Scaleway."""

    region: Region
    """Region of the boards and of the private networks."""
    zone: Zone
    """Availability zone of the game master's Instance, in the region."""
    project_id: Identifier
    """Project that every resource belongs to and is billed to."""
    organization_id: Identifier | None = None
    """Organisation of the project; needed only where the API key belongs to several."""
    access_key: AccessKey
    """Access key, the public half of the API key; kept secret all the same."""
    secret_key: SecretKey
    """Secret key, the secret half of the API key."""
    api_url: WebUrl = "https://api.scaleway.com"
    """URL of Scaleway's API; in a rehearsal a URL on loopback."""

    @rule
    def zone_in_region(self) -> Generator[Conflict]:
        if not self.zone.startswith(f"{self.region}-"):
            yield Conflict("zone", self.zone, f"must lie in the region {self.region}, such as {self.region}-1")
