"""A stand-in for pulumi-command 1.2.1: `remote.Command`, `remote.CopyToRemote` and `local.Command`.

Commands run over SSH (asyncssh) or here. `python -m rehearsal.plugins.command` is the plugin.

Deliberate differences from the official provider: connections are closed as soon as a command has ended; a
host is dialled by a few commands at a time, so that a stock sshd (MaxStartups 10:30:100) turns none away; and
what is cancelled ends at once, the command on the host too.
"""
