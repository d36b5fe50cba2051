"""Errors that the operator can correct, printed once."""

from __future__ import annotations

import sys
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
    """Print a `pulumi.RunError` and end the program; the engine would add an error of its own, "unhandled"."""
    try:
        yield
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        sys.exit(ALREADY_SHOWN)
