"""Errors of a rehearsal whose own text says what to do, so that no traceback is shown."""

from __future__ import annotations

from pulumi.automation import CommandError

from rehearsal.instances import InstanceError
from rehearsal.processes import ProcessError
from rehearsal.toolchain.tools import ToolchainError

EXPLAINED_ERRORS = (InstanceError, ProcessError, ToolchainError, CommandError)
