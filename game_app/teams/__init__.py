"""Teams: a namespace for each on the board, admission rules for what teams deploy, and the printed sheets."""
