"""A backtest's options by name, from a command or from Python, read into what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from perpbook.engine.arrange import Frictions
from perpbook.errors import InputError
from perpbook.runs.backtest import Backtest, Source, Span
from perpbook.runs.backtest_overlay import overlay_given
from perpbook.runs.backtest_turns import Idea
from perpbook.runs.moments import length_ns, moment_ns, pairs, width_ns
from perpbook.runs.places import lake_folder, playbook_beside, terms_folders
from perpbook.runs.treasury_given import treasury_given

USUAL: dict[str, Any] = {
    "playbook": None, "no_playbook": False, "start": None, "end": None, "bar": "1h", "legs": (), "strategy": None,
    "options": None, "targets": None, "own": None, "every": "1d", "proxies": None, "funding": None, "lake": None,
    "accept": False, "latency": 0, "half_spread": 1e-4, "impact": 1.0, "fee_tier": 0, "seed": 0, "overlay": None,
    "chain": None, "chain_at": None, "option_spread": None, "sticky": "delta", "vol_with_spot": 0.5,
    "volatility_index": None, "roll": False, "paid_from": None, "borrow_smile": False, "treasury": False,
    "reserves": None, "alarm": None, "calm": None, "storms": None,
}  # fmt: skip
"""Every option but the book, with its usual value."""

OF_COMMANDS = frozenset({"html", "save", "as_json", "vary", "out", "draws", "split", "threads"})
"""What commands take beside: not a backtest's affair."""


def asked_from(given: Mapping[str, Any]) -> Backtest:
    """The backtest that some options ask for; what is left out has its usual value.

    Raises
    ------
    InputError : an option is unknown, or its value is not what it takes.
    """
    for name in given:
        if name not in USUAL and name != "book" and name not in OF_COMMANDS:
            near = get_close_matches(name, USUAL, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(USUAL)}"
            raise InputError(f'a backtest takes no "{name}": {hint}')
    one = USUAL | dict(given)
    book = Path(one["book"])
    rules = playbook_beside(book) if one["playbook"] is None else Path(one["playbook"])
    return Backtest(
        book=book,
        playbook=None if one["no_playbook"] else rules,
        span=Span(
            start_ns=moment_ns(one["start"], "--from"),
            end_ns=moment_ns(one["end"], "--to"),
            bar_ns=width_ns(one["bar"]),
        ),
        source=Source(
            lake=Path(one["lake"]) if one["lake"] else lake_folder(),
            proxies=mapped(one["proxies"], "--proxy"),
            funding=mapped(one["funding"], "--funding"),
            accept=one["accept"],
        ),
        idea=Idea(
            legs=tuple(one["legs"] or ()),
            name=one["strategy"],
            options=mapped(one["options"], "--set"),
            targets=Path(one["targets"]) if one["targets"] else None,
            own=one["own"],
            every_ns=length_ns(one["every"]),
        ),
        frictions=Frictions(half_spread=one["half_spread"], impact=one["impact"], fee_tier=one["fee_tier"]),
        latency=one["latency"],
        seed=one["seed"],
        terms_folders=terms_folders(),
        overlay=overlay_given(one),
        treasury=treasury_given(one),
    )


def mapped(value: Mapping[str, str] | Sequence[str] | None, option: str) -> dict[str, str]:
    """A mapping as it is, `key=value` texts as one."""
    if isinstance(value, Mapping):
        return {str(key): str(one) for key, one in value.items()}
    return pairs(value, option)
