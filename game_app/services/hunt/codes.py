"""What a team proves itself with and what it looks for, derived from the hunt's one key.

The program derives the same for the team's sheet and for the pod whose logs hold the word.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

_CODE_BYTES: Final = 10
"""80 bits: sixteen letters, which nobody guesses."""
_WORD_BYTES: Final = 5


def team_code(key: str, team: str, renewals: int = 0) -> str:
    """What a team logs in with, such as `abcd-efgh-ijkl-mnop`. renewals: how often the operators renewed the code."""
    purpose = f"team\0{team}" + (f"\0{renewals}" if renewals else "")
    return _grouped(_derived(key, purpose, _CODE_BYTES))


def operators_code(key: str) -> str:
    """What the operators log in with: four groups more than a team's."""
    return _grouped(_derived(key, "operators", 2 * _CODE_BYTES))


def word(key: str, team: str, step: str) -> str:
    """The word that a team looks for in a step."""
    return _derived(key, f"word\0{team}\0{step}", _WORD_BYTES)


def plain(code: str) -> str:
    """A code as it was typed, without what a person adds or changes."""
    return "".join(character for character in code.casefold() if character.isalnum())


def _derived(key: str, purpose: str, length: int) -> str:
    digest = hmac.digest(key.encode(), purpose.encode(), "sha256")[:length]
    return base64.b32encode(digest).decode().lower()


def _grouped(code: str) -> str:
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
