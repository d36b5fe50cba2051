"""Teams: a namespace for each on the board and admission rules for what teams deploy."""
