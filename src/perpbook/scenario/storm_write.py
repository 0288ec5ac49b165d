"""A storm as the text of a file that loads as the same storm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from perpbook.model.units import to_iso
from perpbook.scenario.durations import write_duration
from perpbook.scenario.knots import Knots
from perpbook.scenario.storm import OUTAGES, CorrelationShock, FundingShock, PriceShock, Reach, Replay, Span, Storm
from perpbook.scenario.storm_load import NAME, SCHEMA

Written = dict[str, str]
"""Keys of a table with their values as TOML."""


def write_storm(storm: Storm) -> str:
    """The file of a storm. Moves are written as paths, times from the storm's beginning."""
    lines = [f'schema = "{SCHEMA}"', *_lines(_head(storm))]
    for name, table in _tables(storm):
        lines += ["", f"[[{name}]]", *_lines(table)]
    if storm.correlation:
        lines += ["", "[correlation]", *_lines(_correlation(storm.correlation))]
    if storm.replay:
        lines += ["", *_replay(storm.replay)]
    return "\n".join(lines) + "\n"


def file_name(storm: Storm) -> str:
    """The storm's name as a file may have it: that of storms put together has its marks spelled out."""
    if NAME.fullmatch(storm.name):
        return storm.name
    spelled = re.sub(r"[^a-z0-9.]+", "-", storm.name.lower().replace("+", " and ")).strip("-.")
    return spelled or "storm"


def _lines(table: Mapping[str, str]) -> list[str]:
    return [f"{key} = {value}" for key, value in table.items()]


def _head(storm: Storm) -> Written:
    out = {
        "name": _text(file_name(storm)),
        "title": _text(storm.title),
        "kind": _text(storm.kind),
        "confidence": _text(storm.confidence),
        "horizon": _time(storm.horizon_ns),
        "step": _time(storm.step_ns),
    }
    for key in ("began", "ended", "effect"):
        if getattr(storm, key):
            out[key] = _text(getattr(storm, key))
    for key in ("sources", "assumed", "insurance_empty"):
        if getattr(storm, key):
            out[key] = _texts(getattr(storm, key))
    return out


def _tables(storm: Storm) -> Iterator[tuple[str, Written]]:
    for price in storm.prices:
        yield "price", _price(price)
    for funding in storm.funding:
        yield "funding", _reach(funding.reach) | _span(funding.span) | _funding(funding)
    for book in storm.liquidity:
        strain = {"spread": repr(book.spread), "depth": repr(book.depth)}
        yield "liquidity", _reach(book.reach) | _span(book.span) | strain
    for mark in storm.marks:
        yield "mark", _reach(mark.reach) | _span(mark.span) | {"deviation": repr(mark.deviation)}
    for coin in storm.collateral:
        yield "collateral", {"asset": _text(coin.asset), "path": _points(coin.knots)}
    for outage in storm.outages:
        table = {outage.where: _text(outage.name), "kind": _text(outage.kind)} | _span(outage.span)
        has_factor = OUTAGES[outage.where][outage.kind].factor
        yield "outage", table | ({"factor": repr(outage.factor)} if has_factor else {})
    for taken in storm.adl:
        yield "adl", {"venue": _text(taken.venue), "at": _time(taken.at_ns), "share": repr(taken.share)}


def _price(shock: PriceShock) -> Written:
    out = _reach(shock.reach) | ({"by_beta": "true"} if shock.by_beta else {}) | {"path": _points(shock.knots)}
    for key in ("wick_down", "wick_up"):
        if getattr(shock, key):
            out[key] = repr(getattr(shock, key))
    return out


def _funding(shock: FundingShock) -> Written:
    key = {"set": "level_8h", "add": "add_8h", "flip": "flip"}[shock.how]
    out = {key: "true" if shock.how == "flip" else repr(shock.per_hour * 8.0)}
    return out | ({"half_life": _time(shock.half_life_ns)} if shock.half_life_ns else {})


def _correlation(shock: CorrelationShock) -> Written:
    out = {"towards": _text(shock.how)}
    if shock.how in ("one", "break", "apart"):
        out["blend"] = repr(shock.blend)
    if shock.how == "dislocated":
        out["kappa"] = repr(shock.kappa)
    if shock.how == "given":
        out["assets"] = _texts(shock.assets)
        out["matrix"] = f"[{', '.join(str(list(row)) for row in shock.matrix)}]"
    return out


def _replay(replay: Replay) -> Iterator[str]:
    yield from ("[replay]", f"start = {to_iso(replay.start_ns)}", f"end = {to_iso(replay.end_ns)}")
    if replay.source:
        yield f"source = {_text(replay.source)}"
    if replay.moves:
        yield from ("", "[replay.moves]")
    for one in replay.moves:
        low, high = _time(one.low_ns), _time(one.high_ns)
        yield (
            f"{_text(one.asset)} = {{ low = {one.low!r}, low_at = {low}, high = {one.high!r}, high_at = {high}, "
            f"end = {one.end!r} }}"
        )


def _reach(reach: Reach) -> Written:
    out = {"of": _texts(reach.of) if reach.of else '"all"'}
    for key in ("but", "venues"):
        if getattr(reach, key):
            out[key] = _texts(getattr(reach, key))
    return out


def _span(span: Span) -> Written:
    return {"at": _time(span.at_ns), "lasts": _time(span.until_ns - span.at_ns)}


def _points(knots: Knots) -> str:
    return f"[{', '.join(f'[{_time(when)}, {move!r}]' for when, move in knots)}]"


def _time(length_ns: int) -> str:
    return _text(write_duration(length_ns))


def _texts(many: tuple[str, ...]) -> str:
    return f"[{', '.join(_text(one) for one in many)}]"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
