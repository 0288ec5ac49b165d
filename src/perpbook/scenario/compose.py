"""Storms put together: `a + b` at once, `a then b` one after the other, `a then b after 20m`.

`+` binds tighter than `then`, and brackets bind tightest. `then b` begins where the storm before it ends; `after 20m` counts
from the beginning of the storm before it. Moves of prices multiply; what cannot be together is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from perpbook.errors import InputError
from perpbook.scenario.contradict import contradictions
from perpbook.scenario.durations import read_duration, write_duration
from perpbook.scenario.knots import shifted
from perpbook.scenario.storm import CALM, CONFIDENCE, SHOCKS, Span, Storm

Named = Callable[[str], Storm]
"""The storm of a name or a file; raises InputError when there is none."""

WORD = re.compile(r'\s*(?:"([^"]*)"|([+()])|([^\s+()"]+))')


def plus(first: Storm, second: Storm) -> Storm:
    """Both at once.

    Raises
    ------
    InputError : their shocks contradict each other.
    """
    if CALM in (first, second):
        return second if first == CALM else first
    return _joined(first, second, f"{_bracketed(first)} + {_bracketed(second)}")


def then(first: Storm, second: Storm, after_ns: int | None = None) -> Storm:
    """`second` so long after `first` began; by default where `first` ends.

    Raises
    ------
    InputError : their shocks contradict each other.
    """
    wait = first.horizon_ns if after_ns is None else after_ns
    said = "" if after_ns is None else f" after {write_duration(after_ns)}"
    return _joined(first, later(second, wait), f"{_bracketed(first)} then {_bracketed(second)}{said}")


def later(storm: Storm, by_ns: int) -> Storm:
    """The same storm, beginning so much later.

    Raises
    ------
    InputError : it replays a window of history, which has its own beginning.
    """
    if by_ns == 0 or storm.empty:
        return replace(storm, horizon_ns=storm.horizon_ns + by_ns) if storm != CALM else storm
    if storm.replay is not None:
        raise InputError(f'"{storm.name}" replays a window of history and cannot begin later: put it first')
    return replace(
        storm,
        horizon_ns=storm.horizon_ns + by_ns,
        prices=tuple(replace(one, knots=shifted(one.knots, by_ns)) for one in storm.prices),
        collateral=tuple(replace(one, knots=shifted(one.knots, by_ns)) for one in storm.collateral),
        funding=tuple(replace(one, span=_moved(one.span, by_ns)) for one in storm.funding),
        liquidity=tuple(replace(one, span=_moved(one.span, by_ns)) for one in storm.liquidity),
        marks=tuple(replace(one, span=_moved(one.span, by_ns)) for one in storm.marks),
        outages=tuple(replace(one, span=_moved(one.span, by_ns)) for one in storm.outages),
        adl=tuple(replace(one, at_ns=one.at_ns + by_ns) for one in storm.adl),
    )


def parse_storm(text: str, named: Named) -> Storm:
    """The storm that an expression describes; names with spaces or brackets stand in "quotes".

    Raises
    ------
    InputError : the expression is none, a name is unknown, or shocks contradict each other.
    """
    words = _words(text)
    storm, rest = _sequence(words, text, named)
    if rest:
        raise _wrong(text, f"{rest[0]} stands where nothing can", "join storms with + or then")
    return storm


def _sequence(words: Sequence[str], text: str, named: Named) -> tuple[Storm, Sequence[str]]:
    storm, words = _sum(words, text, named)
    while words and words[0] == "then":
        second, words = _sum(words[1:], text, named)
        wait: int | None = None
        if words and words[0] == "after":
            wait = read_duration(words[1]) if len(words) > 1 else None
            if wait is None:
                raise _wrong(
                    text, f"{words[1] if len(words) > 1 else 'nothing'} is no length of time", "write 20m or 8h"
                )
            words = words[2:]
        storm = then(storm, second, wait)
    return storm, words


def _sum(words: Sequence[str], text: str, named: Named) -> tuple[Storm, Sequence[str]]:
    storm, words = _one(words, text, named)
    while words and words[0] == "+":
        second, words = _one(words[1:], text, named)
        storm = plus(storm, second)
    return storm, words


def _one(words: Sequence[str], text: str, named: Named) -> tuple[Storm, Sequence[str]]:
    if not words:
        raise _wrong(text, "it ends where a storm should stand", "write a name of `perpbook drill list`, or a file")
    word, rest = words[0], words[1:]
    if word == "(":
        storm, rest = _sequence(rest, text, named)
        if not rest or rest[0] != ")":
            raise _wrong(text, "a bracket is never closed", "add )")
        return storm, rest[1:]
    if word in ("+", ")", "then", "after"):
        raise _wrong(text, f"{word} stands where a storm should", "write a name of `perpbook drill list`, or a file")
    return named(word.removeprefix('"')), rest


def _words(text: str) -> list[str]:
    """Words and marks; a quoted name keeps one quote in front, so that it is no mark."""
    out, at = [], 0
    while text[at:].strip():
        match = WORD.match(text, at)
        if match is None:
            raise _wrong(text, "a quote is never closed", 'add "')
        quoted, mark, word = match.groups()
        out.append(f'"{quoted}' if quoted is not None else mark or word)
        at = match.end()
    return out


def _wrong(text: str, what: str, hint: str) -> InputError:
    return InputError(f'the storm "{text}" cannot be read: {what}; {hint}')


def _joined(first: Storm, second: Storm, name: str) -> Storm:
    """All shocks of both; `second` lies where it shall."""
    for one, word in (("replay", "window of history"), ("correlation", "shock to correlation")):
        mine, other = getattr(first, one), getattr(second, one)
        if mine is not None and other is not None and mine != other:
            raise InputError(f'"{first.name}" and "{second.name}" each have a {word}: there can be one')
    shocks: dict[str, Any] = {}
    for table in SHOCKS:
        mine, other = getattr(first, table), getattr(second, table)
        if isinstance(mine, tuple):
            shocks[table] = tuple(dict.fromkeys((*mine, *other))) if table == "insurance_empty" else (*mine, *other)
        else:
            shocks[table] = mine if mine is not None else other
    out = replace(
        first,
        name=name,
        title=_listed(first.title, second.title, "; "),
        kind=first.kind if first.kind == second.kind else "synthetic",
        horizon_ns=max(first.horizon_ns, second.horizon_ns),
        step_ns=math.gcd(first.step_ns, second.step_ns),
        confidence=min(first.confidence, second.confidence, key=CONFIDENCE.index),
        sources=tuple(dict.fromkeys((*first.sources, *second.sources))),
        assumed=tuple(dict.fromkeys((*first.assumed, *second.assumed))),
        began=_listed(first.began, second.began, "; "),
        ended=_listed(first.ended, second.ended, "; "),
        effect=_listed(first.effect, second.effect, "; "),
        **shocks,
    )
    wrong = [one.why for one in contradictions(out)]
    if wrong:
        raise InputError(f'"{first.name}" and "{second.name}" contradict each other: {"; ".join(dict.fromkeys(wrong))}')
    return out


def _listed(first: str, second: str, between: str) -> str:
    return between.join(part for part in (first, second) if part)


def _bracketed(storm: Storm) -> str:
    return f"({storm.name})" if " then " in storm.name else storm.name


def _moved(span: Span, by_ns: int) -> Span:
    return Span(at_ns=span.at_ns + by_ns, until_ns=span.until_ns + by_ns)
