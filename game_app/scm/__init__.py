"""Source control: Gitea on the board (`gitea`) or an organisation at GitHub (`github`).

The rest of the game knows either as a `game_app.source_control.SourceControl`; `game_app.services.setup` is the program
that makes Gitea's accounts and repositories, and enables Drone for the repositories of either.
"""
