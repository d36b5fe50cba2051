"""The whole game: a game master that outlives the boards, the boards, and what runs on the active one."""

import pulumi
from pulumi import ResourceOptions

from board import Board, BoardArgs
from common import evaluation, providers
from common.errors import shown_once
from common.helm import Charts
from common.settings import GRAFANA, load
from game_app import GameApp, GameAppArgs, image_registry, load_course
from gamemaster import DnsRecords, DnsRecordsArgs, GameMaster
from observability import Observability, ObservabilityArgs

with shown_once():
    settings = load(pulumi.Config(), pulumi.get_stack())
    course = load_course(settings.game_app.hunt)
    ssh = providers.ssh()
    scaleway = providers.scaleway(settings.scaleway)
    charts = Charts(repositories=settings.sources.charts, timeout=settings.sources.chart_timeout_seconds)
    evaluation.speed_up()

    game_master = GameMaster("gamemaster", settings, opts=ResourceOptions(providers=[scaleway, ssh]))
    boards = {
        name: Board(
            f"board-{name}",
            BoardArgs(
                settings=settings,
                board=name,
                charts=charts,
                vpc_id=game_master.vpc_id,
                zone=game_master.zone,
                name_server=game_master.ip,
                key=game_master.tsig_keys[name],
                rancher=game_master.rancher,
            ),
            opts=ResourceOptions(providers=[scaleway, ssh]),
        )
        for name in settings.boards
    }
    active = boards[settings.active_board]
    on_the_active_board = ResourceOptions(providers=[active.provider], deleted_with=active.cluster)
    observability = Observability(
        "observability",
        ObservabilityArgs(settings=settings, charts=charts, board=active, game_master_ip=game_master.private_ip),
        opts=on_the_active_board,
    )
    registry = image_registry("registry", settings, ResourceOptions(providers=[scaleway]))
    game_args = GameAppArgs(settings=settings, course=course, registry=registry, board=active)
    game = GameApp("game", game_args, opts=on_the_active_board)

    DnsRecords(
        "dns-records",
        DnsRecordsArgs(
            host=game_master.host,
            zone=game_master.zone,
            a_records={f"*.{name}": board.ingress_ip for name, board in boards.items()}
            | dict.fromkeys([*settings.hosts, f"*.{settings.game_app.host}"], game.address)
            | {GRAFANA: observability.address},
            cname_records=settings.challenges,
        ),
        opts=ResourceOptions(providers=[ssh]),
    )

    pulumi.export("game_master_ip", game_master.ip)
    pulumi.export("zone", game_master.zone)
    pulumi.export("delegation", game_master.delegation)
    pulumi.export("ds", game_master.ds)
    pulumi.export("boards", {name: board.ingress_ip for name, board in boards.items()})
    pulumi.export("kubeconfig", active.kubeconfig)
    pulumi.export("grafana_url", observability.grafana_url)
    pulumi.export("game_url", game.url)
    pulumi.export("operators_code", game.operators_code)
    pulumi.export("maintainer_password", game.maintainer_password)
    pulumi.export("teams", game.teams)
