"""The API key that a rehearsal's program uses, in the formats that Scaleway's clients insist on."""

from __future__ import annotations

import json
import os
import secrets
import string
import uuid
from dataclasses import asdict, dataclass

from rehearsal.session import Session


@dataclass(frozen=True)
class Credentials:
    """An API key, its project and its organization."""

    access_key: str
    """SCW and 17 capital letters or digits."""
    secret_key: str
    """A UUID."""
    project_id: str
    organization_id: str

    @classmethod
    def generate(cls) -> Credentials:
        tail = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(17))
        return cls(f"SCW{tail}", str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4()))

    @classmethod
    def load_or_create(cls, session: Session) -> Credentials:
        """The rehearsal's own, made at its first use and kept in credentials.json (mode 600)."""
        file = session.home / "credentials.json"
        if file.exists():
            return cls(**json.loads(file.read_text()))
        made = cls.generate()
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(asdict(made), out)
        return made
