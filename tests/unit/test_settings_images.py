"""Sources of charts and images: mirrors, digests, and what is none."""

from __future__ import annotations

import pytest

from common.settings import parse
from common.versions import CHARTS, Images
from tests.support.example import complete, spoiled
from tests.unit.wrong_settings import refusal


def test_a_mirror_of_one_chart_leaves_the_others_at_their_publishers() -> None:
    charts = parse(complete(), "dev").sources.charts
    assert charts["grafana"] == "oci://mirror.example/charts"
    assert charts["loki"] == CHARTS["loki"].repository


DIGEST = f"@sha256:{64 * '0'}"


def test_an_image_is_given_by_its_digest_and_the_others_keep_their_release() -> None:
    given = f"mirror.example.org:5000/a_git{DIGEST}"
    own = {"git": given, "kubernetesTools": "ghcr.io/x/k8s:1.33.4"}
    images = parse(spoiled({"sources.images": own, "sources.registries": {}}), "dev").images
    assert images == Images(git=given, kubernetes_tools="ghcr.io/x/k8s:1.33.4")


def test_a_mirror_takes_the_place_of_its_registry_in_every_image() -> None:
    mirrors: dict[str, object] = {"docker.io": "mirror.example.org/docker", "ghcr.io": "mirror.example.org"}
    images = parse(
        spoiled({"sources.images": {"git": f"ghcr.io/x/git{DIGEST}"}, "sources.registries": mirrors}), "dev"
    ).images
    assert images.git == f"mirror.example.org/x/git{DIGEST}"
    assert images.drone == Images().drone.replace("docker.io/", "mirror.example.org/docker/")


@pytest.mark.parametrize(
    ("mirrors", "key", "allowed"),
    [
        (
            {"gcr.io": "mirror.example.org"},
            'sources.registries["gcr.io"]',
            "comes from, which is docker.io, ghcr.io, quay.io, registry.example.org, registry.k8s.io",
        ),
        (
            {"docker": "mirror.example.org"},
            "sources.registries.docker",
            "has a name that must be the name",
        ),
        (
            {"docker.io": "https://mirror.example.org"},
            'sources.registries["docker.io"]',
            "must be a registry or a folder",
        ),
        ({"docker.io": "mirror"}, 'sources.registries["docker.io"]', "must be a registry or a folder"),
    ],
)
def test_a_mirror_of_nothing_or_that_is_none_is_refused(mirrors: dict[str, str], key: str, allowed: str) -> None:
    [problem] = refusal({"sources.registries": mirrors}).problems
    assert problem.key == key
    assert allowed in problem.allowed
