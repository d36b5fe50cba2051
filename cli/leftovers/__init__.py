"""`leftovers`: the proof that nothing of an environment is left at Scaleway, product by product."""
