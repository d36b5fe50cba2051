"""Costs at Scaleway."""

from __future__ import annotations

from typing import Annotated

from common.settings.constraints import whole_number
from common.settings.section import Section


class Costs(Section):
    """Limit of the environment's costs at Scaleway."""

    max_daily_eur: Annotated[int, whole_number(1, 100_000, "euros")] | None = None
    """Limit in euros a day without VAT, every pool at its largest; `make up` refuses a higher cost unless told
    otherwise (docs/costs.md)."""
