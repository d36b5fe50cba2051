"""ValidatingAdmissionPolicies as an API server judges them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.api_server.releases.site import Site


async def type_checks(site: Site, seconds: float = 60) -> dict[str, Any]:
    """Name of each policy to what the API server says of the types in its expressions; empty where all is well.

    Raises TimeoutError where a policy was not checked in time: the API server looks at each a moment after it is made.
    """
    async with asyncio.timeout(seconds):
        while True:
            found = json.loads(await site.kubectl("get", "validatingadmissionpolicies", "--output=json"))["items"]
            checked = {each["metadata"]["name"]: each.get("status", {}).get("typeChecking") for each in found}
            if None not in checked.values():
                return checked
            await asyncio.sleep(0.2)
