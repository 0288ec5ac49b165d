"""Ways for money as rows of a table: how long, what it costs, what goes at once, who must be honest, what nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.treasury.exit_gas import ExitGas, action_dollars
from perpbook.treasury.facts import RISKS, Facts, Fee, Route
from perpbook.treasury.facts_read import CONFIDENCE
from perpbook.treasury.hops import Hop, Kind
from perpbook.treasury.law import Z90, drawn_by, seconds_by
from perpbook.treasury.pots import price_of
from perpbook.treasury.ways import Traffic, Way

SHARES = (0.5, 0.95, 0.99)
"""By when so many of all transfers have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way, or one route of the facts. seconds : by `SHARES`, inf where the storm lasts longer than anybody looks, empty
    where not known. dollars, rate : what is known of its cost, each and as a fraction of the amount. gas : the sender's own
    transactions at the usual base fee, dollars, None where not known. stuck : the chance that it meets an outage on the way.
    unknown : figures that nobody knows, by route; own : those that are the trader's; unverified : those without a source."""

    by: tuple[str, ...]
    words: str
    start: str
    end: str
    seconds: tuple[float, ...]
    dollars: float
    rate: float
    gas: float | None
    least: float
    most: float | None
    risk: str
    families: tuple[str, ...]
    stuck: float | None
    incidents: int
    confidence: str
    unknown: tuple[str, ...]
    own: tuple[str, ...]
    unverified: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The rows, the gas of a full exit by layer, what to know, and how many ways there are beyond the rows."""

    rows: tuple[Row, ...]
    gas: tuple[ExitGas, ...]
    notes: tuple[str, ...]
    more: int
    as_of: Mapping[str, str]
    storm: str | None
    between: bool

    @property
    def ends(self) -> tuple[str, str] | None:
        """From where to where, when all ways have the same ends."""
        found = {(row.start, row.end) for row in self.rows} if self.between else set()
        return found.pop() if len(found) == 1 else None


def route_row(facts: Facts, route: Route, prices: Mapping[str, float]) -> Row:
    """A route of the facts in calm, at the pair of its layers where it is most often stuck."""
    stuck = max(route.stuck.values(), key=lambda one: one.chance, default=None)
    times = seconds_by(route.seconds, stuck, np.array(SHARES)) if route.seconds else ()
    gas = [_gas(facts, route, start, end, prices) for start in route.starts for end in route.ends if start != end]
    known = [one for one in gas if one is not None]
    fee, unknown = _fee(facts, route.fee, route.starts[0], prices)
    return Row(
        by=(route.id,),
        words=route.id,
        start=_many(route.starts),
        end=_many(route.ends),
        seconds=tuple(float(one) for one in times),
        dollars=fee,
        rate=(route.fee.bps or 0.0) * 1e-4,
        gas=max(known) if known and len(known) == len(gas) else None,
        least=route.cap.least,
        most=route.cap.most,
        risk=route.risk,
        families=(route.family,),
        stuck=stuck.chance if stuck else None,
        incidents=stuck.incidents if stuck else 0,
        confidence=route.witness.confidence,
        unknown=(*route.unknown, *unknown),
        own=route.witness.own,
        unverified=route.witness.unverified,
        notes=_notes([route]),
        failures=route.failures,
    )


def way_row(facts: Facts, traffic: Traffic, way: Way, prices: Mapping[str, float], end: str) -> Row:
    """A way of a pot, in the conditions of `traffic`."""
    arrivals = traffic.arrivals(way)
    routes = [hop.route for hop in way.hops if hop.route is not None]
    fees = [_fee(facts, hop.fee, hop.layers[0] if hop.layers else "", prices) for hop in way.hops]
    held = [hop.stuck for hop in way.hops if hop.stuck is not None]
    gas = [_gas(facts, hop.route, hop.layers[0], hop.layers[1], prices) for hop in way.hops if hop.route is not None]
    known = [one for one in gas if one is not None]
    return Row(
        by=tuple(hop.name for hop in way.hops if hop.words),
        words=_words(way),
        start=way.pot.name,
        end=end,
        seconds=tuple(drawn_by(arrivals, share) for share in SHARES),
        dollars=sum(dollars for dollars, _ in fees),
        rate=way.fee_rate,
        gas=sum(known) if len(known) == len(gas) else None,
        least=way.least,
        most=min((one.cap.most for one in routes if one.cap.most is not None), default=None),
        risk=riskiest(way),
        families=tuple(dict.fromkeys(one.family for one in routes)),
        stuck=1.0 - float(np.prod([1.0 - one.chance for one in held])),
        incidents=sum(one.incidents for one in held),
        confidence=min((hop.route.witness.confidence for hop in way.hops if hop.route), key=CONFIDENCE.index, default=""),
        unknown=tuple(_unknown(way.hops, [lacking for _, lacking in fees])),
        own=tuple(f"{one.id}: {name}" for one in routes for name in one.witness.own),
        unverified=tuple(f"{one.id}: {name}" for one in routes for name in one.witness.unverified),
        notes=_notes(routes),
        failures=tuple(f"{one.id}: {name}" for one in routes for name in one.failures),
    )  # fmt: skip


def worth_telling(traffic: Traffic, ways: Sequence[Way]) -> list[Way]:
    """Ways, the soonest first, without those that a shorter one of their own families is as soon as, or that read alike."""
    ranked = list({_words(way): way for way in reversed(traffic.ranked(ways))}.values())[::-1]
    families = [frozenset(hop.route.family for hop in way.hops if hop.route is not None) for way in ranked]
    points = [(traffic.at_score(way, 0.0), traffic.at_score(way, Z90)) for way in ranked]

    def beaten(one: int, other: int) -> bool:
        sooner = all(mine >= theirs for mine, theirs in zip(points[one], points[other], strict=True))
        return families[other] <= families[one] and len(ranked[other].hops) < len(ranked[one].hops) and sooner

    return [way for one, way in enumerate(ranked) if not any(beaten(one, other) for other in range(len(ranked)))]


def riskiest(way: Way) -> str:
    """The risk class of the riskiest route on a way; paid out by an exchange, it is that of an exchange."""
    found = [hop.route.risk for hop in way.hops if hop.route is not None]
    found += ["custodial" for hop in way.hops if hop.kind in (Kind.OUT, Kind.IN) and hop.words]
    return max(found, key=RISKS.index, default="")


def unreckoned(facts: Facts, starts: Iterable[str], ends: Iterable[str], asset: str, amount: float) -> list[str]:
    """Why routes between these layers carry nothing: their times are not known, or the amount is below their least."""
    first, last = set(starts), set(ends)
    out = []
    for one in facts.routes.values():
        if asset not in one.assets or not first & set(one.starts) or not last & set(one.ends):
            continue
        if one.seconds is None:
            lacking = ", ".join(name for name in one.unknown if name.startswith("seconds"))
            out.append(f"{one.id} is left out: nobody knows its {lacking}; give them with --facts")
        elif one.cap.least > amount:
            out.append(f"{one.id} is left out: it takes {one.cap.least:g} dollars at least")
    return out


def _fee(facts: Facts, fee: Fee, start: str, prices: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
    """Dollars of a fee that are known, and what of it needs a price."""
    if not fee.native:
        return fee.dollars or 0.0, ()
    gas = facts.layers[start].gas if start in facts.layers else None
    token = gas.token if gas else ""
    price = price_of(token, prices)
    if token not in fee.native or price is None:
        return fee.dollars or 0.0, (f"price of {token or 'the gas coin'}",)
    return (fee.dollars or 0.0) + fee.native[token] * price, ()


def _gas(facts: Facts, route: Route, start: str, end: str, prices: Mapping[str, float]) -> float | None:
    parts = [
        action_dollars(facts.layers[start], route.leaving, prices),
        action_dollars(facts.layers[end], route.arriving, prices),
    ]
    known = [one for one in parts if one is not None]
    return sum(known) if len(known) == len(parts) else None


def _unknown(hops: Sequence[Hop], lacking: Sequence[tuple[str, ...]]) -> Iterable[str]:
    for hop, more in zip(hops, lacking, strict=True):
        for name in (*(hop.route.unknown if hop.route else ()), *more):
            yield f"{hop.name}: {name}"


def _notes(routes: Sequence[Route]) -> tuple[str, ...]:
    return tuple(f"{one.id}: {text}" for one in routes for text in (one.cap.note, one.witness.note) if text)


def _words(way: Way) -> str:
    """By what, with the layer between two routes."""
    routes = [hop for hop in way.hops if hop.route is not None]
    said = {id(hop): f"{hop.words} to {hop.layers[1]}" for hop in routes[:-1]}
    return ", ".join(said.get(id(hop), hop.words) for hop in way.hops if hop.words) or "at once"


def _many(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} layers"
