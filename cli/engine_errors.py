"""Refusals of the engine: the frequent ones as errors of their own, each with what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final


class EngineError(Exception):
    """The engine refused; the text is what it said, or a sentence that says what to do."""


class NoBackendError(EngineError):
    """The engine was never told where to keep the state of stacks, or cannot open it."""


class NoPassphraseError(EngineError):
    """Secrets need a passphrase, and none was given."""


class WrongPassphraseError(EngineError):
    """The passphrase is not the one that the stack's secrets were encrypted with."""


class NoEngineError(EngineError):
    """The engine's program is not there."""


class NoStackError(EngineError):
    """The backend has no stack of that name."""


_KEEP: Final = "'export PULUMI_CONFIG_PASSPHRASE_FILE=FILE', where FILE holds a passphrase"
_KNOWN: Final[Sequence[tuple[str, type[EngineError], str]]] = (
    (
        "PULUMI_ACCESS_TOKEN must be set for login",
        NoBackendError,
        "Pulumi has no backend for the state of stacks ('PULUMI_ACCESS_TOKEN must be set'): run '{engine} login "
        f"file://~', or name another backend, and {_KEEP} of your own, then this command again.",
    ),
    *(
        (
            words,
            NoBackendError,
            "The folder or bucket that '{engine} whoami -v' names for the state of stacks cannot be opened: "
            "'{engine} login' leads elsewhere.",
        )
        for words in ("unable to open state directory", "unable to open bucket")
    ),
    (
        "passphrase must be set with",
        NoPassphraseError,
        f"A passphrase must be set for the secrets of stack {{stack}}: run {_KEEP}, then this command again.",
    ),
    (
        "incorrect passphrase",
        WrongPassphraseError,
        f"This is an incorrect passphrase for stack {{stack}}: run {_KEEP}, and 'unset PULUMI_CONFIG_PASSPHRASE', "
        "which comes first; then this command again.",
    ),
    (
        "unable to read PULUMI_CONFIG_PASSPHRASE_FILE",
        EngineError,
        "The file that PULUMI_CONFIG_PASSPHRASE_FILE names cannot be read: name the one with the passphrase of stack "
        "{stack}.",
    ),
    (
        "no stack named",
        NoStackError,
        "There is no stack named {stack} where '{engine} whoami -v' says that stacks are kept: 'make init "
        "STACK={stack}' makes it; '{engine} login' leads elsewhere.",
    ),
)
"""What the engine says (pkg/v3 3.274), and the sentence in its place, which keeps the engine's own words."""


def refusal(engine: str, stack: str, arguments: Sequence[str], said: str) -> EngineError:
    """The error for what the engine said when it refused a command."""
    for words, error, sentence in _KNOWN:
        if words in said:
            return error(sentence.format(engine=engine, stack=stack))
    return EngineError(f"'pulumi {' '.join(arguments[:2])}' failed: {said.strip()}")
