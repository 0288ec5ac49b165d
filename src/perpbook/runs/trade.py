"""A trade in a trader's words becomes a `Trade`, and a book with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from perpbook.errors import InputError, TermsError
from perpbook.model.account import Account, Balance, MarginMode, Position
from perpbook.model.book import Book
from perpbook.model.market import Market, Quote
from perpbook.model.trade import Trade
from perpbook.terms.find import find_contract
from perpbook.terms.terms import ContractTerms, PriceSource, VenueTerms

WORDS = re.compile(
    r"(?P<verb>long|short|buy|sell|close)\s+(?P<size>\$?[\d_,]*\.?\d+(?:e\d+)?%?|all)?\s*(?P<symbol>[^\s@]+)\s*@\s*(?P<where>[^\s]+)"
    r"(?:\s+(?P<leverage>\d+(?:\.\d+)?)\s*x)?",
    re.IGNORECASE,
)
LARGEST = 1e15
"""Dollars; more is a slip of the hand."""

EXAMPLE = 'write it like "long 0.4 BTC @ hyperliquid 5x", "short $20000 ETH @ binance" or "close 50% BTC @ hl-main"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """A trade with its contract and the price it is made at."""

    trade: Trade
    terms: ContractTerms
    venue: VenueTerms
    price: float
    quote: Quote


def read_trade(text: str, book: Book, market: Market, terms: Mapping[str, VenueTerms]) -> Priced:
    """Understand a trade against a book; InputError says what was not understood and how to write it."""
    match = WORDS.fullmatch(text.strip())
    if match is None:
        raise InputError(f'"{text}" is not a trade: {EXAMPLE}')
    account = _account(match["where"], match["symbol"], book, terms)
    venue = terms[account.venue]
    contract = _contract(venue, match["symbol"], account)
    quote = market.quotes.get((account.venue, contract.contract.symbol))
    price = None if quote is None else quote.mark_price or quote.oracle_price
    if quote is None or price is None:
        raise InputError(
            f"the book has no price for {contract.contract.symbol} on {account.venue}: add it or use --market"
        )
    if venue.risk_price is PriceSource.ORACLE and quote.oracle_price:
        price = quote.oracle_price
    quantity = _quantity(match, _held(account, contract.contract.symbol), contract, price)
    leverage = float(match["leverage"]) if match["leverage"] else None
    trade = Trade(account=account.id, symbol=contract.contract.symbol, quantity=quantity, leverage=leverage)
    return Priced(trade=trade, terms=contract, venue=venue, price=price, quote=quote)


def _account(where: str, symbol: str, book: Book, terms: Mapping[str, VenueTerms]) -> Account:
    for account in book.accounts:
        if account.id == where:
            return account
    there = [
        account for account in book.accounts if account.venue == where.lower() and account.mode is MarginMode.CROSS
    ]
    there = there or [account for account in book.accounts if account.venue == where.lower()]
    if len(there) == 1:
        return there[0]
    names = ", ".join(account.id for account in there or book.accounts)
    problem = f'"{where}" is more than one account' if there else f'the book has no account or venue "{where}"'
    raise InputError(f"{problem}: name one of {names}")


def _contract(venue: VenueTerms, symbol: str, account: Account) -> ContractTerms:
    """The contract by its symbol, or the only one held or listed with that base asset against a dollar."""
    try:
        return find_contract(venue, symbol)
    except TermsError:
        held = [find_contract(venue, position.symbol) for position in account.positions]
        every = [venue.contracts[name] for name in venue.contracts if name.upper().startswith(symbol.upper())]
        for found in (*held, *every):
            if found.contract.base == symbol.upper() and found.contract.settle == venue.settle:
                return found
        raise


def _held(account: Account, symbol: str) -> float:
    held = [position.quantity for position in account.positions if position.symbol == symbol]
    if len(held) > 1:
        raise InputError(
            f"{account.id} holds {symbol} on both sides (hedge mode): trades there are not modelled; edit the book"
        )
    return sum(held)


def _quantity(match: re.Match[str], held: float, contract: ContractTerms, price: float) -> float:
    """Signed, in the contract's unit, rounded down to whole lots."""
    verb, size = match["verb"].lower(), (match["size"] or "").replace(",", "").replace("_", "").lower()
    if verb == "close":
        if held == 0:
            raise InputError(f"there is no position in {contract.contract.symbol} to close")
        return -_closed(size, held, contract, price)
    if size in ("", "all") or size.endswith("%"):
        raise InputError(f"how much? {EXAMPLE}")
    quantity = some_lots(_amount(size, contract, price), contract)
    return quantity if verb in ("long", "buy") else -quantity


def _amount(size: str, contract: ContractTerms, price: float) -> float:
    """A size as written, dollars turned into the contract's own unit."""
    amount = float(size.lstrip("$"))
    if size.startswith("$") and not contract.contract.is_inverse:
        amount /= price
    if not amount * price < LARGEST:
        raise InputError(f'"{size}" is more than any market has: {EXAMPLE}')
    return amount


def _closed(size: str, held: float, contract: ContractTerms, price: float) -> float:
    """The part of a holding that "close" means, signed as the holding."""
    if size in ("", "all"):
        return held
    share = float(size[:-1]) / 100 if size.endswith("%") else _amount(size, contract, price) / abs(held)
    if not 0 < share <= 1 + 1e-9:
        raise InputError(f"{abs(held):g} is held: close between nothing and all of it")
    return held if share >= 1 else some_lots(held * share, contract)


def some_lots(quantity: float, contract: ContractTerms) -> float:
    """Whole lots of a quantity, at least one."""
    lots = in_lots(quantity, contract)
    if lots == 0:
        lot = contract.contract.lot_size
        raise InputError(f"{abs(quantity):g} is less than one lot of {contract.contract.symbol} ({lot:g})")
    return lots


def in_lots(quantity: float, contract: ContractTerms) -> float:
    """Whole lots, towards zero; the quantity itself when the lot is not known."""
    lot = contract.contract.lot_size
    if lot <= 0:
        return quantity
    return round(int(abs(quantity) / lot * (1 + 1e-12)) * lot, 12) * (1 if quantity > 0 else -1)


def with_trade(book: Book, priced: Priced, quantity: float, cost: float) -> Book:
    """The book after buying (> 0) or selling (< 0) `quantity` at the price, paying `cost` in the settle currency."""
    trade = replace(priced.trade, quantity=quantity)
    return replace(
        book,
        accounts=tuple(
            _traded(account, trade, priced, cost) if account.id == trade.account else account
            for account in book.accounts
        ),
    )


def _traded(account: Account, trade: Trade, priced: Priced, cost: float) -> Account:
    contract, price = priced.terms.contract, priced.price
    old = next((one for one in account.positions if one.symbol == trade.symbol), None)
    others = tuple(one for one in account.positions if one is not old)
    if account.mode is MarginMode.ISOLATED and others:
        raise InputError(f"{account.id} is isolated on {others[0].symbol}: name a cross account")
    held = old.quantity if old else 0.0
    total = held + trade.quantity
    total = 0.0 if abs(total) < 1e-12 * max(abs(held), abs(trade.quantity)) else total
    realised, entry = _fill(held, old.entry_price if old else price, trade.quantity, price, inverse=contract.is_inverse)
    cash = {one.asset: one.amount for one in account.collateral}
    cash[contract.settle] = cash.get(contract.settle, 0.0) + realised - cost
    kept = []
    if total != 0:
        leverage = trade.leverage if trade.leverage is not None else (old.leverage if old else None)
        tags = old.tags if old else ()
        kept = [Position(symbol=trade.symbol, quantity=total, entry_price=entry, leverage=leverage, tags=tags)]
    return replace(
        account,
        positions=(*others, *kept),
        collateral=tuple(Balance(asset=asset, amount=amount) for asset, amount in cash.items()),
    )


def _fill(held: float, entry: float, quantity: float, price: float, *, inverse: bool) -> tuple[float, float]:
    """Profit realised (settle currency) and the new entry price: average cost, harmonic for inverse contracts."""
    if held == 0 or held * quantity > 0:
        total = held + quantity
        if inverse:
            return 0.0, total / (held / entry + quantity / price)
        return 0.0, (held * entry + quantity * price) / total
    closed = min(abs(held), abs(quantity)) * (1 if held > 0 else -1)
    realised = closed * (1 / entry - 1 / price) if inverse else closed * (price - entry)
    return realised, entry if abs(quantity) < abs(held) else price
