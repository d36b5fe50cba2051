"""Gitea on the board, the source control by default, for which nobody needs an account elsewhere."""
