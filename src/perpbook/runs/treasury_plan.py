"""`treasury plan`: what to move over which ways so that every need is met in time, tried by drawn arrivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError, Refused
from perpbook.runs.treasury_state import State, StateAsked, state_of

if TYPE_CHECKING:
    from perpbook.treasury.facts import Facts
    from perpbook.treasury.flow import First
    from perpbook.treasury.network import Desk, Own
    from perpbook.treasury.planned import Planned
    from perpbook.treasury.task import Cut, Need, Plan, Spare

DRAWS = 10_000
TRIED_ELSEWHERE = 1
"""Added to the seed for the draws that a plan is tried by."""

MOST_SURER = 8
"""Of how many transfers a need may hang at most, each promised so much surer that all of them together keep the promise."""

HALF_SPREAD = 1e-4
YEAR_SECONDS = 365.0 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How to plan. needs : "PLACE=DOLLARS@MINUTES" each; none: reckoned as `treasury needs` does, from the `lake`. kept : share
    of an account's free collateral that stays. waiting : what a dollar under way costs a year, a fraction."""

    state: StateAsked
    needs: Sequence[str] = ()
    probability: float = 0.95
    minutes: float = 60.0
    greedy: bool = False
    first: First = "time"
    reduce: bool = True
    failures: bool = True
    kept: float = 0.5
    waiting: float = 0.0
    half_spread: float = HALF_SPREAD
    fees: Sequence[str] = ()
    caps: Sequence[str] = ()
    in_flight: Sequence[str] = ()
    lake: Path | None = None
    made_up: bool = False


def run_plan(asked: Asked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> Planned:
    """Read, plan, and try the plan.

    Raises
    ------
    InputError : a file or an option is wrong, or nothing is needed.
    DataError : a price is missing or stale.
    Refused : something of the book is unread, so that nothing may start.
    """
    check_options(asked)
    state = state_of(asked.state, now_ns=now_ns, terms_folders=terms_folders)
    if not state.holdings.may_start:
        from perpbook.treasury.standing_money import refusal

        raise Refused(refusal(state.holdings))
    if asked.needs:
        needs = needs_asked(asked, state)
        return planned(asked, state, needs, spares_for(asked, state, needs))
    from perpbook.runs.treasury_needs import NeedsAsked, wanted_of

    reckoned = NeedsAsked(state=asked.state, lake=asked.lake, made_up=asked.made_up, promised=asked.probability)
    wanted = wanted_of(state, reckoned)
    if not wanted.needs:
        raise InputError("nothing is short: `treasury needs` tells why; --need PLACE=DOLLARS@MINUTES asks for more")
    short = {one.place for one in wanted.needs}
    spares = tuple(one for one in wanted.spares if one.place not in short)
    return planned(asked, replace(state, notes=wanted.notes), wanted.needs, spares)


def check_options(asked: Asked) -> None:
    """Refuse numbers that are none."""
    if not 0.5 <= asked.probability < 1.0:
        raise InputError(f"--probability {asked.probability:g}: write a fraction from 0.5 to below 1, such as 0.95")
    if not 0.0 <= asked.kept <= 1.0:
        raise InputError(f"--keep {asked.kept:g}: write the share of free collateral that stays, from 0 to 1")
    if not asked.minutes > 0.0:
        raise InputError(f"--deadline {asked.minutes:g}: write minutes above 0")
    if not 0.0 <= asked.waiting < 10.0:
        raise InputError(f"--waiting {asked.waiting:g}: write what a dollar costs a year as a fraction, such as 0.08")
    if not 0.0 <= asked.half_spread < 0.1:
        raise InputError(f"--half-spread {asked.half_spread:g}: write a fraction of notional, such as 0.0001")
    if asked.first not in ("time", "cost"):
        raise InputError(f'--first {asked.first}: write "time" or "cost"')


def needs_asked(asked: Asked, state: State) -> tuple[Need, ...]:
    """What the trader says is needed."""
    from perpbook.runs.treasury_told import need_of

    found = [need_of(text, asked.minutes, state.snapshot.book, state.treasury.facts) for text in asked.needs]
    places = [one.place for one in found]
    twice = next((one for one in places if places.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"--need names {twice} twice: write one need for it")
    return tuple(found)


def spares_for(asked: Asked, state: State, needs: Sequence[Need]) -> tuple[Spare, ...]:
    """Money that may go: what stands free on layers, and of other accounts' free dollars what is not kept."""
    from perpbook.model.market import STABLECOINS
    from perpbook.treasury.task import Spare

    wanted, accounts = {one.place for one in needs}, {one.id for one in state.snapshot.book.accounts}
    out = []
    for one in state.holdings.holdings.values():
        loose = max(one.free - one.leaving, 0.0)
        if one.place in wanted or (one.place in accounts and one.asset not in STABLECOINS):
            continue
        goes = loose * (1.0 - asked.kept) if one.place in accounts else loose
        why = f"{asked.kept:.0%} of its free collateral stays" if one.place in accounts else "it stands free"
        if goes > 0.0:
            out.append(
                Spare(place=one.place, asset=one.asset, dollars=goes, kept=one.actual - one.leaving - goes, why=why)
            )
    return tuple(out)


def planned(asked: Asked, state: State, needs: Sequence[Need], spares: Sequence[Spare]) -> Planned:
    """The plan; with arrivals at a place promised surer where several that a need there hangs on do not keep the promise
    together, unless that leaves more missing."""
    parts, several = (needs, spares, _cuts(asked, state, needs)), dict[str, int]()
    found = first = _once(asked, state, parts, {})
    while not found.trial.kept and max(several.values(), default=1) < MOST_SURER:
        for place in {needs[number].place for number in found.trial.broken}:
            several[place] = several.get(place, 1) + 1
        surer = {place: 1.0 - (1.0 - asked.probability) / count for place, count in several.items()}
        found = _once(asked, state, parts, surer)
    return found if found.trial.kept and _leaves_no_more(found.plan, first.plan) else first


def _leaves_no_more(one: Plan, other: Plan) -> bool:
    """Whether nothing more is missing, a dollar aside, now or after a failure."""
    after = [name for name, short in other.short_after.items() if one.short_after[name].sum() > short.sum() + 1.0]
    return not after and float(one.short.sum()) <= float(other.short.sum()) + 1.0


def _once(
    asked: Asked,
    state: State,
    parts: tuple[Sequence[Need], Sequence[Spare], Sequence[Cut]],
    surer: Mapping[str, float],
) -> Planned:
    from perpbook.runs.rescue import scores_by_name
    from perpbook.treasury.arrivals import try_plan
    from perpbook.treasury.exact import solve
    from perpbook.treasury.failures import failures_of
    from perpbook.treasury.greedy import greedy
    from perpbook.treasury.network import asked_failures, network_of
    from perpbook.treasury.planned import Planned
    from perpbook.treasury.ways import Chance

    needs, spares, cuts = parts
    desk = replace(desk_of(asked, state, asked.probability), surer=surer)
    network = network_of(desk, needs, spares, cuts)
    if asked.failures:
        singles = failures_of(state.snapshot.book, state.treasury.facts, network.ways, 0.0)
        network = replace(network, task=replace(network.task, failures=asked_failures(singles)))
    plan = greedy(network.task) if asked.greedy else solve(network.task, first=asked.first)
    fresh = Chance(scores=scores_by_name(asked.state.seed + TRIED_ELSEWHERE, DRAWS), held=True)
    trial = try_plan(network, plan, state.treasury.conditions, fresh, asked.probability)
    return Planned(
        network=network, plan=plan, trial=trial, probability=asked.probability,
        strict=tuple(desk.promised(one) for one in needs), storm=asked.state.storm or "",
        simulated=state.snapshot.market.simulated, notes=state.notes,
    )  # fmt: skip


def desk_of(asked: Asked, state: State, promise: float) -> Desk:
    """What lanes are made of."""
    from perpbook.runs.rescue import scores_by_name
    from perpbook.treasury.health_conditions import nothing_leaves
    from perpbook.treasury.network import Desk
    from perpbook.treasury.ways import Chance

    return Desk(
        facts=state.treasury.facts,
        accounts={one.id: one for one in state.snapshot.book.accounts},
        terms=state.terms,
        conditions=nothing_leaves(state.treasury.conditions),
        chance=Chance(scores=scores_by_name(asked.state.seed, DRAWS), held=True),
        prices=state.snapshot.market.asset_prices,
        promise=promise,
        waiting=asked.waiting / YEAR_SECONDS,
        own=own_of(asked, state.treasury.facts),
    )


def own_of(asked: Asked, facts: Facts) -> Own:
    """The trader's own figures."""
    from perpbook.runs.treasury_told import amounts_of, fees_of
    from perpbook.treasury.facts import RISKS
    from perpbook.treasury.network import Own

    routes = tuple(facts.routes)
    pools = tuple({cap.pool for one in facts.routes.values() for cap in one.cap.shared})
    doors = tuple(
        f"{kind}:{one.id}" for one in facts.venues.values() if one.networks for kind in ("withdrawal", "deposit")
    )
    return Own(
        fees=fees_of(asked.fees, (*routes, *doors)),
        caps=amounts_of(asked.caps, "--cap", (*routes, *pools)),
        in_flight=amounts_of(asked.in_flight, "--in-flight", RISKS),
    )


def _cuts(asked: Asked, state: State, needs: Sequence[Need]) -> tuple[Cut, ...]:
    from perpbook.treasury.reducing import cuts_of

    if not asked.reduce:
        return ()
    return cuts_of(state.standing, needs, state.treasury.conditions, asked.half_spread)
