"""`doctor`: what would stop an environment from being raised, found before a euro is spent. Nothing is changed by it.

A file for each concern; each has a check, which asks and gives lines. Checks run beside each other, with a time limit.
"""

from cli.doctor.command import doctor

__all__ = ["doctor"]
