"""Guard: Drone's configuration and validation extension, which says what each build runs, so that no pull request does.

`guard` is the component, `pipelines` makes the files that the guard's program serves: `game_app.services.guard`.
"""
