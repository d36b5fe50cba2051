"""Source control: Gitea on the board, and what sets it and Drone up without a click."""
