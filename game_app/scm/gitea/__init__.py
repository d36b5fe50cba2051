"""Gitea on the board: the game's source control where nothing else is set, which needs nobody outside."""
