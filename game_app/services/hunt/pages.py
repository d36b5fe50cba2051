"""Pages as HTML. They need no JavaScript, and have none.

What comes from a hunt's texts is HTML already, made by the program; everything else is escaped where it goes in.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from .game import Game, TeamStatus
from .hunt_steps import Logged, Step
from .hunt_teams import filled
from .sessions import Session

_FOLDER: Final = Path(__file__).parent / "pages"
_TEMPLATES: Final = {file.stem: Template(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.glob("*.html"))}
STYLE: Final = (_FOLDER / "style.css").read_bytes()


def welcome(game: Game, *, wrong: bool = False) -> str:
    """What somebody sees who has not logged in. wrong: the code was."""
    complaint = '<p class="complaint" id="complaint">That code opens nothing. Type it as it stands on the sheet.</p>'
    content = _fill(
        "welcome",
        hunt=escape(game.hunt.title),
        welcome=_text(game, game.hunt.welcome),
        invalid=' aria-invalid="true" aria-describedby="complaint"' if wrong else "",
        complaint=complaint if wrong else "",
    )
    return _page(game, ("Wrong code, " if wrong else "") + game.hunt.title, content)


def note(game: Game, title: str, text: str, session: Session | None = None) -> str:
    """A page that says one thing. text: as it is, not HTML."""
    return _page(game, title, _fill("note", title=escape(title), text=f"<p>{escape(text)}</p>"), session)


def team(game: Game, session: Session, now: float) -> str:
    """Where a team is. now: seconds since 1970."""
    status = game.status(session.who)
    steps = len(game.hunt.course)
    content = _fill(
        "team",
        team=escape(status.team.name),
        passed=status.number - 1,
        steps=steps,
        trail="\n".join(
            _mark(number, step, status, now, running=game.running) for number, step in enumerate(game.hunt.course, 1)
        ),
        station=_station(game, status, session),
    )
    title = status.step.title if status.step and game.running else game.hunt.title
    return _page(game, f"{title}, team {status.team.name}", content, session)


def _mark(number: int, step: Step, status: TeamStatus, now: float, *, running: bool) -> str:
    if step.name in status.record.passed and number < status.number:
        kind, mark, title = "passed", "✓", step.title
        state = f"passed {_ago(now - status.record.passed[step.name])}"
    elif number == status.number and running:
        kind, mark, title, state = "here", str(number), step.title, "you are here"
    else:
        kind, mark, title, state = "ahead", str(number), f"Station {number}", "still ahead"
    here = ' aria-current="step"' if kind == "here" else ""
    where = f'<span class="where"><strong>{escape(title)}</strong><span class="state">{escape(state)}</span></span>'
    return f'<li class="{kind}"{here}><span class="mark" aria-hidden="true">{mark}</span>{where}</li>'


def _station(game: Game, status: TeamStatus, session: Session) -> str:
    if not game.running:
        text = "<p>The hunt is closed for now. Once the operators begin it, load this page again.</p>"
        return _fill("note", title="The hunt is closed", text=text)
    clues = _clues(game, status)
    step = status.step
    if step is None:
        farewell = _fill("note", title="You have arrived", text=_text(game, game.hunt.farewell))
        return _heard(clues[-1:]) + farewell + _earlier(clues[:-1])
    asks_for_a_word = isinstance(step.check, Logged)
    return _fill(
        "station",
        clue=_heard(clues[-1:]),
        number=status.number,
        steps=len(game.hunt.course),
        teaches=escape(step.teaches),
        title=escape(step.title),
        story=_text(game, step.story, status),
        hint=_hint(game, step, status, session),
        said=f"<p>{escape(status.last_verdict.text)}</p>" if status.last_verdict else "",
        form=session.form,
        answer=_ANSWER if asks_for_a_word else "",
        ask="Say the word" if asks_for_a_word else "Look whether we are there",
        earlier=_earlier(clues[:-1]),
    )


_ANSWER: Final = """<div class="answer"><label for="answer">The word</label>
<div class="row"><input id="answer" name="answer" type="text" autocomplete="off" autocapitalize="none" \
spellcheck="false" required maxlength="100"></div></div>"""


def _hint(game: Game, step: Step, status: TeamStatus, session: Session) -> str:
    if step.name in status.record.hinted:
        text = _text(game, step.hint, status)
        return f'<section class="hint"><h2>A hint</h2><div class="prose">{text}</div></section>'
    return (
        f'<form class="hint-form" method="post" action="/hint"><input type="hidden" name="form" value="{session.form}">'
        '<button class="quiet" type="submit">Give us a hint</button></form>'
    )


def _clues(game: Game, status: TeamStatus) -> list[tuple[str, str]]:
    """Title and clue of each station that was passed."""
    passed = game.hunt.course[: status.number - 1]
    return [(step.title, _text(game, step.clue, status)) for step in passed]


def _heard(clues: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<section class="heard"><h2>What you heard at “{escape(title)}”</h2><div class="prose">{clue}</div></section>'
        for title, clue in clues
    )


def _earlier(clues: Sequence[tuple[str, str]]) -> str:
    if not clues:
        return ""
    entries = "".join(
        f'<details><summary>{escape(title)}</summary><div class="prose">{clue}</div></details>' for title, clue in clues
    )
    return f'<section class="earlier"><h2>What you heard before</h2>{entries}</section>'


def operators(game: Game, session: Session, now: float) -> str:
    """Progress of all teams. now: seconds since 1970."""
    statuses = [game.status(name) for name in game.teams]
    content = _fill(
        "operators",
        form=session.form,
        turn="close" if game.running else "begin",
        state=f"The hunt was begun {_ago(now - (game.progress.running_since or now))}."
        if game.running
        else "The hunt is closed: no step is checked, and no time counts.",
        button="Close the hunt" if game.running else "Begin the hunt",
        teams=len(statuses),
        under_way=sum(1 for each in statuses if each.step and each.since is not None),
        finished=sum(1 for each in statuses if not each.step),
        passes=sum(each.number - 1 for each in statuses),
        funnel="\n".join(_funnel(game, number, statuses) for number in range(1, len(game.hunt.course) + 1)),
        rows="\n".join(_row(game, each, session) for each in sorted(statuses, key=_longest_first))
        or '<tr><td colspan="7">There are no teams.</td></tr>',
    )
    return _page(game, f"Progress of all teams, {game.hunt.title}", content, session)


def _funnel(game: Game, number: int, statuses: Sequence[TeamStatus]) -> str:
    step = game.hunt.course[number - 1]
    passed = [each for each in statuses if each.number > number]
    share = 100 * len(passed) / len(statuses) if statuses else 0
    times = [
        game.progress.open_seconds(each.record.started[step.name], each.record.passed[step.name])
        for each in passed
        if step.name in each.record.started and step.name in each.record.passed
    ]
    bar = (
        '<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect width="100" height="10" fill="#efe8d3"/><rect width="{share:.1f}" height="10" fill="#1d6b4f"/></svg>'
    )
    hints = sum(1 for each in statuses if step.name in each.record.hinted)
    cells = (
        f'<th scope="row">{number}. {escape(step.title)}</th>',
        f"<td>{bar}</td>",
        f'<td class="number">{len(passed)}</td>',
        f'<td class="number">{sum(1 for each in statuses if each.number == number and each.since is not None)}</td>',
        f'<td class="number">{_long(statistics.median(times)) if times else "–"}</td>',
        f'<td class="number">{hints}</td>',
        f'<td class="number">{sum(each.record.failed.get(step.name, 0) for each in statuses)}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def _row(game: Game, status: TeamStatus, session: Session) -> str:
    step = status.step
    place = f"{status.number}. {escape(step.title)}" if step else '<span class="tag">finished</span>'
    name = step.name if step else ""
    spent = "not begun" if status.since is None else _long(game.progress.open_seconds(status.since))
    cells = (
        f'<th scope="row">{escape(status.team.name)}</th>',
        f"<td>{place}</td>",
        f'<td class="time">{spent}</td>',
        f'<td class="number">{status.record.failed.get(name, 0) if game.running or name else 0}</td>',
        f"<td>{'yes' if name in status.record.hinted else '–'}</td>",
        f"<td>{escape(status.last_verdict.text) if status.last_verdict else '–'}</td>",
        f"<td>{_fill('renew', form=session.form, team=escape(status.team.name))}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _longest_first(status: TeamStatus) -> tuple[bool, float, str]:
    return (status.step is None, status.since or 0.0, status.team.name)


def _page(game: Game, title: str, content: str, session: Session | None = None) -> str:
    account = ""
    if session is not None:
        who = "Operators" if session.who not in game.teams else f"Team {session.who}"
        account = (
            f'<form class="account" method="post" action="/logout"><p>{escape(who)}</p>'
            f'<input type="hidden" name="form" value="{session.form}"><button type="submit">Log out</button></form>'
        )
    return _fill(
        "layout",
        title=escape(title),
        hunt=escape(game.hunt.title),
        account=account,
        content=content,
        footer="Everything here is verified where it is: in your repository, in your namespace, in your logs.",
    )


def _text(game: Game, html: str, status: TeamStatus | None = None) -> str:
    """Text of a hunt with its placeholders filled."""
    placeholders = game.urls.placeholders(status.team if status else None)
    return filled(html, {name: escape(value) for name, value in placeholders.items()})


def _fill(template: str, **values: object) -> str:
    return _TEMPLATES[template].substitute({name: str(value) for name, value in values.items()})


def _long(seconds: float) -> str:
    """A stretch of time, such as `12 min` or `2 h 5 min`."""
    minutes = int(max(seconds, 0) // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _ago(seconds: float) -> str:
    return "just now" if seconds < 60 else f"{_long(seconds)} ago"
