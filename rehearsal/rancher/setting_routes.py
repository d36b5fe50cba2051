"""Settings of Rancher's API."""

from __future__ import annotations

from aiohttp import web

from rehearsal.rancher.answers import ApiError, body_of, found, texts
from rehearsal.rancher.api_context import ApiContext
from rehearsal.rancher.state import ADMIN, READ_ONLY, Setting
from rehearsal.rancher.views import SETTING, View


class SettingRoutes:
    """Settings; those that Rancher has from the start cannot be deleted."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v3/settings", self._settings),
            web.post("/v3/settings", self._create_setting),
            web.get("/v3/settings/{id}", self._setting),
            web.put("/v3/settings/{id}", self._update_setting),
            web.delete("/v3/settings/{id}", self._delete_setting),
        ]

    async def _settings(self, request: web.Request) -> web.Response:
        views = self._context.views(request)
        data = [views.setting(setting) for setting in self._context.state.settings.values()]
        return web.json_response(views.collection(SETTING, data, request.query))

    async def _create_setting(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        name = str(body.get("name") or "")
        if not name:
            raise ApiError(422, "MissingRequired", "name is required")
        if name in self._context.state.settings:
            raise ApiError(409, "AlreadyExists", f"setting {name} already exists")
        setting = Setting(name, creator=ADMIN)
        self._context.state.settings[name] = setting
        return self._kept(request, setting, body, 201)

    async def _setting(self, request: web.Request) -> web.Response:
        setting = found(self._context.state.settings.get(request.match_info["id"]))
        return web.json_response(self._context.views(request).setting(setting))

    async def _update_setting(self, request: web.Request) -> web.Response:
        setting = found(self._context.state.settings.get(request.match_info["id"]))
        if setting.name in READ_ONLY:
            raise ApiError(405, "MethodNotAllowed", f"setting {setting.name} is readOnly")
        return self._kept(request, setting, await body_of(request), 200)

    def _kept(self, request: web.Request, setting: Setting, body: View, status: int) -> web.Response:
        value = str(body.get("value") or "")
        if setting.name.endswith("-ttl-minutes") and value and not value.isdigit():
            raise ApiError(422, "InvalidFormat", f"setting {setting.name} must be a number of minutes")
        setting.value = value
        setting.labels = texts(body, "labels") if "labels" in body else setting.labels
        setting.annotations = texts(body, "annotations") if "annotations" in body else setting.annotations
        self._context.state.save()
        return web.json_response(self._context.views(request).setting(setting), status=status)

    async def _delete_setting(self, request: web.Request) -> web.Response:
        setting = found(self._context.state.settings.get(request.match_info["id"]))
        if not setting.creator:
            raise ApiError(405, "MethodNotAllowed", f"setting {setting.name} cannot be deleted")
        del self._context.state.settings[setting.name]
        self._context.state.save()
        return web.Response(status=204)
