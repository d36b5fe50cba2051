"""The plugin: `python -m rehearsal.plugins.command [engine address]`."""

from rehearsal.plugins.command.provider import CommandProvider
from rehearsal.plugins.protocol import main

main(CommandProvider())
