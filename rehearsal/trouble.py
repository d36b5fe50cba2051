"""What may go wrong in a rehearsal in a way that its own sentence explains."""

from __future__ import annotations

from pulumi.automation import CommandError

from rehearsal.instances import InstanceError
from rehearsal.processes import ProcessError
from rehearsal.toolchain.tools import ToolchainError

TROUBLE = (InstanceError, ProcessError, ToolchainError, CommandError)
