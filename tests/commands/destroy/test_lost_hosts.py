"""A cluster or an Instance that is gone or silent is no reason to be billed for the rest."""

from __future__ import annotations

import pytest

from tests.commands.destroy.environment import RELEASE, Environment, board, game_master
from tests.localcloud.scaleway.cloud import INSTANCE, K8S

pytestmark = pytest.mark.timeout(600)


def test_a_release_on_a_cluster_that_is_gone_stops_the_engine_whatever_it_is_told_and_not_destroy(
    environment: Environment,
) -> None:
    environment.up(board)
    environment.place_release()
    [cluster] = environment.clusters
    environment.ask("DELETE", f"{K8S}/clusters/{cluster['id']}")
    while environment.clusters:
        pass

    told = {"PULUMI_K8S_DELETE_UNREACHABLE": "true"}
    refused = environment.pulumi("destroy", "--yes", "--skip-preview", "--ignore-protect", **told)
    assert refused.returncode != 0
    assert "can't delete Helm Release with unreachable cluster" in refused.stdout

    done = environment.destroy("--yes-destroy", "dev", "--no-backup")
    assert done.returncode == 0
    assert "The cluster cluster is gone at Scaleway" in done.stdout
    assert environment.there == {}


def test_a_silent_cluster_is_touched_only_by_who_says_so(environment: Environment) -> None:
    environment.up(board)
    environment.place_release()
    refused = environment.destroy("--yes-destroy", "dev", "--no-backup")
    assert refused.returncode == 1
    assert "OPTIONS=--abandon-silent-clusters" in refused.stdout
    assert "Nothing was touched" in refused.stdout
    assert len(environment.clusters) == 1
    assert RELEASE in str(environment.own_stack().export())

    done = environment.destroy("--yes-destroy", "dev", "--no-backup", "--abandon-silent-clusters")
    assert done.returncode == 0
    assert environment.there == {}


def test_an_instance_that_is_gone_stops_the_engine_and_not_destroy(environment: Environment) -> None:
    environment.up(game_master)
    server = environment.server
    environment.ask("PATCH", f"{INSTANCE}/servers/{server['id']}", {"protected": False})
    environment.ask("POST", f"{INSTANCE}/servers/{server['id']}/action", {"action": "terminate"})
    while environment.there.get("servers"):
        pass
    refused = environment.pulumi("destroy", "--yes", "--skip-preview", "--ignore-protect")
    assert refused.returncode != 0

    done = environment.destroy("--yes-destroy", "dev")
    # Its volume is not in the state: nobody but the operator may remove it.
    assert done.returncode == 1
    assert "There is no game master: no backup is saved" in done.stdout
    assert list(environment.there) == ["block_volumes"]
