"""What a fill meant to the position it met: a venue tells size before, profit taken, maker or taker beside the trade."""

from __future__ import annotations

from dataclasses import dataclass, field

from perpbook.model.account import Account
from perpbook.model.order import Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """A fill. `before` : the position it met, signed; `profit` : what closing a part of it realised, before fees, quote;
    `is_taker` : its order did not rest."""

    fill: Fill
    before: float
    profit: float
    is_taker: bool

    @property
    def is_liquidation(self) -> bool:
        """No order of the account's own stands behind it."""
        return self.fill.client_id == ""


@dataclass(slots=True)
class _Held:
    quantity: float = 0.0
    entry_price: float = 0.0


@dataclass(slots=True)
class Tally:
    """Positions by account and contract, from their opening on."""

    held: dict[tuple[str, str], _Held] = field(default_factory=dict)

    def open(self, account: Account, native: dict[str, str]) -> None:
        """Take in what an account holds at the start. `native` : the venue's name of each symbol."""
        for one in account.positions:
            self.held[account.id, native.get(one.symbol, one.symbol)] = _Held(one.quantity, one.entry_price)

    def trade(self, fill: Fill, *, is_taker: bool) -> Traded:
        """A fill, told with what it met."""
        at = self.held.setdefault((fill.account, fill.symbol), _Held())
        before, after = at.quantity, round(at.quantity + fill.quantity, 12)
        closed = min(abs(before), abs(fill.quantity)) if before * fill.quantity < 0.0 else 0.0
        profit = (closed if before > 0.0 else -closed) * (fill.price - at.entry_price)
        if before * fill.quantity >= 0.0 and after:
            at.entry_price = (before * at.entry_price + fill.quantity * fill.price) / after
        elif before * after < 0.0:
            at.entry_price = fill.price
        at.quantity = after
        return Traded(fill=fill, before=before, profit=profit, is_taker=is_taker)
