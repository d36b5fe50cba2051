"""Instance v1: actions of servers, such as poweron and terminate."""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.api_errors import bad_request, invalid, not_in_stand_in, still_in_use
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.instance_machines import (
    LOCKED,
    RUNNING,
    STARTING,
    STOPPED,
    STOPPED_IN_PLACE,
    STOPPING,
    MachineController,
)
from rehearsal.scaleway.records import Record, instance_now
from rehearsal.scaleway.request_body import RequestBody

_ACTION = "/instance/v1/zones/{zone}/servers/{id}/action"
ALLOWED_ACTIONS = {
    STOPPED: ["poweron", "backup"],
    STOPPED_IN_PLACE: ["poweron", "poweroff", "terminate", "reboot", "backup"],
    STARTING: ["poweroff", "terminate", "reboot", "stop_in_place", "backup"],
    RUNNING: ["poweroff", "terminate", "reboot", "stop_in_place", "backup"],
    STOPPING: ["stop_in_place", "backup"],
    LOCKED: ["terminate"],
}


class ServerActions:
    """Actions; each moves a server into another state."""

    def __init__(self, context: Context, controller: MachineController) -> None:
        self._store = context.store
        self._controller = controller

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_ACTION, self._list), web.post(_ACTION, self._act)]

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"actions": ALLOWED_ACTIONS[self._find(request)["state"]]})

    async def _act(self, request: web.Request) -> web.Response:
        server = self._find(request)
        body = await RequestBody.of(request)
        action = body.text("action")
        body.check()
        if action == "backup":
            raise not_in_stand_in("backups of servers")
        if action not in ALLOWED_ACTIONS[server["state"]]:
            raise bad_request(f"The action {action} is not possible while the server is {server['state']}.")
        match action:
            case "poweron":
                self._controller.start(server)
            case "poweroff":
                self._controller.stop(server, STOPPED, "stopping")
            case "stop_in_place":
                self._controller.stop(server, STOPPED_IN_PLACE, "stopping in place")
            case "reboot":
                self._controller.reboot(server)
            case "terminate":
                refuse_protected(server)
                self._controller.terminate(server)
            case _:
                raise invalid("action", f"there is no action {action}")
        return web.json_response(
            {
                "task": {
                    # Scaleway's own text: the tasks are gone, their answers have stayed.
                    "id": "00000000-0000-0000-0000-000000000000",
                    "description": "fake task",
                    "status": "pending",
                    "href_from": f"/servers/{server['id']}/action",
                    "href_result": f"/servers/{server['id']}",
                    "started_at": instance_now(),
                    "terminated_at": None,
                    "progress": 0,
                    "zone": server["zone"],
                }
            },
            status=202,
        )

    def _find(self, request: web.Request) -> Record:
        return self._store.servers.get(request.match_info["id"], zone=request.match_info["zone"])


def refuse_protected(server: Record) -> None:
    """Raise ApiError (412) for a server with deletion protection."""
    if server["protected"]:
        raise still_in_use("the server is protected: remove the protection first")
