"""Making an exit plan from a book: groups in their order, steps, limits, costs from the depth that is known, margin after each
stage.

No stage may bring an account nearer to its liquidation than it stood before the exit. Where the order asked for would (the
hedge of a pair goes first), the rest of that account is closed together with it, in step: making a whole account smaller only
ever leads away.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perpbook.errors import InputError
from perpbook.execution.chances import Swings
from perpbook.execution.closing import Cost, Held, PositionKey, after_closing, positions_held
from perpbook.execution.exit_margin import NOWHERE, Nearer, Standing, accounts_after, dangers_of, leans, nearer_than
from perpbook.execution.exit_plan import ExitPlan, Left, Stage
from perpbook.margin.arrays import BookArrays, book_arrays
from perpbook.model.action import Leg
from perpbook.model.contract import in_lots
from perpbook.model.market import Snapshot
from perpbook.playbook.exit_section import Exit
from perpbook.playbook.schema import Playbook
from perpbook.playbook.sleeves import sleeve_of_position
from perpbook.terms.terms import VenueTerms

PACE_SECONDS = 60.0
"""Between two visits to a book, when nobody says how long it takes to fill again. A guess; every output says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast it may go. seconds : between two visits to a book; swings, budget : the most that any account's chance of
    liquidation before its last leg may be, for which steps are given up; None for not asked."""

    seconds: float = PACE_SECONDS
    swings: Swings | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.seconds < math.inf:
            raise InputError(f"a pace of {self.seconds:g} seconds: it must be a number not below 0")
        if self.budget is not None and (self.swings is None or not 0.0 <= self.budget <= 1.0):
            raise InputError("a budget is a chance from 0 to 1, and needs volatilities: --volatility 0.6 or BTC=0.5")


Group = tuple[str, tuple[Held, ...]]


def exit_plan(snapshot: Snapshot, terms: Mapping[str, VenueTerms], playbook: Playbook, pace: Pace = Pace()) -> ExitPlan:
    """The way to flat under a playbook's [exit]; with a budget in as many steps, up to its own, as keep it.

    Raises
    ------
    InputError : a volatility is not known, or an account holds one contract on both sides.
    MissingData : a price is not known.
    """
    rules = playbook.exit or Exit()
    arrays = book_arrays(snapshot.book, snapshot.market, terms)
    held = positions_held(arrays)
    groups = _groups(held, playbook, {one.account: one.nearest for one in accounts_after(arrays)})
    desk = _Desk(snapshot=snapshot, terms=terms, rules=rules, pace=pace)
    plan, notes = _safe(desk, groups, arrays, rules.steps), _strange(held, playbook)
    if not plan.kept and rules.steps > 1:
        plan = _most_steps(desk, groups, arrays)
        notes = (*notes, f"{_steps(plan.steps)} instead of {rules.steps}, to be done in time")
    return replace(plan, notes=(*plan.notes, *notes))


def _most_steps(desk: _Desk, groups: tuple[Group, ...], arrays: BookArrays) -> ExitPlan:
    """The plan of the most steps that keeps the budget, the one of a single step where none does. Fewer steps are done sooner."""
    best = _safe(desk, groups, arrays, 1)
    low, high = 1, desk.rules.steps
    while best.kept and high - low > 1:
        middle = (low + high) // 2
        tried = _safe(desk, groups, arrays, middle)
        low, high, best = (middle, high, tried) if tried.kept else (low, middle, best)
    return best


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _groups(held: Sequence[Held], playbook: Playbook, nearest: Mapping[str, float | None]) -> tuple[Group, ...]:
    """Positions in the order asked for; what no name means comes last, the account nearest to its liquidation first."""
    names = (playbook.exit or Exit()).order
    left, out = list(held), []
    for name in names:
        mine = tuple(one for one in left if name in _names(one, playbook))
        left = [one for one in left if one not in mine]
        out.append((name, mine))
    accounts = sorted(dict.fromkeys(one.account for one in left), key=lambda one: _or_never(nearest[one]))
    out += [(name, tuple(one for one in left if one.account == name)) for name in accounts]
    return tuple(group for group in out if group[1])


def _strange(held: Sequence[Held], playbook: Playbook) -> tuple[str, ...]:
    """Names of the order that mean nothing the book holds: no reason not to get out, and worth a word."""
    known = {word for one in held for word in _names(one, playbook)}
    return tuple(
        f'exit.order: "{name}" is no sleeve, tag, venue or asset of a position held'
        for name in (playbook.exit or Exit()).order
        if name not in known
    )


def _or_never(move: float | None) -> float:
    return math.inf if move is None else move


def _names(held: Held, playbook: Playbook) -> set[str]:
    """What an order may call a position by."""
    number = sleeve_of_position(playbook, held.venue, held.symbol, held.tags)
    sleeve = {playbook.capital.sleeves[number].name} if playbook.capital and number >= 0 else set()
    return sleeve | {*held.tags, held.venue, held.item.asset}


@dataclass(slots=True, kw_only=True)
class _Way:
    """A plan while it is made: what is closed of each position, and what has been taken from each book."""

    closed: dict[PositionKey, float] = field(default_factory=dict)
    costs: dict[PositionKey, float] = field(default_factory=dict)
    taken: dict[tuple[str, str, bool], float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    snapshot: Snapshot
    terms: Mapping[str, VenueTerms]
    rules: Exit
    pace: Pace

    def after(self, held: Sequence[Held], way: _Way, names: Collection[str]) -> BookArrays:
        """Some accounts once so much is closed, costs paid, at today's prices."""
        book = self.snapshot.book
        some = replace(book, accounts=tuple(one for one in book.accounts if one.id in names))
        done = [one for one in held if one.account in names and one.key in way.closed]
        made = {one.key: (one, way.closed[one.key], way.costs[one.key]) for one in done}
        alone = after_closing(replace(self.snapshot, book=some), self.terms, made)
        return book_arrays(alone.book, self.snapshot.market, self.terms)


def _safe(desk: _Desk, groups: tuple[Group, ...], arrays: BookArrays, steps: int) -> ExitPlan:
    """The plan, with accounts pulled together wherever the order would bring one nearer to its liquidation."""
    notes: list[str] = []
    while True:
        plan, dangers = _built(desk, groups, arrays, steps)
        mended = next(((one, found) for one in dangers if (found := _pulled(groups, one)) is not None), None)
        if mended is None:
            return replace(plan, notes=(*plan.notes, *notes, *map(_beyond, dangers)))
        danger, groups = mended
        notes.append(
            f"{danger.account} is closed together: {danger.group} alone would bring its liquidation from {_move(danger.before)} "
            f"to {_move(danger.after)}"
        )


def _beyond(danger: Nearer) -> str:
    return (
        f"closing {danger.account} brings its liquidation from {_move(danger.before)} to {_move(danger.after)} by its costs "
        "and whole lots alone: add collateral first"
    )


def _move(size: float) -> str:
    return f"a move of {size:.2%}" if math.isfinite(size) else "none"


def _pulled(groups: tuple[Group, ...], danger: Nearer) -> tuple[Group, ...] | None:
    """Groups with all of an account in the one that endangers it; None where it is there already."""
    at = next(number for number, (name, _) in enumerate(groups) if name == danger.group)
    later = tuple(one for _, held in groups[at + 1 :] for one in held if one.account == danger.account)
    if not later:
        return None
    out = [
        (name, held if number <= at else tuple(one for one in held if one not in later))
        for number, (name, held) in enumerate(groups)
    ]
    out[at] = (out[at][0], (*out[at][1], *later))
    return tuple(group for group in out if group[1])


def _built(
    desk: _Desk, groups: tuple[Group, ...], arrays: BookArrays, steps: int
) -> tuple[ExitPlan, tuple[Nearer, ...]]:
    """A plan, and the accounts that come nearer to their liquidation on its way, each once a group."""
    swings, way, states = desk.pace.swings, _Way(), [NOWHERE.after(arrays, desk.pace.swings)]
    stages: list[Stage] = []
    dangers: dict[tuple[str, str], Nearer] = {}
    held = tuple(one for _, group in groups for one in group)
    for name, group in groups:
        count = min(steps, max((_lots(one) for one in group), default=1))
        for step in range(1, count + 1):
            stage = _stage(desk, group, way, (name, len(stages) + 1, step / count))
            if not stage.legs:
                continue
            states.append(states[-1].after(desk.after(held, way, {leg.account for leg in stage.legs}), swings))
            stages.append(_standing(stage, states[0], states[-1]))
            for one in nearer_than(name, tuple(states[0].views.values()), stages[-1].accounts):
                dangers.setdefault((one.account, one.group), one)
    return _plan(desk, steps, stages, states), tuple(dangers.values())


def _standing(stage: Stage, start: Standing, now: Standing) -> Stage:
    """A stage with how accounts and the book stand after it."""
    notes = (*stage.notes, *leans(start, now))
    return replace(stage, accounts=tuple(now.views.values()), net=now.leaning, notes=notes)


def _plan(desk: _Desk, steps: int, stages: Sequence[Stage], states: Sequence[Standing]) -> ExitPlan:
    rules, pace, visits = desk.rules, desk.pace, [one.visits for one in stages]
    chances = dangers_of(states, visits, pace.seconds) if pace.swings else ()
    return ExitPlan(
        as_of_ns=desk.snapshot.market.as_of_ns, steps=steps, collar=rules.slippage_max, pace_seconds=pace.seconds,
        stages=tuple(stages), before=tuple(states[0].views.values()), net=states[0].leaning, dangers=chances,
        budget=pace.budget, destination=rules.destination or "",
        kept=pace.budget is None or all(one.chance <= pace.budget for one in chances),
    )  # fmt: skip


def _lots(held: Held) -> int:
    return math.floor(abs(held.quantity) / held.lot + 1e-9) if held.lot > 0.0 else 10**6


def _stage(desk: _Desk, group: Sequence[Held], way: _Way, what: tuple[str, int, float]) -> Stage:
    """One step of a group: legs and costs; `way` goes on. what : the group's name, the stage's number, the share then closed."""
    name, number, share = what
    parts = [part for part in (_part(one, way, share, desk.rules.slippage_max) for one in group) if part is not None]
    return Stage(
        number=number, name=name, legs=tuple(one.leg for one in parts), left=tuple(one.left for one in parts),
        notional=math.fsum(one.notional for one in parts), fees=math.fsum(one.drained.fees for one in parts),
        slippage_low=math.fsum(one.low for one in parts), slippage_high=math.fsum(one.drained.slippage or 0.0 for one in parts),
        depth_unknown=tuple(f"{one.leg.symbol} @ {one.leg.account}" for one in parts if one.drained.slippage is None),
        visits=max((one.visits for one in parts), default=1), accounts=(), net=0.0,
        notes=tuple(one.note for one in parts if one.note),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One leg of a stage. `drained` : its cost where books never refill; `low` slippage where they do before every visit."""

    leg: Leg
    left: Left
    notional: float
    drained: Cost
    low: float
    visits: int
    note: str


def _part(one: Held, way: _Way, share: float, collar: float) -> _Part | None:
    """The leg that brings a position to the share closed; None where that is less than a lot more."""
    before = way.closed.get(one.key, 0.0)
    done = max(one.down(abs(one.quantity) * share), before)
    more = round(done - before, 12)
    if more <= 0.0:
        return None
    book, base = (one.venue, one.symbol, one.quantity > 0), abs(one.base) * more / abs(one.quantity)
    drained = one.cost(more, way.taken.get(book, 0.0))
    way.taken[book] = way.taken.get(book, 0.0) + base
    way.closed[one.key] = done
    way.costs[one.key] = way.costs.get(one.key, 0.0) + drained.known
    leg = _leg(one, before, more, collar)
    visits = _visits(one, base, leg.limit_price)
    low = min((one.cost(more / max(visits, 1)).slippage or 0.0) * max(visits, 1), drained.slippage or 0.0)
    rest = math.copysign(round(abs(one.quantity) - done, 12), one.quantity) + 0.0
    return _Part(
        leg=leg, left=Left(account=one.account, symbol=one.symbol, quantity=rest), notional=base * one.price,
        drained=drained, low=low, visits=max(visits, 1),
        note="" if visits else f"nothing rests within the limit of {one.symbol} @ {one.account}: the leg waits there",
    )  # fmt: skip


def _leg(held: Held, before: float, more: float, collar: float) -> Leg:
    """An order for a part, never worse than the collar: limits in whole ticks, rounded towards the margin price."""
    assert held.item.terms is not None
    contract, mark = held.item.terms.contract, held.item.mark
    selling = held.quantity > 0
    limit = mark * (1.0 - collar if selling else 1.0 + collar)
    if contract.tick_size > 0.0:
        ticks = limit / contract.tick_size
        limit = in_lots(math.ceil(ticks - 1e-9) if selling else max(math.floor(ticks + 1e-9), 1), contract.tick_size)
    left = math.copysign(round(abs(held.quantity) - before, 12), held.quantity)
    return Leg(
        account=held.account, venue=held.venue, symbol=held.symbol, quantity=-math.copysign(min(more, abs(left)), left),
        held=left, limit_price=limit,
    )  # fmt: skip


def _visits(held: Held, base: float, limit: float) -> int:
    """Times the book must be as full as now for so much to trade at the limit or better: 1 where no depth is known, 0 where none
    of it is good enough."""
    there = sum(
        quantity for price, quantity in held.levels if (price >= limit) == (held.quantity > 0) or price == limit
    )
    if not held.levels:
        return 1
    return max(math.ceil(base / there * (1.0 - 1e-9)), 1) if there > 0.0 else 0
