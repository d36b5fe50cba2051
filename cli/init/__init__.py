"""`init`: the stack of a new environment, with its settings, keys and passwords."""
