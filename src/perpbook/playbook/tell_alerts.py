"""[alerts] in plain English, and as the values a diff compares."""

from __future__ import annotations

from collections.abc import Iterator

from perpbook.playbook.alerts_section import SEVERITIES, Alerts, names_in
from perpbook.playbook.drilling import Told
from perpbook.playbook.figures import listing, percent, plain
from perpbook.playbook.tell_time import CADENCE_WORDS

MODES = {"on": "told", "silent": "told without a sound", "digest": "kept for the digest", "off": "not told"}
SUBJECTS = {"page": "Pages", "warn": "Warnings", "info": "Notes"}


def alert_sentences(alerts: Alerts) -> Iterator[str]:
    """Where alerts go, how, and what happens when nobody answers."""
    yield f"Alerts go to {listing(f'{name} ({place})' for name, place in alerts.channels.items())}."
    for key, steps in alerts.routes.items():
        yield f"{_subject(key)} go to {route_in_words(steps)}."
    for key, mode in alerts.modes.items():
        yield f"{_subject(key)} are {MODES[mode]}{'' if ':' in key or key in SEVERITIES else ', pages excepted'}."
    yield (
        f"A page that nobody acknowledges is told again after {plain(alerts.repeat_minutes)} minutes, and goes to the next "
        f"channel after {plain(alerts.escalate_after_minutes)}."
    )
    yield (
        f"What is over, or less bad, for {plain(alerts.resolve_after_minutes)} minutes is told so; a channel gets at most "
        f"{alerts.max_per_hour} messages an hour before they become one."
    )
    if alerts.quiet_hours is not None:
        yield f"From {alerts.quiet_hours.replace('-', ' to ')} ({alerts.timezone}) only pages go out."
    if alerts.digest != "daily" or "digest" in alerts.modes.values():
        when = CADENCE_WORDS.get(alerts.digest, f'Whenever "{alerts.digest}" comes round')
        yield f"{when} ({alerts.timezone}) a digest goes out."
    if alerts.telegram_users:
        yield f"On Telegram, {listing(map(str, alerts.telegram_users))} may answer, and nobody else."
    if alerts.margin_ratio is not None:
        yield f"An account whose margin ratio is above {percent(alerts.margin_ratio)} (liquidation at 100 %) is a page."
    if alerts.liquidation_move is not None:
        yield f"An account that a joint move of less than {percent(alerts.liquidation_move)} kills is a page."
    if alerts.unusual is not None:
        yield f"A spread, basis or depth {plain(alerts.unusual)} usual deviations from its own median is a warning."


def route_in_words(steps: tuple[str, ...]) -> str:
    """Channels in the order in which they are told."""
    first, *others = (listing(names_in(step)) for step in steps)
    return ", then ".join([first, *others])


def _subject(key: str) -> str:
    kind, _, severity = key.rpartition(":")
    if kind:
        return f"{SUBJECTS[severity]} of {kind}"
    return SUBJECTS.get(key, f"Alerts of {key}")


def alert_values(alerts: Alerts) -> dict[str, Told]:
    """Every value in force by key; what a playbook names, name by name."""
    told = [Told(key=f"alerts.channels.{name}", words=place) for name, place in alerts.channels.items()]
    told += [Told(key=f'alerts.routes."{key}"', words=route_in_words(steps)) for key, steps in alerts.routes.items()]
    told += [Told(key=f'alerts.modes."{key}"', words=MODES[mode]) for key, mode in alerts.modes.items()]
    minutes = ("escalate_after_minutes", "repeat_minutes", "resolve_after_minutes")
    told += [Told(key=f"alerts.{name}", words=f"{plain(getattr(alerts, name))} minutes") for name in minutes]
    users = sorted(set(alerts.telegram_users))
    told += [
        Told(key="alerts.digest", words=f'"{alerts.digest}"'),
        Told(key="alerts.timezone", words=alerts.timezone),
        Told(key="alerts.quiet_hours", words=alerts.quiet_hours or "none"),
        Told(key="alerts.max_per_hour", words=f"{alerts.max_per_hour} messages"),
        Told(key="alerts.telegram_users", words=listing(map(str, users)) or "nobody"),
        Told(key="alerts.margin_ratio", words=_share(alerts.margin_ratio), number=alerts.margin_ratio, is_limit=True),
        Told(
            key="alerts.liquidation_move",
            words=_share(alerts.liquidation_move),
            number=None if alerts.liquidation_move is None else -alerts.liquidation_move,
            is_limit=True,
        ),
        Told(
            key="alerts.unusual",
            words="no limit" if alerts.unusual is None else f"{plain(alerts.unusual)} usual deviations",
            number=alerts.unusual,
            is_limit=True,
        ),
    ]
    return {one.key: one for one in told}


def _share(value: float | None) -> str:
    return "no limit" if value is None else percent(value)
