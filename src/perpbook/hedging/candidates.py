"""Options that may be bought or sold for an overlay, and at what price: quotes where there are any, else as the user assumes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perpbook.errors import InputError
from perpbook.kernels.types import Floats
from perpbook.model.option import OptionChain, OptionContract, OptionQuote
from perpbook.options.black import implied_volatilities
from perpbook.options.chain import years_between
from perpbook.options.revalue import Laid, lay, sensitivities, some
from perpbook.options.surface import Surface

FEE_OF_UNDERLYING = 0.0003
"""Deribit's taker fee of an option, share of the underlying's price (`taker_commission` of public/get_instrument)."""

FEE_AT_MOST = 0.125
"""And never more than this share of the option's own price (Deribit's fee page)."""

FINE_TICK, COARSE_TICK, COARSE_ABOVE = 0.0001, 0.0005, 0.005
"""Ticks of Deribit's coin-settled options, coins: fine up to a price of 0.005, coarse above (its notice of 2023-07-06,
support.deribit.com/hc/en-us/articles/25944779257373, and `tick_size_steps` of public/get_instruments)."""

LOWEST, HIGHEST = 0.4, 1.8
"""Strikes over the forward that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """How options trade where a chain does not say. `spread` is ask less bid over their mean; `share` is how much of an option's
    open interest can be had at that price. None: such options are not traded. Days bound the expiries that are looked at."""

    spread: float | None = None
    share: float | None = None
    min_days: float = 30.0
    max_days: float = 400.0

    def __post_init__(self) -> None:
        if self.spread is not None and not 0.0 <= self.spread < 2.0:
            raise InputError(f"a spread of {self.spread:g} does not do: it is ask less bid over their mean, like 0.08")
        if self.share is not None and not 0.0 < self.share <= 1.0:
            raise InputError(
                f"a share of {self.share:g} of open interest does not do: choose from above 0 to 1, like 0.05"
            )
        if not 0.0 < self.min_days < self.max_days:
            raise InputError(f"expiries from {self.min_days:g} to {self.max_days:g} days are none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """n options on one coin. Dollars for one coin of each: `value` by its own mark, never outside bid and ask, `pay` to buy and
    `receive` from selling, fees in both; nan where it cannot be done. `half` is half the spread over the value. `most_bought`,
    `most_sold` coins."""

    surface: Surface
    contracts: tuple[OptionContract, ...]
    laid: Laid
    value: Floats
    pay: Floats
    receive: Floats
    half: Floats
    most_bought: Floats
    most_sold: Floats

    def only(self, wanted: Sequence[bool]) -> Candidates:
        """Some of them."""
        keep = np.array(wanted, dtype=bool)
        return Candidates(
            surface=self.surface,
            contracts=tuple(one for one, kept in zip(self.contracts, keep, strict=True) if kept),
            laid=some(self.laid, np.flatnonzero(keep)),
            value=self.value[keep],
            pay=self.pay[keep],
            receive=self.receive[keep],
            half=self.half[keep],
            most_bought=self.most_bought[keep],
            most_sold=self.most_sold[keep],
        )


def fees(price: ArrayLike, spot: ArrayLike) -> Floats:
    """Dollars of taker fee for one coin of options at `price` dollars; arguments broadcast."""
    out: Floats = np.minimum(FEE_OF_UNDERLYING * np.asarray(spot), FEE_AT_MOST * np.asarray(price))
    return out


def fee(price: float, spot: float) -> float:
    """Of one option."""
    return float(fees(price, spot))


def candidates_of(chain: OptionChain, surface: Surface, trading: Trading) -> Candidates:
    """Every option of a chain within the days and strikes that are looked at, and can be traded on some side.

    Raises
    ------
    InputError : the chain says neither how wide nor how deep its market is and `trading` does not either; or none is left.
    """
    quotes = [
        quote
        for expiry in chain.expiries
        if trading.min_days <= 365.0 * years_between(chain.as_of_ns, expiry.expiry_ns) <= trading.max_days
        for quote in expiry.quotes
        if LOWEST <= quote.contract.strike / expiry.forward <= HIGHEST
    ]
    if not quotes:
        raise InputError(
            f"{chain.source} has no option on {chain.base} that ends in {trading.min_days:g} to {trading.max_days:g} days: "
            "choose other --min-days and --max-days"
        )
    _refuse_guessing(chain, quotes, trading)
    contracts = tuple(quote.contract for quote in quotes)
    laid = on_quotes(quotes, lay(chain, contracts), surface)
    value = sensitivities(surface, laid).dollars
    sides = np.array(
        [sides_of(quote, float(worth), chain.spot, trading) for quote, worth in zip(quotes, value, strict=True)]
    ).T
    found = Candidates(
        surface=surface, contracts=contracts, laid=laid, value=value, pay=sides[0], receive=sides[1], half=sides[2],
        most_bought=sides[3], most_sold=sides[4],
    )  # fmt: skip
    traded = np.isfinite(sides[0]) & (sides[3] > 0.0) | np.isfinite(sides[1])
    kept = found.only((traded & np.isfinite(value)).tolist())
    if not kept.contracts:
        raise InputError(f"{chain.source} has no option on {chain.base} that is bid or offered with any depth")
    return kept


def on_quotes(quotes: Sequence[OptionQuote], laid: Laid, surface: Surface) -> Laid:
    """Each option on the venue's mark where there is one, within bid and ask where there are, so that a quote off the smile is
    neither gained nor lost by trading it; nan where no volatility gives such a price."""
    fitted = sensitivities(surface, laid).volatility
    own = np.array([np.nan if one.mark_volatility is None else one.mark_volatility for one in quotes])
    marked = laid._replace(offset=np.where(np.isnan(own), 0.0, own - fitted))
    worth = sensitivities(surface, marked).dollars
    bid = np.array([one.bid or 0.0 for one in quotes])
    ask = np.array([np.inf if one.ask is None else one.ask for one in quotes])
    mid = np.isnan(own) & (bid > 0.0) & np.isfinite(ask)
    wanted = np.where(mid, 0.5 * (bid + np.where(mid, ask, 0.0)), np.clip(worth, bid, ask))
    discount = np.where(laid.inverse != 0, surface.spot / laid.forward, 1.0)
    implied = implied_volatilities(wanted, laid.forward, laid.strike, laid.years, laid.call, discount)
    return laid._replace(offset=np.where(wanted == worth, marked.offset, implied - fitted))


def _refuse_guessing(chain: OptionChain, quotes: Sequence[OptionQuote], trading: Trading) -> None:
    if trading.spread is None and not any(one.ask is not None for one in quotes):
        raise InputError(
            f"{chain.source} has no bid and ask: say how wide the market is with --spread, as in --spread 0.08 (ask less bid "
            "over their mean)"
        )
    if trading.share is None and not any(one.ask_quantity is not None for one in quotes):
        raise InputError(
            f"{chain.source} does not say how much can be had: say it with --depth-share, as in --depth-share 0.05 of the open "
            "interest"
        )


def sides_of(quote: OptionQuote, value: float, spot: float, trading: Trading) -> tuple[float, ...]:
    """pay, receive, half spread, most bought, most sold."""
    bid, ask = quote.bid, quote.ask
    if ask is None and bid is None and trading.spread is not None:
        ask, bid = _ticked(value, trading.spread, spot if quote.contract.is_inverse else 0.0)
    held = (quote.open_interest or 0.0) * (trading.share or 0.0)
    bought = quote.ask_quantity if quote.ask_quantity is not None else held
    sold = quote.bid_quantity if quote.bid_quantity is not None else held
    half = 0.5 * (trading.spread or 0.0)
    if ask is not None and bid:
        half = (ask - bid) / (ask + bid)
    elif ask is not None:
        half = 1.0
    pay = ask + fee(ask, spot) if ask is not None else math.nan
    known = ask is not None or trading.spread is not None
    receive = bid - fee(bid, spot) if bid and known else math.nan
    return pay, receive, min(half, 1.0), bought, sold


def _ticked(value: float, spread: float, coin: float) -> tuple[float, float | None]:
    """Ask and bid around a value, dollars, rounded against whoever trades to the ticks of an option that settles in a coin of so
    many dollars (0: in dollars, whose ticks are cents of no account); no bid where it is under a tick."""
    ask, bid = value * (1.0 + 0.5 * spread), value * (1.0 - 0.5 * spread)
    if coin > 0.0:
        up, down = (coin * (COARSE_TICK if one > COARSE_ABOVE * coin else FINE_TICK) for one in (ask, bid))
        ask, bid = max(math.ceil(ask / up - 1e-9), 1) * up, math.floor(bid / down + 1e-9) * down
    return ask, bid if bid > 0.0 else None


Board = Mapping[str, Candidates]
"""Candidates by coin."""
