"""What is traded: one European option on one venue, its quote, and a chain of them at one instant."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.model.contract import ContractKind


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionContract:
    """One option on one coin. INVERSE pays premium and payoff in the coin, LINEAR in the quote currency.

    `expiry_ns` nanoseconds UTC; `lot_size` the least that may be traded, in coins, and the step of it.
    """

    venue: str
    name: str
    base: str
    quote: str
    kind: ContractKind
    strike: float
    expiry_ns: int
    is_call: bool
    lot_size: float

    def __post_init__(self) -> None:
        assert self.strike > 0 and self.lot_size > 0

    @property
    def is_inverse(self) -> bool:
        """True when premium and payoff are in the coin."""
        return self.kind is ContractKind.INVERSE


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionQuote:
    """One option's prices, in dollars for one coin of the option, whatever it settles in. None: not known.

    `bid_quantity`, `ask_quantity` and `open_interest` are coins; `mark_volatility` is the venue's own, a fraction per root
    of a year.
    """

    contract: OptionContract
    bid: float | None = None
    ask: float | None = None
    bid_quantity: float | None = None
    ask_quantity: float | None = None
    mark_volatility: float | None = None
    open_interest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """The options of one moment. `forward` is the price for delivery then, and `by` says how it was found: "venue" (its own
    underlying price) or "parity" (of puts and calls)."""

    expiry_ns: int
    forward: float
    by: str
    quotes: tuple[OptionQuote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChain:
    """Every option on one coin, by expiry, soonest first, at one instant.

    `spot` is the coin's index in dollars; `notes` say what was left out or read off something else.
    """

    venue: str
    base: str
    as_of_ns: int
    source: str
    spot: float
    expiries: tuple[Expiry, ...]
    notes: tuple[str, ...] = ()
