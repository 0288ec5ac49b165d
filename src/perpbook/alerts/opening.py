"""A playbook's channels opened: places become ways to people, with what the environment holds for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from perpbook.alerts.channels import Channel, Console, Fanned, Webhook
from perpbook.alerts.held import What
from perpbook.alerts.secret import secret_in
from perpbook.alerts.telegram import HOST, Setup, Telegram
from perpbook.errors import InputError
from perpbook.playbook.alerts_section import PLACE, Alerts


def open_channel(
    name: str,
    rules: Alerts,
    environment: Mapping[str, str],
    *,
    folder: Path,
    write: Callable[[str], object],
    shown: frozenset[What] = frozenset(),
) -> Channel:
    """One channel of a playbook. folder : where a bot remembers what it read. write, shown : the console's.

    Raises
    ------
    InputError : it is none of the playbook's, or what it needs is not in the environment.
    """
    if name not in rules.channels:
        raise InputError(f'"{name}" is no channel of the playbook: {", ".join(rules.channels)}')
    found = PLACE.fullmatch(rules.channels[name])
    if found is None:
        return Console(write, shown)
    kind, variable = found.groups()
    whose = f"channel {name}"
    secret = secret_in(variable, environment, f"the {_needs(kind)} of {whose}")
    if kind == "webhook":
        return Webhook(secret, secret_in(f"{variable}_SECRET", environment, f"the signing key of {whose}"))
    if kind == "apprise":
        return Fanned(secret, whose)
    host = environment.get(f"{variable}_API", HOST).rstrip("/")
    return Telegram(
        Setup(name=name, token=secret, users=rules.telegram_users, memory=folder / f"telegram-{variable}.json", host=host)
    )  # fmt: skip


def _needs(kind: str) -> str:
    return {"webhook": "address", "apprise": "address", "telegram": "token"}[kind]
