"""Liquidation inside a tick: when an account dies, and what its venue then does, by the venue's own manner.

WHOLE closes everything at the price that killed it. FRACTION (Hyperliquid, dYdX) closes a part of the neediest position
at a time until the margin is restored; where a cooldown follows the first part (Hyperliquid), what is closed after it is
closed in full. TIERS (Bybit, OKX, BitMEX) steps a position down to the tier below, and takes over what stands in the
lowest. AS_NEEDED (Deribit, Drift) closes just enough. Accounts die separately: nothing another account holds is touched.
"""

from __future__ import annotations

from perpbook.kernels.holding import INSURED, PENALTIES, SEIZED, Holding, draw_account, mark, pay, trade, value_of
from perpbook.kernels.jit import part
from perpbook.kernels.journal import BACKSTOP, INSURED_LOSS, LIQUIDATION, SEIZED_REST, Journal, write
from perpbook.kernels.margin import account_margin, requirement
from perpbook.kernels.orders import Desk
from perpbook.kernels.slots import Slots, tier_number
from perpbook.kernels.tape import Tape
from perpbook.kernels.types import Floats

WHOLE, FRACTION, TIERS, AS_NEEDED = range(4)
"""Manners of liquidation."""

STEPS = 256
"""Partial liquidations within one bar, at most; what is left is tested again in the next bar."""


@part
def worst_prices(tape: Tape, slots: Slots, holding: Holding, a: int, bar: int, out: Floats) -> None:
    """Write into `out` (C,) the end of the bar that hurts account a more, column by column.

    Surplus is concave in a column's price, so between a bar's low and high it is worst at one of them; rows that share
    a column share its price.
    """
    lines, i = holding.lines, slots.start[a]
    while i < slots.start[a + 1]:
        c = slots.rows[i].column
        low, high, balance = tape.low[c, bar], tape.high[c, bar], 0.0
        while i < slots.start[a + 1] and slots.rows[i].column == c:
            balance += lines.delta[i] * (high - low) - (requirement(lines, i, high) - requirement(lines, i, low))
            i += 1
        out[c] = low if balance >= 0.0 else high


@part
def is_dead(slots: Slots, a: int, equity: float, need: float) -> bool:
    """Whether an account is liquidatable, by its venue's strictness. Without positions it never is."""
    return need > 0.0 and (equity < need or (slots.accounts[a].at_or_below == 1 and equity <= need))


@part
def neediest(slots: Slots, holding: Holding, a: int, prices: Floats) -> int:
    """The row of account a with the largest requirement, -1 when it holds no position."""
    found, most = -1, 0.0
    for i in range(slots.start[a], slots.start[a + 1]):
        if not slots.rows[i].coin and holding.rows[i].quantity != 0.0:
            need = requirement(holding.lines, i, prices[slots.rows[i].column])
            if found < 0 or need > most:
                found, most = i, need
    return found


@part
def traded_price(tape: Tape, c: int, bar: int, price: float) -> float:
    """What column c trades at where margin sees `price`: marks that a storm takes away from trades are the bar's end."""
    off = tape.off[c, min(bar, tape.off.shape[1] - 1)]
    if (off < 1.0 and price == tape.low[c, bar]) or (off > 1.0 and price == tape.high[c, bar]):
        return price / off
    return price


@part
def close_part(tape: Tape, desk: Desk, i: int, size: float, prices: Floats, bar: int, kind: int) -> None:
    """Close `size` of row i where it trades while margin sees `prices`, with the venue's fee for it, and write it down.

    Where a venue liquidates by parts into its book the fee goes no deeper than what the account has left for this
    part of its requirement (dYdX): beyond the bankruptcy price there is none. What a backstop takes over pays no fee.
    """
    slots, holding = desk.slots, desk.holding
    a = slots.rows[i].account
    price = prices[slots.rows[i].column]
    equity, need = account_margin(holding.lines, a, prices)
    held = abs(holding.rows[i].quantity)
    part = requirement(holding.lines, i, price) * size / held
    change = -size if holding.rows[i].quantity > 0.0 else size
    into_book = kind == LIQUIDATION and slots.accounts[a].penalty == 0.0 and slots.accounts[a].manner == FRACTION
    taker = slots.rows[i].taker if into_book else 0.0
    notional = size if slots.rows[i].inverse else size * price
    fillable = traded_price(tape, slots.rows[i].column, bar, price)
    if slots.accounts[a].fillable_spread > 0.0:
        short = min(max(1.0 - equity / need, 0.0), 1.0)
        fillable -= (1.0 if change < 0.0 else -1.0) * short * slots.accounts[a].fillable_spread * part / size
    trade(slots, holding, i, change, price, fillable, taker)
    filled = notional * (price / fillable) if slots.rows[i].inverse else size * fillable
    fee = slots.accounts[a].penalty * notional
    if slots.accounts[a].manner == FRACTION:
        fee = min(fee, max(equity, 0.0) * part / need)
    pay(slots, holding, i, -fee, price)
    holding.totals[i, PENALTIES] -= fee
    draw_account(slots, holding, prices, a)
    journal = desk.journal
    number = write(journal, bar, kind, a, i, 0)
    journal.figures[number, 0], journal.figures[number, 1] = change, fillable
    journal.figures[number, 2], journal.figures[number, 3] = -taker * filled, -fee
    journal.figures[number, 4], journal.figures[number, 5] = equity, need


@part
def part_size(slots: Slots, holding: Holding, i: int, prices: Floats) -> float:
    """How much of row i one step of its venue's manner closes."""
    a, held = slots.rows[i].account, abs(holding.rows[i].quantity)
    price = prices[slots.rows[i].column]
    if slots.accounts[a].manner == FRACTION:
        notional = held if slots.rows[i].inverse else held * price
        if notional <= slots.accounts[a].partial_above:
            return held
        return held * min(1.0, max(slots.accounts[a].partial_fraction, slots.accounts[a].partial_least / notional))
    if slots.accounts[a].manner == TIERS:
        tier = tier_number(slots, i, held, price)
        if tier == 0:
            return held
        return held * (1.0 - tier_top(slots, i, tier, price) / held)
    if slots.accounts[a].manner == AS_NEEDED:
        return held * needed_part(slots, holding, i, prices)
    return held


@part
def tier_top(slots: Slots, i: int, tier: int, price: float) -> float:
    """The |quantity| at the lower bound of a tier, a hair inside the tier below."""
    bound = slots.lower[i, tier] * (1.0 - 1e-9)
    if slots.rows[i].unit == 2:
        return bound * slots.rows[i].contract_size
    if slots.rows[i].inverse:
        return bound * price
    return bound if slots.rows[i].unit == 1 else bound / price


@part
def needed_part(slots: Slots, holding: Holding, i: int, prices: Floats) -> float:
    """The share of row i to close so that its account has its margin again, by halving; 1 when no share is enough.

    Closing pays the penalty. Requirements of a progressive table shrink at least in proportion to size, so this is a
    little more than needed, never less.
    """
    a = slots.rows[i].account
    equity, need = account_margin(holding.lines, a, prices)
    price = prices[slots.rows[i].column]
    own, held = requirement(holding.lines, i, price), abs(holding.rows[i].quantity)
    cost = slots.accounts[a].penalty * (held if slots.rows[i].inverse else held * price)
    if own <= cost or equity - cost < need - own:
        return 1.0
    return min(1.0, (need - equity) / (own - cost) * (1.0 + 1e-9) + 1e-12)


@part
def take_rest(slots: Slots, holding: Holding, journal: Journal, a: int, prices: Floats, bar: int, lost: bool) -> None:
    """End account a: the venue takes what is left when `lost`, and its fund covers what is owed."""
    left = holding.accounts[a].cash
    for i in range(slots.start[a], slots.start[a + 1]):
        if slots.rows[i].coin:
            mark(slots, holding, i, prices[slots.rows[i].column])
            left += value_of(slots, holding, i, prices[slots.rows[i].column])
    if left >= 0.0 and not lost:
        return
    holding.accounts[a].cash = 0.0
    for i in range(slots.start[a], slots.start[a + 1]):
        if slots.rows[i].coin:
            holding.rows[i].quantity = 0.0
    holding.moved[a, SEIZED if left >= 0.0 else INSURED] -= left
    draw_account(slots, holding, prices, a)
    number = write(journal, bar, SEIZED_REST if left >= 0.0 else INSURED_LOSS, a, -1, 0)
    journal.figures[number, 3] = -left


@part
def liquidate(tape: Tape, desk: Desk, a: int, prices: Floats, bar: int) -> None:
    """Put a dead account through its venue's procedure at `prices` (C,)."""
    slots, holding, bar_ns = desk.slots, desk.holding, tape.bar_ns
    equity, need = account_margin(holding.lines, a, prices)
    now_ns, cooldown = tape.open_ns[bar] + bar_ns, slots.accounts[a].cooldown_ns
    backstop = equity < slots.accounts[a].backstop_ratio * need
    cool = holding.accounts[a].cool_until_ns
    if not backstop and now_ns < cool:
        return
    sliced = cooldown > 0 and cool > 0 and now_ns - cool <= bar_ns
    whole = backstop or slots.accounts[a].manner == WHOLE or equity <= 0.0
    for _ in range(STEPS * slots.rows.size):
        i = neediest(slots, holding, a, prices)
        if i < 0:
            take_rest(slots, holding, desk.journal, a, prices, bar, backstop or slots.accounts[a].remainder_lost == 1)
            return
        if not whole:
            equity, need = account_margin(holding.lines, a, prices)
            if not is_dead(slots, a, equity, need):
                return
        held = abs(holding.rows[i].quantity)
        size = held if whole or sliced else part_size(slots, holding, i, prices)
        close_part(tape, desk, i, size, prices, bar, BACKSTOP if backstop else LIQUIDATION)
        if cooldown > 0 and size < held:
            sliced = True
            if bar_ns < cooldown:
                holding.accounts[a].cool_until_ns = now_ns + cooldown
                return
