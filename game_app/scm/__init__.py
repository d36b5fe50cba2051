"""Source control: what the rest of the game sees of it (`source`), and those that there are.

`gitea` raises one on the board, `github` has an organisation there; `setup` sets up what Drone needs of either.
"""
