"""How a simulated venue begins: contracts at their first prices, accounts with what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from perpbook.errors import InputError, TermsError
from perpbook.model.account import Account
from perpbook.model.book import Book
from perpbook.model.market import Market
from perpbook.simulation.bucket import Bucket
from perpbook.simulation.floor import Floor, Pit, holding_of
from perpbook.simulation.ladder import DepthProfile, Ladder
from perpbook.simulation.market import Prices
from perpbook.simulation.moves import check_prices, stand
from perpbook.simulation.order_rules import price_step
from perpbook.terms.find import find_contract
from perpbook.terms.terms import PriceSource

EIGHT_HOURS_NS = 8 * 3600 * 10**9
"""What `interest_rate_8h` is for."""


def open_pit(floor: Floor, symbol: str, prices: Prices, profile: DepthProfile) -> None:
    """Let a contract trade.

    Raises
    ------
    TermsError : it is unknown, or not simulated.
    DataError : its prices are unfit.
    """
    found = find_contract(floor.terms, symbol)
    contract, funding = found.contract, floor.terms.funding
    if contract.is_inverse or floor.terms.risk_price is PriceSource.MIN_MAX:
        raise TermsError(
            f"{contract.symbol} @ {floor.terms.name} is not simulated: only linear contracts with one margin price are"
        )
    check_prices(contract.symbol, prices)
    calm = (funding.interest_rate_8h or 0.0) * funding.interval_ns / EIGHT_HOURS_NS
    ladder = Ladder(profile, contract.lot_size, partial(price_step, floor.rules, contract))
    pit = Pit(symbol=contract.symbol, terms=found, ladder=ladder, prices=prices, funding_rate=calm)
    floor.pits[pit.symbol], floor.crowd[pit.symbol] = pit, 0.0
    stand(floor, pit, prices, None)


def open_account(floor: Floor, account: Account, coin_prices: Mapping[str, float]) -> None:
    """Take in an account; the crowd holds the other side of its positions. Its resting orders are not taken over.

    Raises
    ------
    InputError : it belongs to another venue, its name is taken, or it holds what has no price here.
    """
    if account.venue != floor.terms.venue:
        raise InputError(
            f'account "{account.id}" is on {account.venue}, not on {floor.terms.venue}: give it to that venue'
        )
    if account.id in floor.buckets:
        raise InputError(f'two accounts are called "{account.id}": rename one')
    settle = floor.terms.settle
    coins = tuple(balance for balance in account.collateral if balance.asset != settle)
    bucket = Bucket(
        opened=account,
        cash=sum(balance.amount for balance in account.collateral if balance.asset == settle),
        pledged=_pledged(floor, account, coin_prices) if coins else 0.0,
        coins=coins,
    )
    floor.buckets[account.id] = bucket
    for position in account.positions:
        symbol = find_contract(floor.terms, position.symbol).contract.symbol
        if symbol not in floor.pits:
            raise InputError(f'account "{account.id}" holds {symbol}, which has no price here: give one for it')
        held = holding_of(bucket, floor.pits[symbol])
        held.leverage, held.tags = position.leverage, position.tags
        held.trade(position.quantity, position.entry_price)
        floor.crowd_trade(floor.pits[symbol], position.quantity, position.entry_price)
    floor.brought += bucket.cash + bucket.pledged


def _pledged(floor: Floor, account: Account, coin_prices: Mapping[str, float]) -> float:
    """What coins beside the settle coin count for, by `margin`'s own rules."""
    from perpbook.margin.arrays import book_arrays

    coins = tuple(balance for balance in account.collateral if balance.asset != floor.terms.settle)
    bare = Account(id=account.id, venue=account.venue, collateral=coins)
    market = Market(as_of_ns=floor.now_ns, source="given", asset_prices=coin_prices)
    book = Book(as_of_ns=floor.now_ns, source="given", accounts=(bare,))
    return float(book_arrays(book, market, {floor.terms.venue: floor.terms}).collateral[0])
