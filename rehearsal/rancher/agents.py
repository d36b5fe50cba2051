"""How the stand-in sees that a cluster's agent is there: by its Deployment, for no agent runs and calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rehearsal.rancher.api_context import AgentReady
from rehearsal.rancher.manifest import AGENT, NAMESPACE, credentials_name

Find = Callable[[str], Awaitable[Sequence[dict[str, Any]]]]
"""Every cluster's answer at a path of the Kubernetes API."""


def agent_ready(find: Find) -> AgentReady:
    """Whether some cluster has a ready agent that shows a registration token."""

    async def look(registration: str) -> bool:
        agents = await find(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{AGENT}")
        return any(_ready(agent) and credentials_name(registration) in _secrets(agent) for agent in agents)

    return look


def _ready(agent: dict[str, Any]) -> bool:
    return bool(agent.get("status", {}).get("readyReplicas"))


def _secrets(agent: dict[str, Any]) -> set[str]:
    """The Secrets that its pods read."""
    volumes = agent["spec"]["template"]["spec"].get("volumes", [])
    return {volume["secret"]["secretName"] for volume in volumes if "secret" in volume}
