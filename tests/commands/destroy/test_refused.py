"""A destroy that is refused or cut short leaves protected what it leaves, and the next one goes on."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.commands.destroy.environment import Environment, game_master
from tests.localcloud.scaleway.cloud import INSTANCE

pytestmark = pytest.mark.timeout(600)
NEW_KEY = "5f1c7b0e-7d53-4a0b-9a35-0c6f8b1f2d11"


def untouched(environment: Environment) -> bool:
    server = environment.server
    return server["protected"] and server["state"] == "running" and bool(environment.there["private_networks"])


def test_what_nobody_may_destroy_now_is_not_touched(environment: Environment) -> None:
    environment.up(game_master)
    silent = environment.destroy("--yes-destroy", "dev")
    assert silent.returncode == 1
    assert "no backup could be saved: ssh: connect to host" in silent.stdout
    assert "OPTIONS=--no-backup" in silent.stdout
    assert untouched(environment)

    lock = environment.lock()
    locked = environment.destroy("--yes-destroy", "dev", "--no-backup")
    assert locked.returncode == 1
    assert "the stack is currently locked" in locked.stdout
    assert "'pulumi cancel --stack dev' first" in locked.stdout
    assert untouched(environment)
    lock.unlink()

    environment.ask("POST", "/rehearsal/faults", {"answer": 500, "requests": 1, "method": "PATCH"})
    kept = environment.destroy("--yes-destroy", "dev", "--no-backup")
    assert kept.returncode == 1
    assert "stays protected, for Scaleway answered" in kept.stdout
    assert untouched(environment)

    environment.set_secret("shambhala:scaleway.secretKey", NEW_KEY)
    refused = environment.destroy("--yes-destroy", "dev", "--no-backup")
    assert refused.returncode == 1
    assert "the settings' API key is refused" in refused.stdout
    assert NEW_KEY not in refused.stdout
    assert untouched(environment)


def test_the_key_in_the_state_is_the_one_that_must_be_taken(environment: Environment) -> None:
    environment.up(game_master)
    state = environment.own_stack().export(show_secrets=True)
    [provider] = [each for each in state["deployment"]["resources"] if each["type"] == "pulumi:providers:scaleway"]
    for place in ("inputs", "outputs"):
        provider[place]["secretKey"]["plaintext"] = json.dumps(NEW_KEY)
    environment.own_stack().write(state)
    refused = environment.destroy("--yes-destroy", "dev", "--no-backup")
    assert refused.returncode == 1
    assert f"'pulumi up --stack dev --target {provider['urn']}'" in refused.stdout
    assert NEW_KEY not in refused.stdout
    assert untouched(environment)


def test_one_that_is_terminated_lets_the_engine_end_and_the_next_goes_on(environment: Environment) -> None:
    environment.up(game_master)
    environment.cloud.machines.gate.clear()
    with environment.begin_destroy("--yes-destroy", "dev", "--no-backup") as running:
        assert running.stdout
        while "server deleting" not in running.stdout.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        time.sleep(1)
        environment.let_machines_work()
        said, _ = running.communicate(timeout=60)
    assert running.returncode == 1, said
    assert "SIGTERM received; cancelling" in said
    assert "'make destroy STACK=dev' goes on where it stopped" in said
    assert "servers" not in environment.there
    assert environment.there["private_networks"] == 1

    assert environment.destroy("--yes-destroy", "dev", "--no-backup").returncode == 0
    assert environment.there == {}


def test_an_instance_that_the_engine_could_not_delete_is_protected_again(environment: Environment) -> None:
    environment.up(game_master)
    server = environment.server["id"]
    actions = {"answer": 500, "seconds": 600, "method": "POST", "path": f"{INSTANCE}/servers/{server}/action"}
    environment.ask("POST", "/rehearsal/faults", actions)
    failed = environment.destroy("--yes-destroy", "dev", "--no-backup")
    assert failed.returncode == 1
    environment.ask("DELETE", "/rehearsal/faults")
    assert environment.server["protected"] is True
    assert environment.destroy("--yes-destroy", "dev", "--no-backup").returncode == 0
