"""Sizes of claims, as the block storage of Kapsule judges them."""

from __future__ import annotations

import pytest

from rehearsal.kapsule.volumes import refused


def claim(size: str, *modes: str) -> dict[str, object]:
    return {"spec": {"accessModes": list(modes or ("ReadWriteOnce",)), "resources": {"requests": {"storage": size}}}}


@pytest.mark.parametrize("size", ["5G", "5Gi", "5000M", "5000000000", "1T", "5000000k", "4769Mi", "5000000000000m"])
def test_the_smallest_volume_that_is_sold_and_larger_ones_are_made(size: str) -> None:
    assert refused(claim(size)) is None


@pytest.mark.parametrize("size", ["1Gi", "4999M", "4999999999", "512Mi", "4.5G", "4768Mi"])
def test_smaller_ones_are_refused_with_what_to_claim(size: str) -> None:
    said = refused(claim(size))
    assert said is not None
    assert "claim 5G or more" in said
    assert size in said


def test_a_volume_for_several_nodes_is_refused() -> None:
    said = refused(claim("5Gi", "ReadWriteMany"))
    assert said is not None
    assert "ReadWriteOnce in place of ReadWriteMany" in said
