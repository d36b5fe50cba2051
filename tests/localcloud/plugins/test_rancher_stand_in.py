"""The Rancher stand-in, asked over HTTP as the official provider asks Rancher."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
import yaml

from rehearsal.rancher import credentials_name
from tests.localcloud.plugins.background import Background
from tests.localcloud.plugins.rancher_host import DAY, INITIAL_PASSWORD, RancherHost


class Client:
    """An administrator; every answer is (status, body)."""

    def __init__(self, host: RancherHost, session: aiohttp.ClientSession) -> None:
        self.host = host
        self.session = session
        self.token = ""

    async def ask(self, method: str, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
        url = path if path.startswith("http") else self.host.url + path
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, await answer.json() if text else None

    async def login(self, password: str, path: str = "/v1-public/login") -> tuple[int, Any]:
        body = {"type": "localProvider", "username": "admin", "password": password, "ttl": 60000}
        return await self.ask("POST", path, body)

    async def cluster(self, name: str = "board") -> dict[str, Any]:
        _, view = await self.ask("POST", "/v3/clusters", {"name": name, "driver": "imported"})
        return view


@pytest.fixture
async def admin(rancher: RancherHost) -> AsyncGenerator[Client]:
    async with aiohttp.ClientSession() as session:
        client = Client(rancher, session)
        client.token = (await client.login(INITIAL_PASSWORD))[1]["token"]
        yield client


async def until_state(admin: Client, cluster: dict[str, Any], state: str) -> dict[str, Any]:
    while True:
        _, view = await admin.ask("GET", cluster["links"]["self"])
        if view["state"] == state:
            return view
        await asyncio.sleep(0.02)


async def test_ping_says_pong_to_anybody(rancher: RancherHost, admin: Client) -> None:
    async with admin.session.get(f"{rancher.url}/ping") as answer:
        assert await answer.text() == "pong"


async def test_nothing_else_is_said_to_somebody_without_a_valid_token(admin: Client) -> None:
    for token in ("", "token-x:y", admin.token + "x", admin.token.partition(":")[0]):
        status, error = await admin.ask("GET", "/v3/clusters", token=token)
        assert (status, error["type"], error["code"]) == (401, "error", "Unauthorized")
    assert (await admin.login("wrong"))[0] == 401


async def test_a_token_is_taken_as_basic_credentials_too(rancher: RancherHost, admin: Client) -> None:
    header = base64.b64encode(admin.token.encode()).decode()
    async with admin.session.get(f"{rancher.url}/v3/users", headers={"Authorization": f"Basic {header}"}) as answer:
        assert answer.status == 200


async def test_logging_in_works_the_new_way_and_the_old_one(admin: Client) -> None:
    status, answer = await admin.login(INITIAL_PASSWORD, "/v3-public/localProviders/local?action=login")
    assert status == 201
    assert (await admin.ask("GET", "/v3/users", token=answer["token"]))[0] == 200


async def test_a_client_learns_from_the_schemas_where_everything_is(rancher: RancherHost, admin: Client) -> None:
    async with admin.session.get(f"{rancher.url}/v3", headers={"Authorization": f"Bearer {admin.token}"}) as answer:
        schemas = answer.headers["X-API-Schemas"]
    _, collection = await admin.ask("GET", schemas)
    for schema in collection["data"]:
        assert "GET" in schema["collectionMethods"]
        status, members = await admin.ask("GET", schema["links"]["collection"])
        assert (status, members["resourceType"]) == (200, schema["id"])


async def test_the_password_can_be_changed_but_not_to_a_short_one(admin: Client) -> None:
    _, users = await admin.ask("GET", "/v3/users?username=admin")
    action = users["data"][0]["actions"]["setpassword"]
    assert (await admin.ask("POST", action, {"newPassword": "short"}))[0] == 422
    assert (await admin.ask("POST", action, {"newPassword": "long-enough-password"}))[0] == 200
    assert (await admin.login(INITIAL_PASSWORD))[0] == 401
    assert (await admin.login("long-enough-password"))[0] == 200


async def test_a_token_lives_as_long_as_asked_but_at_most_ninety_days(rancher: RancherHost, admin: Client) -> None:
    _, short = await admin.ask("POST", "/v3/tokens", {"ttl": DAY * 1000, "description": "short"})
    _, longest = await admin.ask("POST", "/v3/tokens", {"ttl": 0})
    _, capped = await admin.ask("POST", "/v3/tokens", {"ttl": 1000 * DAY * 1000})
    assert short["ttl"] == DAY * 1000
    assert longest["ttl"] == capped["ttl"] == 90 * DAY * 1000
    rancher.ahead = 2 * DAY
    assert (await admin.ask("GET", "/v3/users", token=short["token"]))[0] == 401
    _, seen = await admin.ask("GET", f"/v3/tokens/{short['id']}", token=longest["token"])
    assert seen["expired"]
    assert "token" not in seen
    rancher.ahead = 91 * DAY
    assert (await admin.ask("GET", "/v3/users", token=longest["token"]))[0] == 401


async def test_without_the_limit_a_token_lives_for_ever(rancher: RancherHost, admin: Client) -> None:
    _, setting = await admin.ask("GET", "/v3/settings/auth-token-max-ttl-minutes")
    await admin.ask("PUT", setting["links"]["self"], {"value": "0"})
    _, token = await admin.ask("POST", "/v3/tokens", {"ttl": 0})
    rancher.ahead = 1000 * DAY
    assert (await admin.ask("GET", "/v3/users", token=token["token"]))[0] == 200


async def test_a_deleted_token_is_gone(admin: Client) -> None:
    _, token = await admin.ask("POST", "/v3/tokens", {"ttl": 0})
    assert (await admin.ask("DELETE", token["links"]["self"]))[0] == 204
    assert (await admin.ask("GET", token["links"]["self"]))[0] == 404
    assert (await admin.ask("GET", "/v3/users", token=token["token"]))[0] == 401


async def test_settings_have_defaults_can_be_set_and_checked(admin: Client) -> None:
    path = "/v3/settings/auth-token-max-ttl-minutes"
    _, setting = await admin.ask("GET", path)
    assert (setting["value"], setting["customized"]) == ("129600", False)
    assert (await admin.ask("PUT", path, {"value": "soon"}))[0] == 422
    _, setting = await admin.ask("PUT", path, {"value": "10"})
    assert (setting["value"], setting["customized"]) == ("10", True)
    _, setting = await admin.ask("PUT", path, {"value": ""})
    assert setting["value"] == "129600"
    assert (await admin.ask("PUT", "/v3/settings/server-version", {"value": "v3"}))[0] == 405
    assert (await admin.ask("DELETE", path))[0] == 405
    assert (await admin.ask("GET", "/v3/settings/nothing"))[0] == 404


async def test_a_setting_of_ones_own_can_be_made_and_deleted(admin: Client) -> None:
    status, made = await admin.ask("POST", "/v3/settings", {"name": "game", "value": "on"})
    assert (status, made["value"], made["creatorId"]) == (201, "on", "user-admin")
    assert (await admin.ask("POST", "/v3/settings", {"name": "game", "value": "on"}))[0] == 409
    assert (await admin.ask("DELETE", made["links"]["self"]))[0] == 204
    assert (await admin.ask("GET", made["links"]["self"]))[0] == 404


async def test_a_cluster_waits_for_its_agent_and_is_active_while_it_is_there(
    rancher: RancherHost, admin: Client
) -> None:
    made = await admin.cluster()
    assert made["state"] == "provisioning"
    pending = await until_state(admin, made, "pending")
    assert "Updated" not in [condition["type"] for condition in pending["conditions"]]
    _, registration = await admin.ask("GET", f"/v3/clusterregistrationtokens/{made['id']}:default-token")
    rancher.agents.add(registration["token"])
    active = await until_state(admin, made, "active")
    assert {"type": "Updated", "status": "True"}.items() <= active["conditions"][-1].items()
    rancher.agents.clear()
    assert (await until_state(admin, made, "unavailable"))["transitioning"] == "no"


async def test_the_manifest_is_what_an_agent_needs(rancher: RancherHost, admin: Client) -> None:
    cluster = await admin.cluster()
    _, registration = await admin.ask("GET", f"/v3/clusterregistrationtokens/{cluster['id']}:default-token")
    assert registration["manifestUrl"] in registration["command"]
    # The cluster that is to join has no token of its own.
    async with admin.session.get(registration["manifestUrl"]) as answer:
        documents = list(yaml.safe_load_all(await answer.text()))
    kinds = [document["kind"] for document in documents]
    assert {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Secret", "Deployment"} <= {*kinds}
    secret, deployment = (documents[kinds.index(kind)] for kind in ("Secret", "Deployment"))
    assert secret["metadata"]["name"] == credentials_name(registration["token"])
    assert base64.b64decode(secret["data"]["token"]).decode() == registration["token"]
    assert base64.b64decode(secret["data"]["url"]).decode() == rancher.url
    assert (deployment["metadata"]["namespace"], deployment["metadata"]["name"]) == (
        "cattle-system",
        "cattle-cluster-agent",
    )
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert volumes[0]["secret"]["secretName"] == secret["metadata"]["name"]
    async with admin.session.get(registration["manifestUrl"].replace(registration["token"], "guess")) as answer:
        assert answer.status == 404


async def test_agents_are_sent_to_the_server_url_once_it_is_set(admin: Client) -> None:
    await admin.ask("PUT", "/v3/settings/server-url", {"value": "https://rancher.game.test"})
    cluster = await admin.cluster()
    _, registration = await admin.ask("GET", f"/v3/clusterregistrationtokens/{cluster['id']}:default-token")
    assert registration["manifestUrl"].startswith("https://rancher.game.test/v3/import/")


async def test_a_cluster_comes_with_its_two_projects(admin: Client) -> None:
    cluster, _ = await admin.cluster("one"), await admin.cluster("two")
    _, projects = await admin.ask("GET", f"/v3/projects?clusterId={cluster['id']}")
    assert [project["name"] for project in projects["data"]] == ["Default", "System"]
    assert (await admin.ask("GET", projects["data"][0]["links"]["self"]))[0] == 200


async def test_a_kubeconfig_goes_through_rancher_and_stays_the_same_while_its_token_is_valid(
    rancher: RancherHost, admin: Client
) -> None:
    cluster = await admin.cluster()
    action = cluster["actions"]["generateKubeconfig"]
    _, first = await admin.ask("POST", action)
    _, second = await admin.ask("POST", action)
    assert first["config"] == second["config"]
    config = yaml.safe_load(first["config"])
    assert config["clusters"][0]["cluster"]["server"] == f"{rancher.url}/k8s/clusters/{cluster['id']}"
    token = config["users"][0]["user"]["token"]
    path = f"/k8s/clusters/{cluster['id']}/version"
    assert (await admin.ask("GET", path, token=token))[0] == 503
    rancher.every_agent = True
    assert (await admin.ask("GET", path, token=token))[0] == 200
    _, forever = await admin.ask("POST", "/v3/tokens", {"ttl": 0})
    rancher.ahead = 31 * DAY
    _, later = await admin.ask("POST", action, token=forever["token"])
    assert later["config"] != first["config"]


async def test_a_deleted_cluster_is_removing_and_then_gone_and_its_name_free(admin: Client) -> None:
    cluster = await admin.cluster()
    status, error = await admin.ask("POST", "/v3/clusters", {"name": "board", "driver": "imported"})
    assert (status, error["code"]) == (422, "NotUnique")
    _, removing = await admin.ask("DELETE", cluster["links"]["self"])
    assert removing["state"] == "removing"
    while (await admin.ask("GET", cluster["links"]["self"]))[0] == 200:
        await asyncio.sleep(0.02)
    assert (await admin.ask("GET", cluster["links"]["self"]))[0] == 404
    assert (await admin.cluster())["name"] == "board"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v3/clusters", {}, 422),
        ("POST", "/v3/clusters", {"name": "x", "driver": "k3s"}, 422),
        ("POST", "/v3/clusters", ["x"], 422),
        ("POST", "/v3/tokens", {"ttl": "soon"}, 422),
        ("POST", "/v3/users/user-admin?action=dance", {}, 404),
        ("POST", "/v3/settings", {"value": "x"}, 422),
        ("GET", "/v3/clusters/local", None, 403),
        ("GET", "/v3/clusters/c-none", None, 404),
        ("GET", "/v3/secrets", None, 404),
    ],
)
async def test_what_is_wrong_is_an_error_of_the_api(
    admin: Client, method: str, path: str, body: object, status: int
) -> None:
    answered, error = await admin.ask(method, path, body)
    assert answered == status
    assert error["type"] == "error"
    assert error["message"]


async def test_everything_is_there_again_after_a_restart(
    rancher: RancherHost, background: Background, admin: Client
) -> None:
    cluster = await admin.cluster()
    await admin.ask("PUT", "/v3/settings/server-url", {"value": "https://rancher.game.test"})
    background.run(rancher.restart())
    assert (await admin.ask("GET", cluster["links"]["self"]))[1]["name"] == "board"
    assert (await admin.ask("GET", "/v3/settings/server-url"))[1]["value"] == "https://rancher.game.test"
