"""Source control: Gitea on the board (`gitea`) or an organisation at GitHub (`github`).

The rest of the game knows either as a `game_app.source_control.SourceControl`; `setup` is the program that makes
accounts, repositories and webhooks, and enables Drone for them.
"""
