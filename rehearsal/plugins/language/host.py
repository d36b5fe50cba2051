"""The service that the engine asks for everything that depends on a program's language.

The engine starts it in the project's folder and in a process group of its own, so that a terminal's Ctrl-C reaches the
engine alone, which then asks `Cancel`. It asks `Cancel` at each normal end, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2 as pb
from pulumi.runtime.proto import plugin_pb2
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer, add_LanguageRuntimeServicer_to_server

from rehearsal.plugins.language.python import ProjectPython, ProjectPythonError

ERROR_IS_SHOWN: Final = 32
"""The executor's exit code where the operator has read what went wrong already."""
MOST_CONFIGURATION: Final = 128 * 1024
"""Bytes that Linux allows one environment variable (MAX_ARG_STRLEN of execve(2)), its name included."""
GRACE: Final = 4.0
"""Seconds that a program may take to end once told to; the engine kills the host itself after 5."""
_EXECUTOR: Final = Path(__file__).with_name("executor.py")
Context = grpc.aio.ServicerContext[object, object]


class Host(LanguageRuntimeServicer):
    """Runs programs for the engine at an address (host:port)."""

    def __init__(self, engine: str, executor: Path = _EXECUTOR) -> None:
        self._engine = engine
        self._executor = executor
        self._programs: set[asyncio.subprocess.Process] = set()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve this on a server."""
        add_LanguageRuntimeServicer_to_server(self, server)

    async def Handshake(self, request: pb.LanguageHandshakeRequest, context: Context) -> pb.LanguageHandshakeResponse:  # noqa: N802
        # Asked only where the engine attaches to a host that runs already (PULUMI_DEBUG_LANGUAGES).
        self._engine = request.engine_address or self._engine
        return pb.LanguageHandshakeResponse()

    async def GetPluginInfo(self, request: Empty, context: Context) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=version("pulumi"))

    async def Cancel(self, request: Empty, context: Context) -> Empty:  # noqa: N802
        self._terminate()
        return Empty()

    async def GetRequiredPackages(  # noqa: N802
        self, request: pb.GetRequiredPackagesRequest, context: Context
    ) -> pb.GetRequiredPackagesResponse:
        async with _errors(context):
            packages = [
                plugin_pb2.PackageDependency(
                    name=str(plugin["name"]),
                    kind="resource",
                    version=str(plugin.get("version", "")),
                    server=str(plugin.get("server", "")),
                )
                for plugin in await ProjectPython(request.info).plugins()
                if plugin.get("resource") and plugin.get("name")
            ]
            return pb.GetRequiredPackagesResponse(packages=packages)

    async def Run(self, request: pb.RunRequest, context: Context) -> pb.RunResponse:  # noqa: N802
        async with _errors(context):
            if request.attach_debugger:
                raise ProjectPythonError("The stand-in for pulumi-language-python starts no debugger.")
            python = ProjectPython(request.info)
            # Arguments are open to everyone on the machine; what a process has in its environment is not.
            configuration = {
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            }
            _refuse_too_large(configuration, request)
            # What it prints goes where the output of this process goes, which the engine shows line by line.
            program = await asyncio.create_subprocess_exec(
                python.command,
                # The executor's neighbours are none of the program's modules.
                "-P",
                "-u",
                str(self._executor),
                *_arguments(request, self._engine),
                stdin=asyncio.subprocess.DEVNULL,
                cwd=request.pwd,
                env={**python.environment(), **configuration},
            )
            self._programs.add(program)
            try:
                code = await program.wait()
            finally:
                self._programs.discard(program)
            if code == ERROR_IS_SHOWN:
                return pb.RunResponse(bail=True)
            return pb.RunResponse(error=f"Program exited with non-zero exit code: {code}" if code else "")

    async def InstallDependencies(  # noqa: N802
        self, request: pb.InstallDependenciesRequest, context: Context
    ) -> AsyncGenerator[pb.InstallDependenciesResponse]:
        async with _errors(context):
            python = ProjectPython(request.info)
            for step in python.steps_to_install():
                child = await asyncio.create_subprocess_exec(
                    *step,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                    cwd=python.folder,
                    env=python.environment(),
                )
                async for line in child.stdout or ():
                    yield pb.InstallDependenciesResponse(stdout=line)
                if await child.wait():
                    raise ProjectPythonError(f"'{' '.join(step)}' failed.")

    async def About(self, request: pb.AboutRequest, context: Context) -> pb.AboutResponse:  # noqa: N802
        async with _errors(context):
            asked = "import platform, sys; print(sys.executable, platform.python_version(), sep='\\n')"
            executable, number = (await ProjectPython(request.info).printed("-P", "-c", asked)).splitlines()
            return pb.AboutResponse(executable=executable, version=number, metadata={"toolchain": "pip"})

    async def GetProgramDependencies(  # noqa: N802
        self, request: pb.GetProgramDependenciesRequest, context: Context
    ) -> pb.GetProgramDependenciesResponse:
        async with _errors(context):
            own = [] if request.transitiveDependencies else ["--not-required"]
            listing = ("-P", "-m", "pip", "list", "--format=json", "--disable-pip-version-check", *own)
            installed = json.loads(await ProjectPython(request.info).printed(*listing))
            return pb.GetProgramDependenciesResponse(
                dependencies=[pb.DependencyInfo(name=each["name"], version=each["version"]) for each in installed]
            )

    async def RuntimeOptionsPrompts(  # noqa: N802
        self, request: pb.RuntimeOptionsRequest, context: Context
    ) -> pb.RuntimeOptionsResponse:
        return pb.RuntimeOptionsResponse()

    async def stop(self) -> None:
        """End every program, gently at first."""
        self._terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await asyncio.gather(*(program.wait() for program in self._programs))
        for program in self._programs:
            program.kill()

    def _terminate(self) -> None:
        for program in self._programs:
            with contextlib.suppress(ProcessLookupError):
                program.terminate()


def _arguments(request: pb.RunRequest, engine: str) -> list[str]:
    """The executor's arguments, the same as the official host's."""
    options = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": str(request.dryRun).lower(),
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    given = [f"--{name}={value}" for name, value in options.items() if value]
    return [*given, request.info.entry_point or ".", *request.args]


def _refuse_too_large(configuration: dict[str, str], request: pb.RunRequest) -> None:
    largest = max(len(f"{name}={value}\0".encode()) for name, value in configuration.items())
    if largest > MOST_CONFIGURATION:
        key, value = max(request.config.items(), key=lambda item: len(item[1]))
        raise ProjectPythonError(
            f"The settings take {largest} bytes, and reach a program in one environment variable, which holds "
            f"{MOST_CONFIGURATION} at most; the longest is {key} with {len(value.encode())}: shorten it, or divide "
            "what it lists among several stacks."
        )


@contextlib.asynccontextmanager
async def _errors(context: Context) -> AsyncGenerator[None]:
    """A program that cannot be begun is an error of the request, which the engine shows."""
    try:
        yield
    except (ProjectPythonError, OSError) as error:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
