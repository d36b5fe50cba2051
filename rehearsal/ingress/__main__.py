"""Command of the ingress stand-in, with the flags that F5's chart passes; its ports are those of F5's controller."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import ClientError, web

from rehearsal.ingress.controller import Choices, Controller, ControllerError
from rehearsal.ingress.nginx import Nginx
from rehearsal.kapsule.kube import Kube

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_ONLY = {
    "enable-custom-resources": "false",
    "enable-snippets": "false",
    "enable-telemetry-reporting": "false",
    "enable-leader-election": None,
    "enable-latency-metrics": None,
}
"""Flags of F5's that change nothing here, and the one value that each may have."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT, or nginx ends. Gives 0 after a signal, else 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    options = _parser().parse_args(arguments)
    try:
        return asyncio.run(_run(options))
    except ControllerError as error:
        logging.error("%s", error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nginx-ingress", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    name = "<namespace>/<name>"
    add("-nginx-configmaps", required=True, metavar=name, help="ConfigMap with the parameters of nginx")
    add("-ingress-class", default="nginx", metavar="NAME", help="IngressClass of the Ingresses that are served")
    add("-default-server-tls-secret", metavar=name, help="Secret with the certificate for unknown hosts")
    add("-wildcard-tls-secret", metavar=name, help="Secret with the certificate for hosts whose Ingress names none")
    add("-external-service", metavar="NAME", help="LoadBalancer Service beside this pod, whose addresses are reported")
    add("-report-ingress-status", type=_boolean, nargs="?", const=True, default=False, help="whether they are")
    add("-disable-ipv6", type=_boolean, nargs="?", const=True, default=False, help="listen on IPv4 alone")
    add("-ready-status-port", type=int, default=8081, metavar="PORT", help="port of /nginx-ready")
    add("-enable-prometheus-metrics", type=_boolean, nargs="?", const=True, default=False, help="serve /metrics")
    add("-prometheus-metrics-listen-port", type=int, default=9113, metavar="PORT", help="port of /metrics")
    for flag, only in _ONLY.items():
        add(f"-{flag}", choices=[only] if only else ["true", "false"], help=f"only {only}" if only else "no effect")
    add("-nginx", default="/usr/sbin/nginx", metavar="FILE", help="nginx's program (of the stand-in alone)")
    add("-folder", type=Path, default=Path("/tmp/nginx"), help="nginx's files (of the stand-in alone)")  # noqa: S108
    add("-account", type=Path, default=_ACCOUNT, metavar="FOLDER", help="token and CA (of the stand-in alone)")
    return parser


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text} is neither true nor false")
    return text == "true"


async def _run(options: argparse.Namespace) -> int:
    own = os.environ["POD_NAMESPACE"]
    server = "https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}".format(**os.environ)
    # Longer than its hour, for the API server extends tokens of pods to a year.
    kube = Kube(server, options.account / "ca.crt", (options.account / "token").read_text())
    options.folder.mkdir(parents=True, exist_ok=True)
    nginx = Nginx(options.nginx, options.folder)
    choices = Choices(
        ingress_class=options.ingress_class,
        config_map=options.nginx_configmaps,
        default_certificate=options.default_server_tls_secret,
        wildcard_certificate=options.wildcard_tls_secret,
        service=f"{own}/{options.external_service}" if options.report_ingress_status else None,
        ipv6=not options.disable_ipv6,
    )
    controller = Controller(kube, nginx, choices)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    async def readiness(_request: web.Request) -> web.Response:
        return web.Response(text="Ready\n") if controller.ready else web.Response(status=503, text="Not yet\n")

    runners = [await _serve(options.ready_status_port, "/nginx-ready", readiness)]
    if options.enable_prometheus_metrics:
        port = options.prometheus_metrics_listen_port
        runners.append(await _serve(port, "/metrics", lambda _request: _metrics(nginx)))
    try:
        await controller.prepare()
        tasks = [asyncio.ensure_future(each) for each in (controller.run(), nginx.wait(), stopping.wait())]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(task for task in tasks if task not in done), return_exceptions=True)
        for task in done:
            task.result()
        if not stopping.is_set():
            raise ControllerError("nginx ended unexpectedly; its last words are above")
        return 0
    finally:
        await nginx.stop()
        await kube.close()
        for runner in runners:
            await runner.cleanup()


async def _serve(port: int, path: str, answer: Callable[[web.Request], Awaitable[web.Response]]) -> web.AppRunner:
    application = web.Application()
    application.router.add_get(path, answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104 - probes and Prometheus come from other hosts
    return runner


async def _metrics(nginx: Nginx) -> web.Response:
    """nginx's own numbers, under the names that F5's controller gives them."""
    try:
        words = (await nginx.status("/stub_status")).split()
        numbers = {
            "up": "1",
            "connections_active": words[2],
            "connections_accepted": words[7],
            "http_requests_total": words[9],
        }
    except (ClientError, OSError):
        numbers = {"up": "0"}
    return web.Response(text="".join(f"nginx_ingress_nginx_{name} {value}\n" for name, value in numbers.items()))


if __name__ == "__main__":
    sys.exit(main())
