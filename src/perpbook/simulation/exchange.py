"""One simulated venue with many accounts: the market moves by `advance`, clients act by `place`, `cancel` and the rest.

No clock and no chance: times and prices are given in. Symbols are the venue's own (`BTC`), in answers too; unified names are
understood. Every account is one margin bucket (`model.Account`): a cross pool, or an isolated position that names its parent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from perpbook.model.account import Account
from perpbook.model.market import Depth
from perpbook.model.order import Fill, OrderReport, OrderRequest
from perpbook.simulation.happened import Numbered
from perpbook.simulation.market import Prices
from perpbook.terms.terms import VenueTerms


class QueueRule(Enum):
    """When a resting order fills. RISK_AVERSE: when the market trades through its price, as far as the market's own size goes;
    OPTIMISTIC: when it touches it, whole."""

    RISK_AVERSE = "risk_averse"
    OPTIMISTIC = "optimistic"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthProfile:
    """A calm book around the mark. half_spread, step : fractions of the mark from it to the first level, and from one level to
    the next. notional : quote in the first level, `growth` times as much in each further one. half_life_ns : how long until half
    of what was taken is back."""

    levels: int = 10
    half_spread: float = 0.0001
    step: float = 0.0001
    notional: float = 100_000.0
    growth: float = 1.3
    half_life_ns: int = 10_000_000_000


class Exchange:
    """See the module. `now_ns` of a call that is earlier than the venue's own time counts as the latter."""

    def __init__(
        self,
        terms: VenueTerms,
        accounts: Sequence[Account],
        start_ns: int,
        prices: Mapping[str, Prices],
        *,
        profile: DepthProfile = DepthProfile(),
        queue: QueueRule = QueueRule.RISK_AVERSE,
        fee_tier: int = 0,
        insurance: float = 1e9,
        tells_books: bool = True,
    ) -> None:
        """`prices` name the contracts that trade. Raises TermsError for what is not simulated (inverse contracts)."""

    name: str
    """The venue, as its terms call it."""
    now_ns: int
    symbols: tuple[str, ...]
    accounts: tuple[str, ...]

    def advance(self, to_ns: int, prices: Mapping[str, Prices] = {}, books: Mapping[str, Depth] = {}) -> None:
        """The market moves to `prices`, and to the given books where there are some (else built around the mark). Then, in this
        order: funding of every boundary crossed, dead man's switches and expiries, resting orders, margin and liquidation."""
        raise NotImplementedError

    def place(self, request: OrderRequest, now_ns: int, expires_ns: int | None = None) -> OrderReport:
        """An order arrives. A refusal is a report (REJECTED with its reason and the venue's words)."""
        raise NotImplementedError

    def cancel(self, account: str, symbol: str, client_id: str, now_ns: int) -> OrderReport:
        """Take an order back; its report as it then is, ABSENT for one never heard of."""
        raise NotImplementedError

    def schedule_cancel(self, account: str, at_ns: int | None, now_ns: int, symbol: str | None = None) -> str:
        """Set (None: clear) the venue's dead man's switch for an account, or one symbol of it where the venue has it so. The
        venue's words of refusal, "" when it is set."""
        raise NotImplementedError

    def set_leverage(self, account: str, symbol: str, leverage: float, now_ns: int) -> str:
        """The user's leverage on a contract; words of refusal, or ""."""
        raise NotImplementedError

    def move(self, account: str, cash: float, now_ns: int) -> str:
        """Money arrives (> 0) or leaves (< 0), settle coin; words of refusal, or ""."""
        raise NotImplementedError

    def order(self, account: str, symbol: str, client_id: str) -> OrderReport:
        """What became of an order; ABSENT for one never heard of."""
        raise NotImplementedError

    def open_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Orders that rest, oldest first."""
        raise NotImplementedError

    def request(self, account: str, client_id: str) -> OrderRequest | None:
        """What was asked for, None for an id never heard of."""
        raise NotImplementedError

    def fills(self, account: str, since_ns: int = 0) -> tuple[Fill, ...]:
        """Trades from a time on, oldest first; a liquidation's among them, with client id ""."""
        raise NotImplementedError

    def account(self, account: str) -> Account:
        """Positions, collateral, orders, with what the venue reports of margin."""
        raise NotImplementedError

    def book(self, symbol: str) -> Depth:
        """What rests now: the market's levels less what was taken, and accounts' orders."""
        raise NotImplementedError

    def prices(self, symbol: str) -> Prices:
        """A contract's prices now, nothing None but open interest."""
        raise NotImplementedError

    def next_funding_ns(self) -> int:
        """When funding is paid next."""
        raise NotImplementedError

    def drain(self) -> tuple[Numbered, ...]:
        """What happened since the last call: MarkSeen, BookSeen (where `tells_books`), OrderSeen, FillSeen, AccountSeen, and
        Settled, Liquidated, Moved. `received_ns` of messages is the venue's own time."""
        raise NotImplementedError

    def total(self) -> float:
        """Equity of every account, the house and the crowd, less what was brought in: a constant, settle coin."""
        raise NotImplementedError
