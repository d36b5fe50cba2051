"""`doctor`: whatever would stop an environment from being raised, found before a euro is spent. Changes nothing.

One file for each concern, with a check that asks and gives lines. Checks run beside each other, with a time limit.
"""
