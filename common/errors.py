"""Errors that the operator can mend, shown once."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import pulumi

ALREADY_SHOWN: Final = 32
"""Exit status that tells the engine to say no more about an error.

Source: https://github.com/pulumi/pulumi/blob/master/sdk/python/cmd/pulumi-language-python-exec
"""


@contextmanager
def shown_once() -> Generator[None]:
    """End the program at a `pulumi.RunError`, which the engine would follow by one of its own, "unhandled"."""
    try:
        yield
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        sys.exit(ALREADY_SHOWN)
