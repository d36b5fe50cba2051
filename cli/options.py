"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StackName = Annotated[str, typer.Argument(metavar="STACK", help="Name of the stack: dev, staging or production.")]
ProjectFolder = Annotated[
    Path,
    typer.Option(
        "--project",
        metavar="FOLDER",
        help="Folder with Pulumi.yaml; by default this clone.",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
EngineProgram = Annotated[
    str,
    typer.Option(
        "--pulumi", metavar="PROGRAM", help="Pulumi's command line; by default the one on PATH.", show_default=False
    ),
]
DEFAULT_ENGINE = "pulumi"
