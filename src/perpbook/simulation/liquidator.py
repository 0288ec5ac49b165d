"""How a simulated venue liquidates an account, by the manner its terms name: the procedure of `kernels.seize`, into a book."""

from __future__ import annotations

from perpbook.simulation.bucket import Bucket, Holding, is_dead
from perpbook.simulation.floor import Floor
from perpbook.simulation.happened import Liquidated, Seizure
from perpbook.simulation.matching import take
from perpbook.terms.terms import LiquidationTerms, Manner, TierTable, TierUnit

STEPS = 256
"""Parts closed at one time, at most."""

CANCELLED = "liquidation: the account's orders are cancelled"


def liquidate_all(floor: Floor) -> None:
    """Test every account, by name, and liquidate those that are dead."""
    for bucket in floor.buckets.values():
        maintenance = bucket.maintenance(floor.marks)
        if maintenance > 0.0 and is_dead(bucket.equity(floor.marks), maintenance, floor.terms.liquidation.trigger):
            _liquidate(floor, bucket)


def _liquidate(floor: Floor, bucket: Bucket) -> None:
    terms = floor.terms.liquidation
    floor.cancel_all(bucket, CANCELLED)
    equity, need = bucket.equity(floor.marks), bucket.maintenance(floor.marks)
    taken = equity <= 0.0 or (terms.backstop_ratio is not None and equity < terms.backstop_ratio * need)
    if not taken and floor.now_ns < bucket.cool_until_ns:
        return
    sliced = terms.cooldown_ns is not None and 0 < bucket.cool_until_ns >= floor.now_ns - terms.cooldown_ns
    for _ in range(STEPS):
        held = _neediest(floor, bucket)
        if held is None:
            _take_rest(floor, bucket, taken or terms.remainder_lost)
            return
        equity, need = bucket.equity(floor.marks), bucket.maintenance(floor.marks)
        if not (taken or terms.manner is Manner.WHOLE or is_dead(equity, need, terms.trigger)):
            return
        whole = taken or sliced or terms.manner is Manner.WHOLE
        size = abs(held.quantity) if whole else _part(floor, held, equity, need)
        before = abs(held.quantity)
        closed = _close(floor, bucket, held, size, taken)
        if closed < size * (1.0 - 1e-9):
            if terms.manner is not Manner.WHOLE:
                return
            _close(floor, bucket, held, abs(held.quantity), True)
        if terms.cooldown_ns is not None and size < before:
            bucket.cool_until_ns = floor.now_ns + terms.cooldown_ns
            return


def _neediest(floor: Floor, bucket: Bucket) -> Holding | None:
    """The position with the largest requirement, by name among equals."""
    open_ones = [held for _, held in sorted(bucket.holdings.items()) if held.quantity != 0.0]
    return max(open_ones, key=lambda held: held.maintenance(floor.marks[held.symbol]), default=None)


def _close(floor: Floor, bucket: Bucket, held: Holding, size: float, taken: bool) -> float:
    """Close a part: into the book, or (`taken`) to the venue at the mark. What was closed, > 0."""
    pit, terms = floor.pits[held.symbol], floor.terms.liquidation
    equity, need = bucket.equity(floor.marks), bucket.maintenance(floor.marks)
    mark, change = floor.marks[held.symbol], (-size if held.quantity > 0.0 else size)
    part = held.maintenance(mark) * size / abs(held.quantity)
    first = len(bucket.fills)
    into_book = not taken and terms.penalty_rate == 0.0 and terms.manner is Manner.FRACTION
    taker = floor.fees.taker_fee_rate if into_book else 0.0
    if taken:
        floor.crowd_trade(pit, change, mark)
        floor.trade(bucket, pit, change, mark, 0.0, None)
        closed = size
    else:
        limit = _fillable(terms, mark, change, equity, need, part / size)
        closed = take(floor, bucket, pit, change, limit, None, taker)
    if closed <= 0.0:
        return 0.0
    fills = bucket.fills[first:]
    price = sum(abs(fill.quantity) * fill.price for fill in fills) / closed
    fee = terms.penalty_rate * closed * mark
    if terms.manner is Manner.FRACTION:
        fee = min(fee, max(equity, 0.0) * part / need)
    bucket.cash -= fee
    floor.house += fee
    manner = Seizure.TAKEN if taken else Seizure.MARKET
    signed = closed if change > 0.0 else -closed
    _tell(floor, bucket, held.symbol, manner, (signed, price, -fee), (equity, need))
    return closed


def _fillable(
    terms: LiquidationTerms, mark: float, change: float, equity: float, need: float, unit: float
) -> float | None:
    """The worst price a liquidation order may trade at, None for any: dYdX's runs from the oracle price to beyond the bankruptcy
    price as the account sinks. `unit` : maintenance margin of one base unit."""
    if terms.fillable_spread == 0.0:
        return None
    short = min(max(1.0 - equity / need, 0.0), 1.0)
    return mark + (1.0 if change > 0.0 else -1.0) * short * terms.fillable_spread * unit


def _part(floor: Floor, held: Holding, equity: float, need: float) -> float:
    """How much one step of the venue's manner closes, in whole lots where they are known."""
    terms, size, mark = floor.terms.liquidation, abs(held.quantity), floor.marks[held.symbol]
    part = size
    if terms.manner is Manner.FRACTION:
        if terms.partial_above is not None and terms.partial_fraction is not None and size * mark > terms.partial_above:
            part = size * min(1.0, max(terms.partial_fraction, terms.partial_least / (size * mark)))
    elif terms.manner is Manner.TIERS:
        part = size - _tier_below(held.terms.tiers, held.terms.contract.contract_size, size, mark)
    elif terms.manner is Manner.AS_NEEDED:
        own, cost = held.maintenance(mark), terms.penalty_rate * size * mark
        if own > cost and equity - cost >= need - own:
            part = size * min(1.0, (need - equity) / (own - cost) * (1.0 + 1e-9) + 1e-12)
    lot = held.terms.contract.lot_size
    return min(size, -(-part // lot) * lot) if lot else part


def _tier_below(table: TierTable, contract_size: float, size: float, mark: float) -> float:
    """The size at which a position is a hair inside the tier below its own, 0 in the lowest."""
    unit = {TierUnit.CONTRACTS: contract_size, TierUnit.BASE: 1.0, TierUnit.NOTIONAL: 1.0 / mark}[table.unit]
    return table.tier_of(size / unit).lower * (1.0 - 1e-9) * unit


def _take_rest(floor: Floor, bucket: Bucket, lost: bool) -> None:
    """End an account: the venue takes what is left when it is `lost`, and pays what is owed."""
    left = bucket.cash + bucket.pledged
    if left >= 0.0 and not lost:
        return
    floor.house += left
    bucket.cash, bucket.pledged, bucket.coins = 0.0, 0.0, ()
    floor.dirty[bucket.opened.id] = None
    _tell(floor, bucket, "", Seizure.REST, (0.0, 0.0, -left), (left, 0.0))


def _tell(
    floor: Floor,
    bucket: Bucket,
    symbol: str,
    manner: Seizure,
    traded: tuple[float, float, float],
    margins: tuple[float, float],
) -> None:
    quantity, price, cash = traded
    floor.tell(
        Liquidated(
            account=bucket.opened.id,
            symbol=symbol,
            manner=manner,
            quantity=quantity,
            price=price,
            cash=cash,
            equity=margins[0],
            maintenance=margins[1],
            at_ns=floor.now_ns,
        )
    )
