"""Protection holds against everything but the one command that ends an event."""

from __future__ import annotations

import pytest

from tests.commands.destroy.environment import Environment, game_master

pytestmark = pytest.mark.timeout(600)


def test_the_plugin_powers_a_protected_instance_off_before_scaleway_refuses_and_destroy_does_not(
    environment: Environment,
) -> None:
    environment.up(game_master)
    assert environment.server["state"] == "running"

    refused = environment.pulumi("destroy", "--yes", "--skip-preview", "--ignore-protect")
    assert refused.returncode != 0
    assert "protected" in refused.stdout

    assert environment.server["state"] == "stopped"

    done = environment.destroy("--yes-destroy", "dev", "--no-backup")

    assert done.returncode == 0
    assert environment.there == {}
    # Where nothing is any more, it proves that again.
    again = environment.destroy("--yes-destroy", "dev")
    assert again.returncode == 0, again.stdout
    assert "Nothing of the environment dev is left at Scaleway" in again.stdout


def test_on_a_terminal_the_name_is_typed_and_the_engine_shows_what_it_does(environment: Environment) -> None:
    environment.up(game_master)
    said, status = environment.type_into_destroy("dev\n", "--no-backup")
    assert status == 0, said
    assert "Type the environment's name (dev) to destroy it: " in said
    assert "may be deleted, for this run alone" in said
    assert "The resources in the stack have been deleted" in said
    assert environment.there == {}
