"""What a simulated venue shows of an account and a market."""

from __future__ import annotations

from perpbook.model.account import Account, Balance, Order, Position, Reported
from perpbook.model.message import AccountSeen, BookSeen, MarkSeen
from perpbook.simulation.bucket import Bucket
from perpbook.simulation.floor import Floor, Pit, open_interest, tied_up
from perpbook.simulation.market import Prices


def account_of(floor: Floor, bucket: Bucket) -> Account:
    """An account as the venue reports it: positions by name, with liquidation prices that freeze all others."""
    marks, opened = floor.marks, bucket.opened
    equity, maintenance = bucket.equity(marks), bucket.maintenance(marks)
    initial = tied_up(bucket, floor.pits)
    settle = (Balance(asset=floor.terms.settle, amount=bucket.cash),)
    return Account(
        id=opened.id,
        venue=opened.venue,
        layer=opened.layer,
        mode=opened.mode,
        parent=opened.parent,
        collateral=settle + bucket.coins,
        positions=_positions(floor, bucket, equity - maintenance),
        orders=tuple(
            Order(
                symbol=order.symbol,
                quantity=order.left if order.is_buy else -order.left,
                limit_price=order.request.limit_price,
                reduce_only=order.request.reduce_only,
                id=order.request.client_id,
            )
            for order in bucket.resting.values()
        ),
        reported=Reported(
            initial_margin=initial,
            maintenance_margin=maintenance,
            unrealized_pnl=bucket.profit(marks),
            equity=equity,
            free_collateral=equity - initial,
        ),
    )


def _positions(floor: Floor, bucket: Bucket, surplus: float) -> tuple[Position, ...]:
    out = []
    for symbol, held in sorted(bucket.holdings.items()):
        if held.quantity == 0.0:
            continue
        mark, pit = floor.marks[symbol], floor.pits[symbol]
        price = bucket.liquidation_price(symbol, floor.marks, surplus)
        out.append(
            Position(
                symbol=symbol,
                quantity=held.quantity,
                entry_price=held.entry_price,
                leverage=held.leverage,
                tags=held.tags,
                reported=Reported(
                    liquidation_price=price,
                    no_liquidation_price=price is None,
                    initial_margin=held.initial(held.quantity, mark, open_interest(pit)),
                    maintenance_margin=held.maintenance(mark),
                    unrealized_pnl=held.quantity * (mark - held.entry_price),
                ),
            )
        )
    return tuple(out)


def account_seen(floor: Floor, bucket: Bucket) -> AccountSeen:
    """An account, as a message."""
    return AccountSeen(account=account_of(floor, bucket), at_ns=floor.now_ns, received_ns=floor.now_ns)


def prices_of(pit: Pit) -> Prices:
    """A contract's prices, with the oracle and index of the mark where nothing else was given."""
    now = pit.prices
    return Prices(
        mark=now.mark,
        oracle=now.oracle or now.mark,
        index=now.index or now.oracle or now.mark,
        funding_rate=pit.funding_rate,
        open_interest=now.open_interest,
        depth=now.depth,
        spread=now.spread,
    )


def mark_seen(floor: Floor, pit: Pit) -> MarkSeen:
    """A contract's prices, as a message."""
    now = prices_of(pit)
    return MarkSeen(
        venue=floor.terms.venue,
        symbol=pit.symbol,
        at_ns=floor.now_ns,
        received_ns=floor.now_ns,
        mark_price=now.mark,
        oracle_price=now.oracle,
        index_price=now.index,
        funding_rate=now.funding_rate,
        open_interest=now.open_interest,
    )


def book_seen(floor: Floor, pit: Pit) -> BookSeen:
    """A contract's book, as a message."""
    return BookSeen(
        venue=floor.terms.venue,
        symbol=pit.symbol,
        depth=pit.depth(),
        at_ns=floor.now_ns,
        received_ns=floor.now_ns,
        sequence=pit.version,
    )
