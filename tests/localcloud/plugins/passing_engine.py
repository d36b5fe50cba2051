"""A program that starts a plugin as the engine does, says what it knows of it, and stays until it is killed.

Its first line is the plugin's process id, printed before the plugin is up; its second is the plugin's port.
"""

from __future__ import annotations

import signal
import subprocess
import sys


def main() -> None:
    plugin = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    print(plugin.pid, flush=True)
    assert plugin.stdout
    print(plugin.stdout.readline(), end="", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
