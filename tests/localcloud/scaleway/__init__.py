"""Asks the Scaleway stand-in over HTTP, as the provider does, for what the recordings do not show."""
