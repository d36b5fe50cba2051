"""`destroy`: backup, removal of everything that a stack holds, and the proof that nothing is left."""
