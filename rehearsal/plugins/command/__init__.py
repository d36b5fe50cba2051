"""A stand-in for pulumi-command 1.2.1: `remote.Command`, `remote.CopyToRemote` and `local.Command`.

Commands run over SSH (asyncssh) or here. `python -m rehearsal.plugins.command` is the plugin.

Two deliberate differences from the official provider: connections are closed as soon as a command has
ended, and a host is dialled by a few commands at a time, so that a stock sshd (MaxStartups 10:30:100)
turns none away.
"""
