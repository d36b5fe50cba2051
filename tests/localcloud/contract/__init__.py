"""Holds the Scaleway stand-in against what Scaleway answered when the provider's makers recorded it."""
