"""Hunt: the steps that lead teams through the game, the page that shows them, and the checks of each step.

`example` is the hunt that comes with the project, `folder` reads such a folder; the program: `game_app.services.hunt`.
"""
