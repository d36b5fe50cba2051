"""A certificate authority for the rehearsal: Pebble, the ACME server that Let's Encrypt tests clients with.

It is a real authority in all but trust: it looks for the proofs where DNS says, by asking the game
master's own bind9.
"""

from rehearsal.acme.authority import Authority, AuthorityError

__all__ = ["Authority", "AuthorityError"]
