"""Runs a Pulumi program in the interpreter of its project and ends with the official executor's exit codes.

0 where the program ran, 32 where its error is shown already, 1 where the engine is to say that it failed; a program
that calls `sys.exit` gives its own. It imports nothing of this project: the interpreter has the program's packages.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ERROR_IS_SHOWN = 32
OPTIONS = ("project", "root_directory", "stack", "parallel", "dry_run", "pwd", "monitor", "engine", "organization")


def main() -> int:
    """Run the program that the command line names."""
    parser = argparse.ArgumentParser()
    for name in OPTIONS:
        parser.add_argument(f"--{name}")
    parser.add_argument("program")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    try:
        import pulumi  # noqa: PLC0415 (the program's interpreter may lack it)
        from pulumi import runtime  # noqa: PLC0415
    except ImportError:
        traceback.print_exc()
        print("The Pulumi SDK is not installed in this Python: run 'make setup'.", file=sys.stderr)
        return 1
    parallel = int(given.parallel)
    runtime.set_all_config(runtime.get_config_env(), runtime.get_config_secret_keys_env())
    runtime.configure(
        runtime.Settings(
            monitor=given.monitor,
            engine=given.engine,
            project=given.project,
            stack=given.stack,
            parallel=parallel,
            dry_run=given.dry_run == "true",
            organization=given.organization,
            root_directory=given.root_directory,
        )
    )
    sys.argv = [given.program, *given.arguments]
    os.chdir(given.pwd)
    # A program that fails leaves awaited results behind; what asyncio says of them helps nobody.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # The engine takes so many registrations at once, and each blocks a thread.
    threads = ThreadPoolExecutor(max(parallel, 1) * 4)
    loop.set_default_executor(threads)

    def run() -> None:
        runpy.run_path(given.program, run_name="__main__")

    try:
        loop.run_until_complete(runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:
        pulumi.log.error(f"Program failed with an unhandled exception:\n{_traceback(error, Path(given.program))}")
        return ERROR_IS_SHOWN
    finally:
        threads.shutdown()
        loop.close()
    return 0


def _traceback(error: Exception, program: Path) -> str:
    """The traceback from the program's own first frame on, where it has one."""
    frames = traceback.extract_tb(error.__traceback__)
    entry = program if program.suffix else program / "__main__.py"
    own = (number for number, frame in enumerate(frames) if Path(frame.filename).absolute() == entry.absolute())
    return "".join(traceback.format_exception(error, limit=next(own, 0) - len(frames)))


if __name__ == "__main__":
    sys.exit(main())
