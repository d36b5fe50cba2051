"""Errors of the program, printed at once and once."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import pulumi

ALREADY_SHOWN: Final = 32
"""Exit status after which the engine prints no error of its own.

Source: https://github.com/pulumi/pulumi/blob/master/sdk/python/cmd/pulumi-language-python-exec
"""


@contextmanager
def shown_once() -> Generator[None]:
    """Show an error of the program as soon as it is raised, and end the program.

    Pulumi's SDK waits for every outstanding request before it shows an exception (`run_pulumi_func` in
    pulumi/runtime/stack.py): for minutes, where a resource that was begun before waits for one that now never comes.
    The first line says what is wrong, because the engine shows no other before the update has ended. An error that the
    operator can mend (`pulumi.RunError`) is shown without a traceback.
    """
    try:
        yield
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        sys.exit(ALREADY_SHOWN)
    except Exception as error:
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        trace = "".join(traceback.format_exception(type(error), error, frames))
        pulumi.log.error(f"The program failed: {type(error).__name__}: {error}\n{trace}")
        sys.exit(ALREADY_SHOWN)
