"""A Helm repository on loopback with stand-ins for the charts that the program installs.

Each stand-in bears the real chart's name, version and names of objects, and has a schema that takes
the values which the program sets and refuses unknown keys. What it installs are the objects that the
program and an operator look for; their containers never run.
"""

from rehearsal.charts.registry import ChartRegistry

__all__ = ["ChartRegistry"]
