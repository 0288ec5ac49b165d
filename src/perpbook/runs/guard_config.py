"""A guard's configuration: paper or live, and for live where each account is and where its key lies. Never the key itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from perpbook.errors import InputError, PlaybookError, Problem
from perpbook.files.places import nearest_place, places_of
from perpbook.files.read import read_text
from perpbook.model.book import Book

VENUES = ("hyperliquid", "dydx", "binance", "bybit", "okx")
KEYS = ("venue", "address", "key", "passphrase", "endpoint")
PLACE = r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:[^/]+/.+"
HINT = "see docs/guard-live.md"
FEW, MOST = 0.2, 60.0
"""Seconds between two looks, from and to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAsked:
    """venue : its name. address : wallet, or API key. key : where the secret lies, as `env:NAME`, `file:PATH` or
    `keyring:SERVICE/USER`; passphrase : the same of what OKX wants beside it, "" elsewhere. endpoint : another host than the
    venue's own, "" for none."""

    venue: str
    address: str
    key: str = field(repr=False)
    endpoint: str = ""
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardConfig:
    """live : orders go to real accounts once armed. every : seconds between two looks at an account whose stream is away."""

    live: bool = False
    every: float = 4.0
    accounts: Mapping[str, LoginAsked] = field(default_factory=dict)


def read_config(path: Path) -> GuardConfig:
    """The configuration in a TOML file. Keys are not looked for.

    Raises
    ------
    InputError : with every Problem, each with its line.
    """
    text = read_text(path, "configuration")
    if isinstance(text, Problem):
        raise InputError("the guard's configuration cannot be read", [replace(text, hint=HINT)])
    from perpbook.playbook.load import read_toml

    try:
        found = read_toml(text, str(path))
    except PlaybookError as error:
        raise InputError("the guard's configuration is not valid TOML", error.problems) from None
    wrong: list[tuple[tuple[str | int, ...], str]] = []
    config = _config(found, lambda key, message: wrong.append((key, message)))
    if wrong or config is None:
        raise InputError("the guard's configuration has problems", [_placed(one, str(path), text) for one in wrong])
    return config


def config_given(path: Path | None, *, of_paper: bool) -> GuardConfig | None:
    """The configuration, None where none is named; errors as `read_config`, and where options `of_paper` meet a live one."""
    found = None if path is None else read_config(path)
    if found is not None and found.live and of_paper:
        raise InputError("--storm, --lake and --fresh are of paper: leave them out where the configuration is live")
    return found


Wrong = Callable[[tuple[str | int, ...], str], None]


def _config(found: Mapping[str, Any], wrong: Wrong) -> GuardConfig | None:
    for key in found.keys() - {"mode", "poll_seconds", "accounts"}:
        wrong((key,), "is not a key here: mode, poll_seconds and accounts are")
    mode, every, tables = found.get("mode"), found.get("poll_seconds", 4.0), found.get("accounts", {})
    if mode not in ("paper", "live"):
        wrong(("mode",), 'should be "paper" or "live"')
    if isinstance(every, bool) or not isinstance(every, int | float) or not FEW <= every <= MOST:
        wrong(("poll_seconds",), f"should be a number of seconds from {FEW:g} to {MOST:g}")
        every = 4.0
    if not isinstance(tables, dict):
        wrong(("accounts",), "should be tables, as in [accounts.hl-main]")
        return None
    accounts = {name: login for name, one in tables.items() if (login := _login(name, one, wrong)) is not None}
    if mode == "live" and not tables:
        wrong(("mode",), "is live, and no account is given")
    _alone(accounts, wrong)
    return GuardConfig(live=mode == "live", every=float(every), accounts=accounts)


def _login(name: str, table: Any, wrong: Wrong) -> LoginAsked | None:
    where = ("accounts", name)
    if not isinstance(table, dict):
        wrong(where, f"should be a table, as in [accounts.{name}]")
        return None
    for key in table.keys() - set(KEYS):
        wrong((*where, key), f"is not a key here: {', '.join(KEYS)} are")
    texts = {key: table.get(key, "") for key in KEYS}
    for key, value in texts.items():
        if not isinstance(value, str) or (not value.strip() and key not in ("endpoint", "passphrase")):
            wrong((*where, key), "should be text, and is needed")
            return None
    if texts["venue"] not in VENUES:
        wrong((*where, "venue"), f"should be one of {', '.join(VENUES)}")
    _check_places(where, texts, wrong)
    if texts["endpoint"] and not re.match(r"https://|http://(127\.0\.0\.1|localhost)[:/]", texts["endpoint"]):
        wrong((*where, "endpoint"), "should be https://..., or http:// on this machine alone")
    if _is_bad_address(texts["venue"], texts["address"]):
        wrong((*where, "address"), f"is no address of {texts['venue']}")
    return LoginAsked(**texts)


def _check_places(where: tuple[str, str], texts: Mapping[str, str], wrong: Wrong) -> None:
    """Where secrets lie, and whether there is one too many or too few."""
    if (texts["venue"] == "okx") != bool(texts["passphrase"]):
        wrong((*where, "passphrase"), "is needed for okx, and for no other venue")
    for key in ("key", "passphrase"):
        if (key == "key" or texts[key]) and not re.fullmatch(PLACE, texts[key]):
            wrong(
                (*where, key),
                f"should say where the {key} is, env:NAME, file:PATH or keyring:SERVICE/USER; what stands there is not repeated",
            )


def _is_bad_address(venue: str, address: str) -> bool:
    named = dict.fromkeys(("binance", "bybit", "okx"), r"[A-Za-z0-9-]{16,128}")
    forms = {**named, "hyperliquid": r"0x[0-9a-fA-F]{40}", "dydx": r"dydx1[0-9a-z]{38}"}
    return venue in forms and re.fullmatch(forms[venue], address) is None


def _alone(accounts: Mapping[str, LoginAsked], wrong: Wrong) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, one in accounts.items():
        other = seen.setdefault((one.venue, one.address.lower()), name)
        if other != name:
            wrong(("accounts", name, "address"), f"is that of {other} as well: one account is guarded once")


def _placed(one: tuple[tuple[str | int, ...], str], file: str, text: str) -> Problem:
    key, message = one
    place = nearest_place(places_of(text), key)
    line, column = place if place is not None else (None, None)
    return Problem(
        file=file, message=message, line=line, column=column, key=".".join(str(part) for part in key), hint=HINT
    )


def check_accounts(config: GuardConfig, book: Book) -> None:
    """Raise InputError where the configuration and the book are of other accounts, or of other venues."""
    roots = {one.id: one.venue for one in book.accounts if one.parent is None}
    wrong = [f"{name} of the book has no [accounts.{name}]" for name in sorted(roots.keys() - config.accounts.keys())]
    wrong += [f"[accounts.{name}] is not in the book" for name in sorted(config.accounts.keys() - roots.keys())]
    wrong += [
        f"{name} is at {roots[name]} in the book and at {one.venue} in the configuration"
        for name, one in sorted(config.accounts.items())
        if name in roots and roots[name] != one.venue
    ]
    if wrong:
        raise InputError(f"the guard's configuration is not of this book: {'; '.join(wrong)}")
