"""A command that is told to end waits for the program that it runs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

WAITING = """
import signal, sys, time
def end(number, frame):
    print("ended in order", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, end)
print("begun", flush=True)
time.sleep(30)
"""
RUNNING = f"""
import sys
from pathlib import Path
from cli.interrupts import run_to_its_end
print(run_to_its_end([sys.executable, "-c", {WAITING!r}], Path("."), {{}}), flush=True)
"""


def test_a_program_is_told_to_end_and_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", RUNNING], stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout
        assert waiting.stdout.readline() == "begun\n"
        # Its handlers stand once the program runs.
        time.sleep(0.2)
        waiting.send_signal(signal.SIGTERM)
        assert waiting.stdout.read() == "ended in order\n7\n"
    assert waiting.returncode == 0
