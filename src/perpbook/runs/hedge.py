"""`perpbook hedge`: a hedge found on real history, placed where it protects, and gone through every storm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels import jit
from perpbook.model.units import HOUR_NS, to_iso
from perpbook.runs.hedge_asked import REPORT, HedgeAsked
from perpbook.runs.hedge_desk import Opened
from perpbook.runs.hedge_past import Past, read_past

if TYPE_CHECKING:
    from perpbook.hedging.plan import HedgePlan, InStorm, Placement
    from perpbook.hedging.trust import Part
    from perpbook.runs.check import CheckResult
    from perpbook.runs.hedge_desk import HedgeDesk
    from perpbook.scenario.storm import Storm
    from perpbook.tails.returns import JointReturns

Tell = Callable[[str, int, int], object]

USUAL = ("BTC", "ETH")
"""What is hedged with unless said, where the lake knows it."""


def silent(step: str, number: int, total: int) -> None:
    """Say nothing."""


def run_hedge(asked: HedgeAsked, tell: Tell = silent) -> HedgePlan:
    """Find, place, assess again, and go through the storms.

    Raises
    ------
    InputError : a file or an option is wrong, or too little history.
    MissingData : the lake has no history of an asset.
    """
    jit.prefer_plain()  # A storm alone is done before the compiler has begun.
    from perpbook.hedging.betas import MARKET, weighted_deltas
    from perpbook.runs.hedge_parts import parts_of
    from perpbook.runs.hedge_quality import in_sets, quality_of
    from perpbook.runs.hedge_storms import storms_of
    from perpbook.tails.bootstrap import usual_resampling

    tell("the book", 0, 6)
    catalogue = storms_of(asked.storms)
    opened = open_desk(asked, tell)
    asked, desk, past = opened.asked, opened.desk, opened.past
    how = usual_resampling(past.returns.rows, past.returns.bar_ns, draws=asked.draws)
    seeds = iter(np.random.SeedSequence(asked.seed).spawn(3))

    def chance() -> np.random.Generator:
        return np.random.Generator(np.random.SFC64(next(seeds)))

    tell("the hedge on resamples of the past", 2, 6)
    parts = parts_of(asked, opened, chance()) if asked.method != REPORT else ()
    tell("places", 3, 6)
    unhedged, placements, chosen = _placed(asked, desk, parts)
    tell("betas", 4, 6)
    legs = _dollars(chosen)
    hedged = {one: desk.exposures.get(one, 0.0) + legs.get(one, 0.0) for one in (*desk.exposures, *legs)}
    factors = [*(one for one in USUAL if one in past.returns.names), MARKET]
    weighted = weighted_deltas(past.returns, desk.exposures, factors, how, chance(), hedged=hedged if legs else None)
    longs = {asset: dollars for asset, dollars in desk.exposures.items() if dollars > 0.0}
    shorts = {asset: dollars for asset, dollars in desk.exposures.items() if dollars < 0.0}
    rng, after = chance(), _after(desk, chosen)
    tell("the storms", 5, 6)
    storms = _storms(asked, opened, after, catalogue, tell) if chosen else ()
    return _plan(
        asked, opened, chosen, weighted=weighted, parts=parts, unhedged=unhedged, placements=placements, storms=storms,
        sets=in_sets(desk, opened.against, legs, after),
        quality=quality_of(desk, past.returns, (("book", desk.exposures), ("hedge", legs)), how, rng),
        legs=quality_of(desk, past.returns, (("longs", longs), ("shorts", shorts)), how, rng),
    )  # fmt: skip


def open_desk(asked: HedgeAsked, tell: Tell = silent) -> Opened:
    """Read the book and its past, and lay out the scenarios; errors as `run_hedge`."""
    from perpbook.hedging.scenarios import moves_of, usual_covariance, weights_of
    from perpbook.hedging.variance import variance_hedge
    from perpbook.runs.check import assess_under, check_snapshot, load_all_terms, read_inputs
    from perpbook.runs.hedge_desk import HedgeDesk, exposures_of, refuse_unlisted, usable, with_quotes
    from perpbook.runs.hedge_rules import budget_of, left_alone, options_note, under_rules
    from perpbook.tails.bootstrap import usual_resampling
    from perpbook.tails.stressed import stressed_matrix

    snapshot, rules = read_inputs(
        asked.book, asked.playbook, market=asked.market, now_ns=None, terms_folders=asked.terms_folders
    )
    asked = under_rules(asked, rules)
    terms = load_all_terms(snapshot, asked.terms_folders)
    exposures = exposures_of(assess_under(snapshot, rules, terms, ()))
    held = tuple(asset for asset, dollars in exposures.items() if dollars != 0.0)
    if not held:
        raise InputError("the book is exposed to no price: there is nothing to hedge")
    against = asked.against or usable(snapshot, terms, held if asked.method == "delta" else USUAL)
    refuse_unlisted(snapshot, terms, asked.against or ())
    snapshot, borrowed = with_quotes(snapshot, terms, against)
    before = check_snapshot(snapshot, rules, terms, with_plans=False)
    budget = budget_of(asked, before.assessment.book.equity)
    tell("the past", 1, 6)
    past = read_past(asked.past, tuple(dict.fromkeys((*held, *against, *USUAL))))
    how = usual_resampling(past.returns.rows, past.returns.bar_ns)
    stressed = stressed_matrix(past.returns, how, np.random.Generator(np.random.SFC64(asked.seed)))
    calm = variance_hedge(usual_covariance(past.returns), past.returns.names, exposures, against)
    with_calm = {name: exposures.get(name, 0.0) for name in past.returns.names}
    for asset, dollars in zip(against, calm.tolist(), strict=True):
        with_calm[asset] += dollars
    blend = rules.survival.correlation_stress if rules.survival else 0.5
    moves = moves_of(past.returns, stressed, with_calm, blend)
    desk = HedgeDesk(
        before=before, terms=terms, exposures=exposures, moves=moves, weights=weights_of(asked.stress), tail=asked.tail,
        funding=past.funding, horizon_ns=asked.horizon_ns or past.returns.bar_ns, turnover=asked.turnover,
        bar_ns=past.returns.bar_ns,
        budget=budget,
    )  # fmt: skip
    why = (f"the stressed correlation is the usual one: {stressed.why}",) if stressed.stressed is None else ()
    return Opened(
        asked=asked,
        desk=desk,
        past=past,
        against=against,
        notes=(*borrowed, *past.notes, *why, *left_alone(asked, held, against), *options_note(asked, rules)),
    )


def _placed(
    asked: HedgeAsked, desk: HedgeDesk, parts: Sequence[Part]
) -> tuple[Placement, tuple[Placement, ...], Placement | None]:
    from perpbook.runs.hedge_place import best_of, each_its_own, everywhere, place, places, unhedged

    target = {one.asset: one.dollars for one in parts if one.kept}
    found = [*places(desk, target)] if target else []
    if target and asked.method in ("cvar", "budget"):
        found.append(everywhere(desk, target))
    if target and asked.method == "delta":
        found.append(each_its_own(desk, list(target)))
    assert asked.method is not None, "under_rules"
    placements = tuple(place(desk, where, asked.method) for where in found)
    return unhedged(desk), placements, best_of(placements)


def _after(desk: HedgeDesk, chosen: Placement | None) -> CheckResult:
    """The book checked again with the hedge in it; as it is without one."""
    from perpbook.runs.check import check_snapshot
    from perpbook.runs.hedge_place import put_on

    if chosen is None:
        return desk.before
    return check_snapshot(put_on(desk, chosen), desk.before.playbook, desk.terms, with_plans=False)


def _storms(
    asked: HedgeAsked, opened: Opened, after: CheckResult, storms: Sequence[Storm], tell: Tell
) -> tuple[InStorm, ...]:
    from perpbook.runs.hedge_storms import face_storms, in_grid

    desk = opened.desk
    faced = face_storms(desk, after.snapshot, opened.past.returns, asked.past.lake, storms, tell)
    return (*in_grid(desk, after), *faced)


def _dollars(chosen: Placement | None) -> dict[str, float]:
    out: dict[str, float] = {}
    for leg in chosen.legs if chosen else ():
        out[leg.asset] = out.get(leg.asset, 0.0) + leg.dollars
    return out


NOT_MODELLED = (
    "moves larger than the past's own, but for the wildest windows' volatility and the storms",
    "funding that changes over the horizon: it is the book's rate, or the lake's last month's mean",
    "orders other than taking at today's prices; money sent to an account that the hedge sits in",
    "uncertainty of the stressed correlation itself: resamples draw days, not the matrices they are moved to",
)


def _plan(asked: HedgeAsked, opened: Opened, chosen: Placement | None, **found: Any) -> HedgePlan:
    from perpbook.hedging.plan import Exposure, HedgePlan
    from perpbook.runs.hedge_rules import judged_tail

    assert asked.method is not None and asked.beta is not None, "under_rules"
    desk, returns, legs = opened.desk, opened.past.returns, _dollars(chosen)
    named = dict.fromkeys((*desk.exposures, *legs))
    return HedgePlan(
        method=asked.method,
        beta=asked.beta,
        judged=judged_tail(asked, desk, found["unhedged"], chosen),
        against=opened.against,
        equity=desk.before.assessment.book.equity,
        tail=asked.tail,
        horizon_hours=desk.horizon_ns / HOUR_NS,
        exposures=tuple(
            Exposure(
                asset=one,
                without=desk.exposures.get(one, 0.0),
                hedged=desk.exposures.get(one, 0.0) + legs.get(one, 0.0),
            )
            for one in named
        ),
        chosen=chosen,
        facts=facts_of(asked, desk, returns, opened.past),
        notes=tuple(dict.fromkeys(opened.notes)),
        not_modelled=NOT_MODELLED,
        **found,
    )


def facts_of(asked: HedgeAsked, desk: HedgeDesk, returns: JointReturns, past: Past) -> Mapping[str, Any]:
    """What was asked, and of which past."""
    from perpbook.runs.hedge_parts import AGAIN

    before = desk.before
    return {
        "book": before.snapshot.book.source,
        "as_of": to_iso(before.snapshot.market.as_of_ns),
        "playbook": before.playbook.name if asked.playbook else None,
        "venue": asked.past.venue,
        "history_from": to_iso(int(returns.times_ns[0]) - returns.bar_ns),
        "history_to": to_iso(int(returns.times_ns[-1])),
        "rows": returns.rows,
        "move_hours": returns.bar_ns / HOUR_NS,
        "stress": asked.stress,
        "largest_move": desk.largest_move,
        "wild": dict(zip(desk.moves.names, desk.moves.wild.tolist(), strict=True)),
        "draws": asked.draws,
        "again": AGAIN,
        "beta": asked.beta,
        "tail_budget": asked.budget,
        "seed": asked.seed,
        "simulated_prices": before.snapshot.market.simulated,
        "simulated_history": past.simulated,
        "source": past.source,
    }
