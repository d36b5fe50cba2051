"""Treasure hunt: pages for teams and operators, checks of the teams' steps, merging of green pull requests."""
