"""Names: DNS labels and domains, e-mail addresses, folders, Kubernetes labels."""

from __future__ import annotations

import re
from typing import Annotated, Final

from common.settings.constraints import Text, matching

LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_LABEL: Final = 63
LONGEST_NAME: Final = 253
"""Characters of a domain name (RFC 1035, section 2.3.4, without the final dot)."""
LARGEST_PORT: Final = 65_535
RELATIVE_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
"""Path of a file or folder in the project's folder."""


def _are_labels(value: str) -> bool:
    return len(value) <= LONGEST_NAME and all(LABEL.fullmatch(label) for label in value.split("."))


Label = Annotated[
    str,
    Text(
        allowed="a DNS label: small letters, digits and hyphens, at most 63, with a letter or digit at both ends",
        accepts=lambda value: LABEL.fullmatch(value) is not None,
    ),
]
Labels = Annotated[
    str, Text(allowed="one or more DNS labels with dots between them, such as 'hunt'", accepts=_are_labels)
]
Domain = Annotated[
    str,
    Text(
        allowed="a domain name of two labels or more in small letters, such as 'example.org'",
        accepts=lambda value: _are_labels(value) and "." in value and not value.rpartition(".")[2].isdigit(),
    ),
]
Email = Annotated[
    str, matching("an e-mail address, such as 'operators@example.org'", r"[^@\s]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
]
_MAIL_SERVER: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+:([1-9]\d{1,4})")


def _is_mail_server(value: str) -> bool:
    found = _MAIL_SERVER.fullmatch(value)
    return found is not None and int(found[2]) <= LARGEST_PORT


MailServer = Annotated[
    str,
    Text(
        allowed=f"a mail server and its port, at most {LARGEST_PORT}, such as 'smtp.example.org:587'",
        accepts=_is_mail_server,
    ),
]
Folder = Annotated[
    str, matching("the name of a folder in the project's folder, such as 'hunts/autumn'", RELATIVE_PATH.pattern)
]
LabelKey = Annotated[
    str,
    matching(
        "a Kubernetes label key, such as 'role' or 'example.org/role'",
        r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
    ),
]
LabelValue = Annotated[
    str,
    matching(
        "a Kubernetes label value: at most 63 letters, digits, '.', '_' or '-', with a letter or digit at both ends",
        r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?",
    ),
]
