"""The file of a rehearsal's stack, which the project's own `init` writes, as it does an operator's.

`init` makes every key and password that is not given, and replaces nothing. What it made the first time is kept in the
rehearsal's folder; a setting that has another value now is taken out of the file, and `init` adds it again.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from rehearsal import engine
from rehearsal.configuration import write_private
from rehearsal.session import Session, SessionError

Tree = dict[str, Any]


def write(session: Session, values: Tree, changes: Mapping[str, Any]) -> None:
    """Bring the stack's file to these settings.

    values: the rehearsal's own settings. changes: whole settings in their place, for this time.
    Raises SessionError with what `init` says of a setting that it refuses.
    """
    _link(session)
    kept = _kept_file(session)
    if not kept.exists():
        _bring(session, values, {})
        # Not what the project file gives to every stack that says nothing.
        own = {key.partition(":")[2] for key in _content(_file(session))["config"]}
        found = engine.settings(engine.stack(session))
        write_private(kept, json.dumps({key: value for key, value in found.items() if key in own}))
    made = {key: value for key, value in settings(session).items() if key not in changes}
    _bring(session, {**values, **changes}, made)


def settings(session: Session) -> Tree:
    """The rehearsal's own settings with the keys that `init` made, before any change."""
    return json.loads(_kept_file(session).read_text())


def project_file(session: Session) -> Path:
    """Where the engine looks for the stack's file: in the project's folder."""
    return engine.PROJECT / f"Pulumi.{engine.stack_name(session)}.yaml"


def remove(session: Session) -> None:
    """Take the stack's file out of the project's folder, in every checkout from which the rehearsal was raised."""
    for link in _links(session):
        link.unlink(missing_ok=True)


def _link(session: Session) -> None:
    """Lay the file in the rehearsal's folder, so that any checkout of the project finds the same one."""
    link = project_file(session)
    (session.home / "links.json").write_text(json.dumps(sorted({*map(str, _links(session)), str(link)})))
    link.unlink(missing_ok=True)
    link.symlink_to(_file(session))


def _links(session: Session) -> list[Path]:
    known = session.home / "links.json"
    return [Path(path) for path in json.loads(known.read_text())] if known.exists() else []


def _bring(session: Session, wanted: Tree, made: Tree) -> None:
    """Make the file say what is wanted, unless it does: encrypting takes as long as a small update.

    made: settings that count where `wanted` says nothing, such as the keys in a section.
    """
    marks = session.home / "settings.sha256.json"
    digests = {
        key: hashlib.sha256(json.dumps([wanted.get(key), made.get(key)], sort_keys=True).encode()).hexdigest()
        for key in sorted({*wanted, *made})
    }
    written: dict[str, str] = json.loads(marks.read_text()) if marks.exists() else {}
    if written == digests:
        return
    marks.unlink(missing_ok=True)
    _take_out(_file(session), keep={key for key, digest in digests.items() if written.get(key) == digest})
    _init(session, wanted, made)
    marks.write_text(json.dumps(digests))


def _take_out(file: Path, keep: set[str]) -> None:
    content = _content(file)
    found = cast("Tree", content.get("config") or {})
    if found:
        content["config"] = {key: value for key, value in found.items() if key.partition(":")[2] in keep}
        file.write_text(yaml.safe_dump(content))


def _content(file: Path) -> Tree:
    return yaml.safe_load(file.read_text()) if file.exists() else {}


def _init(session: Session, wanted: Tree, made: Tree) -> None:
    program = engine.home_of(session) / "bin" / "pulumi"
    below = session.home / "made.json"
    write_private(below, json.dumps(made))
    arguments = [engine.stack_name(session), "--values", below, "--values", "-", "--pulumi", program]
    done = subprocess.run(
        [sys.executable, "-m", "cli", "init", *arguments],
        cwd=engine.PROJECT,
        env=engine.own_environment(session),
        # Standard input, for there are secrets among them.
        input=json.dumps(wanted),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SessionError(f"The settings of the rehearsal are refused:\n{done.stdout.strip()}")


def _file(session: Session) -> Path:
    return session.home / "stack.yaml"


def _kept_file(session: Session) -> Path:
    return session.home / "settings.json"
