"""Source control: what the rest of the game sees of it (`source`), and those that there are.

`gitea` raises one on the board. `setup` sets up, without a click, what Drone needs of either.
"""
