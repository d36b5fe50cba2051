"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StackName = Annotated[str, typer.Argument(metavar="STACK", help="Name of the stack, as in 'pulumi up --stack NAME'.")]
ProjectFolder = Annotated[
    Path, typer.Option("--project", metavar="FOLDER", help="Folder with Pulumi.yaml.", exists=True, file_okay=False)
]
EngineProgram = Annotated[
    str, typer.Option("--pulumi", metavar="PROGRAM", help="Pulumi's engine; by default the one on PATH.")
]
DEFAULT_ENGINE = "pulumi"
