"""An overlay from a file: options written by hand as TOML (`overlay/1`), or what `options overlay --json` printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perpbook.errors import InputError, Problem
from perpbook.files.read import read_text
from perpbook.model.contract import ContractKind
from perpbook.options.legs import OptionLeg, leg_of
from perpbook.options.names import parse_name
from perpbook.scenario.table_reader import Table, in_place, top_of

SCHEMA, ANSWER = "overlay/1", "options-overlay/1"
KINDS = ("put", "call")


def read_overlay(path: Path) -> tuple[OptionLeg, ...]:
    """The options of a file, `coins` > 0 bought.

    Raises
    ------
    InputError : with every problem of it.
    """
    text = read_text(path, "overlay")
    if isinstance(text, Problem):
        raise InputError("the overlay cannot be read", [text])
    return _answered(path, text) if text.lstrip().startswith("{") else _written(path, text)


def _answered(path: Path, text: str) -> tuple[OptionLeg, ...]:
    """The legs of the first, best overlay of an answer."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("schema") != ANSWER or not found.get("ok"):
            raise InputError(f"{path} is no answer of `options overlay --json`: its schema must be {ANSWER}")
        overlays = found["data"]["overlays"]
        if not overlays:
            raise InputError(f"{path} has no overlay: its book kept the limit as it was")
        return tuple(_named(leg) for leg in overlays[0]["legs"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as an answer of `options overlay --json`: {error!r}") from error


def _named(leg: Mapping[str, Any]) -> OptionLeg:
    return leg_of(parse_name(leg["option"]), leg["option"], float(leg["coins"]))


def _written(path: Path, text: str) -> tuple[OptionLeg, ...]:
    root = top_of(text, SCHEMA, str(path))
    faults = root.faults
    legs = [_leg(one) for one in root.tables("legs")]
    if not legs and not faults:
        root.fault("legs", "is missing", "write [[legs]] for every option")
    root.end("an overlay")
    if faults:
        raise InputError("the overlay cannot be used", in_place(faults, text, str(path)))
    return tuple(leg for leg in legs if leg is not None)


def _leg(table: Table) -> OptionLeg | None:
    coins = table.number("coins")
    if table.has("option"):
        name = table.text("option")
        table.end("an overlay")
        try:
            return leg_of(parse_name(name), name, coins)
        except InputError as error:
            table.fault("option", str(error))
            return None
    leg = OptionLeg(
        base=table.text("coin"),
        is_call=table.choice("kind", KINDS) == "call",
        coins=coins,
        kind=ContractKind.LINEAR if table.choice("settles", ("coin", "dollars"), "coin") == "dollars" else ContractKind.INVERSE,
        strike_over_spot=table.number("strike_over_spot", least=0.05, most=20.0),
        days=table.number("days", least=0.1, most=1_500.0),
    )  # fmt: skip
    table.end("an overlay")
    return leg
