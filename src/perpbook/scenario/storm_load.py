"""A storm's file becomes storms, or one error that carries everything wrong with it, with line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from perpbook.errors import InputError, Problem
from perpbook.files.read import read_text
from perpbook.model.units import HOUR_NS, from_datetime
from perpbook.scenario import storm_shocks as shocks
from perpbook.scenario.contradict import contradictions
from perpbook.scenario.storm import CONFIDENCE, KINDS, KnownMove, Replay, Storm
from perpbook.scenario.table_reader import Fault, Table, in_place

SCHEMA = "storm/1"
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
RESERVED = ("then", "after", "calm")

WRITTEN = {"prices": "price", "marks": "mark", "adl": "adl"}
"""Names of a storm's fields in its file, where they differ."""


def load_storm(path: Path) -> Storm:
    """The one storm of a file.

    Raises
    ------
    InputError : with every Problem of the file, in its order; or the file has several storms.
    """
    found = load_storms(path)
    if len(found) > 1:
        names = ", ".join(storm.name for storm in found)
        raise InputError(f"{path} has {len(found)} storms: put it in a catalogue folder and name one of {names}")
    return found[0]


def load_storms(path: Path) -> tuple[Storm, ...]:
    """Every storm of a file, which is one, or has each below a [[storm]].

    Raises
    ------
    InputError : with every Problem of the file, in its order.
    """
    text = read_text(path, "storm")
    if isinstance(text, Problem):
        raise InputError("the storm cannot be read", [text])
    return parse_storms(text, str(path))


def parse_storms(text: str, file: str) -> tuple[Storm, ...]:
    """Every storm of a text; `file` names it in problems."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError("the storm is not valid TOML", [_syntax(error, file)]) from None
    except (ValueError, RecursionError):
        hint = "see docs/drills-storms.md for what a storm holds"
        problem = Problem(file=file, message="holds a number too long, or tables nested too deeply, to read", hint=hint)
        raise InputError("the storm cannot be read", [problem]) from None
    faults: list[Fault] = []
    root = Table(found=found, key=(), faults=faults)
    if root.text("schema", SCHEMA) != SCHEMA or not root.has("schema"):
        root.fault("schema", f'is not "{SCHEMA}", which this version reads', f'write schema = "{SCHEMA}" at the top')
    if root.has("storm"):
        tables = list(root.tables("storm"))
        if found["storm"] == []:
            root.fault("storm", "has no storm in it", "write [[storm]] above each of them")
        root.end()
    else:
        tables = [root]
    storms = tuple(_storm(table) for table in tables)
    faults += _twice(storms)
    if faults or not storms:
        problems = in_place(faults, text, file)
        raise InputError(f"the storm has {len(problems)} problem{'s' if len(problems) > 1 else ''}", problems)
    return storms


def _storm(table: Table) -> Storm:
    name = table.text("name")
    if name and (not NAME.fullmatch(name) or name in RESERVED):
        table.fault("name", "does not do as a name", "write small letters, digits and hyphens", show=True)
    horizon = table.duration("horizon", positive=True)
    storm = Storm(
        name=name,
        title=table.text("title"),
        kind=table.choice("kind", KINDS, "synthetic"),
        horizon_ns=horizon,
        step_ns=table.duration("step", HOUR_NS, positive=True),
        confidence=table.choice("confidence", CONFIDENCE, "high"),
        sources=table.names("sources"),
        began=table.text("began", ""),
        ended=table.text("ended", ""),
        effect=table.text("effect", ""),
        assumed=table.names("assumed"),
        prices=tuple(shocks.prices(table)),
        funding=tuple(shocks.funding(table, horizon)),
        liquidity=tuple(shocks.liquidity(table, horizon)),
        marks=tuple(shocks.marks(table, horizon)),
        collateral=tuple(shocks.collateral(table)),
        correlation=shocks.correlation(table),
        outages=tuple(shocks.outages(table, horizon)),
        adl=tuple(shocks.adl(table)),
        insurance_empty=table.names("insurance_empty"),
        replay=_replay(table),
    )
    table.end()
    _judge(storm, table)
    return storm


def _judge(storm: Storm, table: Table) -> None:
    """What is wrong with a storm as a whole."""
    if storm.kind in ("historic", "incident") and not storm.sources:
        table.fault("sources", f"is missing, and this is an {storm.kind} storm: who says so?", "add it")
    if storm.empty and not table.faults:
        table.fault(None, "has no shock", "add [[price]], [[outage]] or another table of docs/drills-storms.md")
    if storm.horizon_ns < storm.step_ns and not table.faults:
        table.fault("step", "is longer than the horizon", "make it shorter", show=True)
    if not table.faults:
        for one in contradictions(storm):
            written = WRITTEN.get(one.table, one.table)
            key = (*table.key, written) if written == "correlation" else (*table.key, written, one.number)
            table.faults.append(Fault(key=key, message=one.why, hint="take one of the two away, or move it in time"))


def _replay(root: Table) -> Replay | None:
    table = root.table("replay")
    if table is None:
        return None
    start, end = _moment(table, "start"), _moment(table, "end")
    if start is not None and end is not None and start >= end:
        table.fault("end", "is not after start", "swap them", show=True)
    moves = table.table("moves")
    known = tuple(_moves(moves)) if moves else ()
    source = table.text("source", "")
    if known and not source:
        table.fault("source", "is missing: who measured the moves?", "add it")
    table.end()
    return Replay(start_ns=start or 0, end_ns=end or 1, source=source, moves=known)


def _moves(table: Table) -> Iterator[KnownMove]:
    for asset in table.found:
        one = table.table(asset)
        if one is None:
            continue
        yield KnownMove(
            asset=asset,
            low=one.number("low", least=-0.999999999, most=0),
            low_ns=one.duration("low_at"),
            high=one.number("high", least=0),
            high_ns=one.duration("high_at"),
            end=one.number("end", least=-0.999999999),
        )
        one.end()


def _moment(table: Table, name: str) -> int | None:
    value = table.found.get(name) if table.has(name) else None
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, date):
        return from_datetime(datetime(value.year, value.month, value.day))
    table.fault(
        name,
        "should be a moment",
        "write it without quotes, as 2022-11-07T00:00:00Z or 2022-11-07",
        show=value is not None,
    )
    return None


def _twice(storms: tuple[Storm, ...]) -> Iterator[Fault]:
    names = [storm.name for storm in storms]
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Fault(key=("storm", number, "name"), message=f'"{name}" is the name of two storms', hint="rename one")


def _syntax(error: tomllib.TOMLDecodeError, file: str) -> Problem:
    where = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line, column = (int(where[1]), int(where[2])) if where else (None, None)
    message = re.sub(r"\s*\(at .*\)", "", str(error))
    return Problem(file=file, line=line, column=column, message=message, hint="mend the line as TOML; see toml.io")
