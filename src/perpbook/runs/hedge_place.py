"""Where a hedge should sit: the same hedge in every account that can take it, each assessed again with it in the book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from perpbook.hedging.budget import budget_hedge, budget_in_lots
from perpbook.hedging.cvar import best_in_lots, cvar_hedge, fits
from perpbook.hedging.instruments import Instruments, Room
from perpbook.hedging.plan import AccountMargin, Leg, Placement
from perpbook.hedging.scenarios import pnl_of
from perpbook.hedging.shortfall import Scenarios, shortfall_of
from perpbook.model.account import Account, Balance, MarginMode
from perpbook.model.market import Snapshot
from perpbook.runs.check import CheckResult, check_snapshot
from perpbook.runs.hedge_desk import HedgeDesk, dollars_per_unit, funding_rate, instruments, priced
from perpbook.runs.trade import Priced, in_lots, with_trade
from perpbook.runs.whatif import Desk, worse

if TYPE_CHECKING:
    from perpbook.kernels.types import Floats
    from perpbook.model.book import Book

TRIES = 6
"""Times that a hedge is made smaller until its venue would take it."""

NONE_WANTED = {
    "cvar": "none is wanted: it costs more than it takes away",
    "budget": "no lot of it takes anything from the worst moves",
} | dict.fromkeys(("delta", "variance"), "less than one lot is wanted")

SAME, VENUE, OTHER, SPREAD = "same account", "same venue", "other venue", "spread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """A place: accounts by name, and dollars by (account, asset) that are wanted there (`wanted`; a hedge of least shortfall
    finds its own). `isolated` : each leg alone, its margin taken from the account it stands beside."""

    name: str
    kind: str
    wanted: Mapping[tuple[str, str], float]
    isolated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """A leg before it is told: so much of a contract, in whole lots."""

    contract: Priced
    quantity: float


def places(desk: HedgeDesk, target: Mapping[str, float]) -> list[Where]:
    """Every account with the target (dollars by asset), across and isolated; then all of them together.

    The kind is said from the account that dies first.
    """
    accounts = desk.before.snapshot.book.accounts
    first = desk.before.assessment.book.first_to_die
    dying = next((one for one in accounts if one.id == first), None)
    out = []
    for one in accounts:
        kind = SAME if one is dying else VENUE if dying and one.venue == dying.venue else OTHER
        wanted = {(one.id, asset): dollars for asset, dollars in target.items()}
        out.append(Where(name=one.id, kind=kind, wanted=wanted))
        if one.mode is MarginMode.CROSS:
            out.append(Where(name=one.id, kind=kind if kind is not SAME else VENUE, wanted=wanted, isolated=True))
    return out


def everywhere(desk: HedgeDesk, target: Mapping[str, float]) -> Where:
    """All accounts together, wherever it is best."""
    accounts = desk.before.snapshot.book.accounts
    wanted = {(one.id, asset): dollars for one in accounts for asset, dollars in target.items()}
    return Where(name="all accounts", kind=SPREAD, wanted=wanted)


def each_its_own(desk: HedgeDesk, assets: Sequence[str]) -> Where:
    """Every account against its own exposure."""
    from perpbook.margin.views import exposures_by_account

    assessed = desk.before.assessed
    by_account = exposures_by_account(assessed.arrays, assessed.measures)
    wanted = {
        (account.id, asset): -by_account[number].get(asset, 0.0)
        for number, account in enumerate(desk.before.snapshot.book.accounts)
        for asset in assets
    }
    return Where(name="each its own", kind=SPREAD, wanted=wanted)


def unhedged(desk: HedgeDesk) -> Placement:
    """The book as it is, told like a hedge."""
    return _told(desk, Where(name="no hedge", kind="", wanted={}), [], desk.before)


def place(desk: HedgeDesk, where: Where, method: str) -> Placement:
    """The hedge there, in whole lots within the venue's margin, assessed again; made smaller while the venue would refuse it."""
    found = [(key, _contract(desk, where, key)) for key in where.wanted]
    contracts = [one for _, one in found if one is not None]
    dollars = np.array([where.wanted[key] for key, one in found if one is not None])
    mode = "isolated" if where.isolated else _mode(desk, contracts)
    if not contracts:
        why = (
            "holds these contracts already, and cannot hold them apart"
            if where.isolated
            else "no contract for the hedge"
        )
        return Placement(where=where.name, kind=where.kind, mode=mode, isolated=where.isolated, refused=why)
    set_of = instruments(desk, contracts, dollars, isolated=where.isolated)
    room = _room(desk, set_of)
    for _ in range(TRIES):
        hedge, share = _dollars(desk, set_of, contracts, room, dollars, method)
        fills = _fills(contracts, hedge)
        if not fills:
            break
        after = check_snapshot(hedged(desk, where, fills), desk.before.playbook, desk.terms, with_plans=False)
        short = _lacking(desk, after)
        if not short.any():
            best = _told(desk, where, fills, after, share=share)
            notes = (*_absent(found), *_unfunded(desk, fills))
            enough = method == "budget" and share >= 1.0
            lacking = 0.0 if enough else _missing(set_of, room, dollars, where)
            return replace(best, mode=mode, lacking=lacking, notes=notes)
        room = replace(room, margin=room.margin - 1.02 * short)
    lacking = _missing(set_of, room, dollars, where)
    why = "no whole lot of it has room in its margin" if lacking > 0.0 else NONE_WANTED[method]
    return Placement(
        where=where.name, kind=where.kind, mode=mode, isolated=where.isolated, lacking=lacking, fits=0.0, refused=why,
        notes=_absent(found),
    )  # fmt: skip


def _contract(desk: HedgeDesk, where: Where, key: tuple[str, str]) -> Priced | None:
    """The contract of (account, asset); isolated only where the account does not hold it: a venue keeps one position in it."""
    account = desk.account(key[0])
    one = priced(desk, account, key[1])
    if one is not None and where.isolated and any(each.symbol == one.trade.symbol for each in account.positions):
        return None
    return one


def _mode(desk: HedgeDesk, contracts: Sequence[Priced]) -> str:
    modes = {desk.account(one.trade.account).mode.value for one in contracts}
    return modes.pop() if len(modes) == 1 else "as each is"


def _absent(found: Sequence[tuple[tuple[str, str], Priced | None]]) -> tuple[str, ...]:
    return tuple(f"no contract of {key[1]} for it in {key[0]}" for key, one in found if one is None)


def _unfunded(desk: HedgeDesk, fills: Sequence[Fill]) -> tuple[str, ...]:
    unknown = [one.contract for one in fills if funding_rate(desk, one.contract) is None]
    return tuple(f"funding of {one.trade.symbol} on {one.venue.venue} is not known: none is counted" for one in unknown)


def _room(desk: HedgeDesk, one: Instruments) -> Room:
    """Free collateral of every account, and what the contracts take already."""
    accounts = desk.before.assessment.accounts
    free = np.array([each.summary.free_collateral for each in accounts])
    now = one.margin(np.zeros(one.count), len(accounts))
    return Room(margin=free + now, turnover=desk.turnover)


def _dollars(
    desk: HedgeDesk, one: Instruments, contracts: Sequence[Priced], room: Room, wanted: Floats, method: str
) -> tuple[Floats, float]:
    """(K,) dollars in whole lots, and the share of what was wanted that they are."""
    if method == "cvar":
        scenarios = scenarios_of(desk, [each.terms.contract.base for each in contracts])
        found = best_in_lots(scenarios, one, room, cvar_hedge(scenarios, one, room)).hedge
        whole = np.abs(wanted).sum() / (len({each.trade.account for each in contracts}) or 1)
        return found, min(1.0, float(np.abs(found).sum() / whole)) if whole > 0.0 else 1.0
    if method == "budget":
        return _within_budget(desk, one, contracts, room)
    room = room.for_contracts(one)
    low, high = 0.0, 1.0
    if fits(one, room, wanted):
        return _whole(one, wanted), 1.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if fits(one, room, middle * wanted) else (low, middle)
    return _whole(one, low * wanted), low


def _within_budget(desk: HedgeDesk, one: Instruments, contracts: Sequence[Priced], room: Room) -> tuple[Floats, float]:
    """(K,) dollars of the cheapest hedge within the budget, and the share it takes away of what has to go."""
    assert desk.budget is not None, "it was asked for"
    scenarios = scenarios_of(desk, [each.terms.contract.base for each in contracts])
    free = budget_hedge(scenarios, one, room, desk.budget)
    found = budget_in_lots(scenarios, one, room, desk.budget, free)
    without = scenarios.shortfall(np.zeros(one.count))
    taken = (without - found.shortfall) / max(without - desk.budget, 1e-9)
    return found.hedge, 1.0 if found.kept else min(taken, 1.0)


def _whole(one: Instruments, dollars: Floats) -> Floats:
    lots = np.where(one.lots > 0.0, one.lots, 1.0)
    out: Floats = np.where(one.lots > 0.0, np.trunc(dollars / lots * (1 + 1e-12)) * lots, dollars)
    return out


def scenarios_of(desk: HedgeDesk, assets: Sequence[str]) -> Scenarios:
    """The book and contracts of assets in all sets of scenarios."""
    moves, weights = desk.moves.stacked(desk.weights)
    at = [desk.moves.names.index(asset) for asset in assets]
    return Scenarios(
        pnl=pnl_of(moves, desk.moves.names, desk.exposures),
        effect=np.ascontiguousarray(moves[:, at]),
        weights=weights,
        tail=desk.tail,
    )


def _missing(one: Instruments, room: Room, wanted: Floats, where: Where) -> float:
    """Dollars of free collateral that the whole of what was wanted lacks; what is spread asks for no one account's."""
    if where.kind == SPREAD:
        return 0.0
    over = one.margin(wanted, room.margin.size) - room.for_contracts(one).margin
    return float(np.maximum(over, 0.0).sum())


def _fills(contracts: Sequence[Priced], hedge: Floats) -> list[Fill]:
    out = []
    for one, dollars in zip(contracts, hedge.tolist(), strict=True):
        units = dollars / dollars_per_unit(one)
        quantity = in_lots(units * (1 + 1e-9), one.terms)
        if quantity != 0.0:
            out.append(Fill(contract=one, quantity=quantity))
    return out


def hedged(desk: HedgeDesk, where: Where, fills: Sequence[Fill]) -> Snapshot:
    """The book with the trades done at today's prices, their fees and slippage paid."""
    book = desk.before.snapshot.book
    for one in fills:
        contract = one.contract
        cost, _ = Desk(before=desk.before, priced=contract).cost(one.quantity)
        if where.isolated:
            book, contract = _apart(desk, book, one)
        book = with_trade(book, contract, one.quantity, cost)
    return replace(desk.before.snapshot, book=book)


def put_on(desk: HedgeDesk, chosen: Placement) -> Snapshot:
    """The book with the legs of a placement in it."""
    fills = []
    for leg in chosen.legs:
        contract = priced(desk, desk.account(leg.account), leg.asset)
        assert contract is not None, "it was placed there"
        fills.append(Fill(contract=contract, quantity=leg.quantity))
    where = Where(name=chosen.where, kind=chosen.kind, wanted={}, isolated=chosen.isolated)
    return hedged(desk, where, fills)


def _apart(desk: HedgeDesk, book: Book, one: Fill) -> tuple[Book, Priced]:
    """A bucket of its own beside an account, with the margin it needs taken from there."""
    account = next(each for each in book.accounts if each.id == one.contract.trade.account)
    settle, price = one.contract.terms.contract.settle, one.contract.price
    needed = abs(one.quantity) * dollars_per_unit(one.contract) * (desk.largest_move + _initial(desk, one))
    needed = needed / price if one.contract.terms.contract.is_inverse else needed
    name = f"{account.id}-hedge-{one.contract.trade.symbol}"
    cash = {each.asset: each.amount for each in account.collateral}
    cash[settle] = cash.get(settle, 0.0) - needed
    left = tuple(Balance(asset=asset, amount=amount) for asset, amount in cash.items())
    own = Account(
        id=name, venue=account.venue, layer=account.layer, mode=MarginMode.ISOLATED, parent=account.id,
        collateral=(Balance(asset=settle, amount=needed),),
    )  # fmt: skip
    accounts = [replace(each, collateral=left) if each is account else each for each in book.accounts]
    contract = replace(one.contract, trade=replace(one.contract.trade, account=name))
    return replace(book, accounts=(*accounts, own)), contract


def _initial(desk: HedgeDesk, one: Fill) -> float:
    dollars = np.array([abs(one.quantity) * dollars_per_unit(one.contract)])
    return float(instruments(desk, [one.contract], dollars, isolated=True).margins[0]) - desk.largest_move


def _lacking(desk: HedgeDesk, after: CheckResult) -> Floats:
    """(A,) dollars of free collateral that accounts of the book now lack and did not before."""
    now = {one.id: one.summary.free_collateral for one in after.assessment.accounts}
    before = [(one.id, one.summary.free_collateral) for one in desk.before.assessment.accounts]
    out: Floats = np.array([max(0.0, min(was, 0.0) - now[name] - 1e-6) for name, was in before])
    return out


def _told(desk: HedgeDesk, where: Where, fills: Sequence[Fill], after: CheckResult, *, share: float = 1.0) -> Placement:
    was = {one.id: one for one in desk.before.assessment.accounts}
    now = after.assessment
    first = desk.before.assessment.book.first_to_die
    legs = tuple(_leg(desk, one) for one in fills)
    dollars: dict[str, float] = dict(desk.exposures)
    for leg in legs:
        dollars[leg.asset] = dollars.get(leg.asset, 0.0) + leg.dollars
    moves, weights = desk.moves.stacked(desk.weights)
    short = shortfall_of(-pnl_of(moves, desk.moves.names, dollars), weights, desk.tail)
    return Placement(
        where=where.name,
        kind=where.kind,
        mode="isolated" if where.isolated else "",
        isolated=where.isolated,
        legs=legs,
        objective=short + sum(leg.cost + leg.funding for leg in legs),
        shortfall=short,
        fits=share,
        accounts=tuple(
            AccountMargin(
                account=one.id,
                mode=one.mode.value,
                equity=one.summary.equity,
                free_collateral=one.summary.free_collateral,
                margin_ratio_before=was[one.id].summary.margin_ratio if one.id in was else 0.0,
                margin_ratio=one.summary.margin_ratio,
                move_before=was[one.id].liquidation_move if one.id in was else None,
                move=one.liquidation_move,
            )
            for one in now.accounts
        ),
        deaths=tuple(dict.fromkeys(death.account for outcome in now.stress for death in outcome.deaths)),
        worst_loss=max((outcome.loss_share for outcome in now.stress), default=0.0),
        breaks=tuple(dict.fromkeys(f"{one.rule} ({one.subject})" for one in worse(desk.before, after))),
        first=now.book.first_to_die,
        first_move=now.book.liquidation_move,
        protected=next((one.liquidation_move for one in now.accounts if one.id == first), None),
    )


def _leg(desk: HedgeDesk, one: Fill) -> Leg:
    contract = one.contract
    cost, known = Desk(before=desk.before, priced=contract).cost(one.quantity)
    unit = dollars_per_unit(contract)
    settle = contract.price if contract.terms.contract.is_inverse else 1.0
    own = desk.account(contract.trade.account).positions
    held = sum(each.quantity for each in own if each.symbol == contract.trade.symbol)
    closes = min(abs(held), abs(one.quantity)) if held * one.quantity < 0 else 0.0
    return Leg(
        account=contract.trade.account,
        symbol=contract.trade.symbol,
        asset=contract.terms.contract.base,
        quantity=one.quantity,
        dollars=one.quantity * unit,
        cost=cost * settle,
        slippage_known=known,
        funding=(funding_rate(desk, contract) or 0.0) * one.quantity * unit,
        smaller=closes,
    )


def best_of(found: Sequence[Placement]) -> Placement | None:
    """That with the fewest deaths in the playbook's grid, then the fewest rules newly broken, then the most of what was wanted,
    then the furthest from the nearest liquidation (and the next nearest), then the least shortfall with costs; None for none."""
    placed = [one for one in found if one.legs]
    if not placed:
        return None

    def worth(one: Placement) -> tuple[float, float, float, tuple[float, ...], float]:
        away = sorted(-1.0 if each.move is None else -min(round(abs(each.move), 3), 1.0) for each in one.accounts)
        return len(one.deaths), len(one.breaks), -round(one.fits, 2), tuple(reversed(away)), one.objective

    return min(placed, key=worth)
