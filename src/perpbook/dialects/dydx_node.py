"""dYdX's node: transactions with orders, broadcast over RPC; account numbers and heights that clients ask for before.

A transaction acts as it arrives: blocks are not waited for. Its signature is not checked; its owner must have an account here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from perpbook.dialects.asked import Unreadable
from perpbook.dialects.dydx import Dydx
from perpbook.dialects.dydx_shapes import Written, block_end_ns, height, units
from perpbook.dialects.dydx_tx import SHORT_TERM, Cancelling, OrderId, Placing, messages
from perpbook.model.order import OrderRequest, OrderState, RejectReason, TimeInForce
from perpbook.model.units import SECOND_NS
from perpbook.simulation.order_rules import floored

WINDOW = 20
"""Blocks that a short-term order may live at most (ShortBlockWindow)."""

STATEFUL = 64
TIFS = {0: TimeInForce.GTC, 1: TimeInForce.IOC, 2: TimeInForce.POST}
CODES = {
    RejectReason.REDUCE_ONLY: (2001, "Reduce-only orders cannot increase the position size"),
    RejectReason.POST_ONLY: (2003, "Post-only order would cross one or more maker orders"),
    RejectReason.DUPLICATE: (30, "An order with the same `OrderId` and `OrderHash` has already been processed"),
    RejectReason.SIZE: (18, "the size is no multiple of `StepBaseQuantums`"),
    RejectReason.MARGIN: (3007, "Stateful order collateralization check failed"),
}
INVALID = 12
"""Codes of the chain's x/clob (`types/errors.go`); `INVALID` is "MsgPlaceOrder is invalid", for whatever has none of its own."""


class Refusal(Exception):
    """The transaction is refused with a code."""

    def __init__(self, code: int, log: str) -> None:
        super().__init__(log)
        self.code, self.log = code, log


class DydxNode:
    """Over one dialect."""

    def __init__(self, dialect: Dydx) -> None:
        self.dialect = dialect
        self.venue = dialect.venue

    def info(self) -> dict[str, Any]:
        """The last block."""
        self.venue.catch_up()
        last = str(height(self.venue.clock_ns))
        return result({"response": {"data": "dydxprotocol", "version": "perpbook", "last_block_height": last}})

    def account(self, address: str) -> dict[str, Any]:
        """What a client signs with: account number and sequence."""
        key = {"type_url": "/cosmos.crypto.secp256k1.PubKey", "key": ""}
        return {"info": {"address": address, "pub_key": key, "account_number": "1", "sequence": "0"}}

    def broadcast(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A transaction: code 0, or the code and words of a refusal.

        Raises
        ------
        Unreadable : it is not one that is served here.
        BrokenOnPurpose, Hanging : a fault.
        """
        raw = raw_of(query.get("tx", ""))
        named = hashlib.sha256(raw).hexdigest().upper()
        try:
            for one in messages(raw):
                if isinstance(one, Placing):
                    self.place(one)
                else:
                    self.cancel(one)
        except Refusal as refused:
            return result({"code": refused.code, "data": "", "log": refused.log, "codespace": "clob", "hash": named})
        return result({"code": 0, "data": "", "log": "[]", "codespace": "", "hash": named})

    def place(self, order: Placing) -> None:
        """Place an order."""
        self.venue.catch_up()
        bucket, symbol = self._bucket(order.id), self._symbol(order.id)
        request = self._request(order, bucket, symbol)
        expires = self._expiry(order)
        self.dialect.written.setdefault(
            (bucket, request.client_id),
            Written(
                client_id=order.id.client_id,
                flags=order.id.flags,
                clob_pair=order.id.clob_pair,
                good_til=order.good_til_block if order.id.flags == SHORT_TERM else order.good_til_time_s,
                metadata=order.metadata,
            ),
        )
        report = self.venue.place(request, expires)
        if report.state is OrderState.REJECTED:
            reason = report.reason or RejectReason.OTHER
            raise Refusal(*CODES.get(reason, (INVALID, report.why)))

    def cancel(self, one: Cancelling) -> None:
        """Take an order back; one that is not there is no error for a short-term order."""
        bucket, symbol = self._bucket(one.id), self._symbol(one.id)
        found = self.venue.find(bucket, client_id=client_id_of(one.id))
        is_open = found is not None and found.report.state is OrderState.OPEN
        if not is_open and one.id.flags != SHORT_TERM:
            raise Refusal(3006, "Stateful order does not exist")
        if is_open:
            self.venue.cancel(bucket, symbol, client_id_of(one.id))

    def _request(self, order: Placing, bucket: str, symbol: str) -> OrderRequest:
        if order.condition or order.id.flags not in (SHORT_TERM, STATEFUL):
            raise Refusal(6000, "conditional orders are not served here")
        tif = TIFS.get(order.time_in_force)
        if tif is None or order.side not in (1, 2):
            raise Refusal(44, "invalid time in force or side")
        if tif is TimeInForce.IOC and order.id.flags == STATEFUL:
            raise Refusal(3002, "Stateful orders cannot require immediate execution")
        terms = self.venue.contract(symbol)
        unit, lot = units(terms), terms.contract.lot_size
        size, price = order.quantums * unit.quantum, order.subticks / unit.subticks_per_quote
        whole = floored(size, lot)
        if whole <= 0.0 or price <= 0.0:
            raise Refusal(INVALID, "MsgPlaceOrder is invalid: no size or no price")
        return OrderRequest(
            client_id=client_id_of(order.id),
            account=bucket,
            venue=self.venue.truth.name,
            symbol=symbol,
            quantity=(whole if abs(whole - size) < 1e-9 * size else size) * (1.0 if order.side == 1 else -1.0),
            limit_price=round(price, 12),
            reduce_only=order.reduce_only,
            time_in_force=tif,
        )

    def _expiry(self, order: Placing) -> int:
        """When an order ends by itself, by the venue's time."""
        if order.id.flags == SHORT_TERM:
            now = height(self.venue.clock_ns)
            if order.good_til_block <= now:
                raise Refusal(10, "The next block height is greater than the GoodTilBlock of the message")
            if order.good_til_block > now + WINDOW:
                raise Refusal(
                    11, "The GoodTilBlock of the message is further than ShortBlockWindow blocks into the future"
                )
            return block_end_ns(order.good_til_block) - self.venue.faults.skew_ns
        at = self.venue.pace.at_venue(order.good_til_time_s * SECOND_NS)
        if at <= self.venue.truth.now_ns:
            raise Refusal(3003, "The block time is greater than the GoodTilBlockTime of the message")
        return at

    def _bucket(self, name: OrderId) -> str:
        found = self.dialect.subaccounts.get((name.owner, name.subaccount))
        if found is None:
            raise Refusal(INVALID, "the subaccount has nothing here")
        return found

    def _symbol(self, name: OrderId) -> str:
        if name.clob_pair >= len(self.venue.truth.symbols):
            raise Refusal(19, "The provided perpetual ID does not have any associated CLOB pairs")
        return self.venue.truth.symbols[name.clob_pair]


def client_id_of(name: OrderId) -> str:
    """A name of an order that is one in its subaccount."""
    return f"{name.client_id}/{name.flags}/{name.clob_pair}"


def raw_of(given: str) -> bytes:
    """A transaction out of a query: 0x and hexadecimal digits."""
    try:
        return bytes.fromhex(given.strip('"').removeprefix("0x"))
    except ValueError:
        raise Unreadable("tx is not hexadecimal") from None


def result(found: dict[str, Any]) -> dict[str, Any]:
    """A JSON-RPC answer."""
    return {"jsonrpc": "2.0", "id": -1, "result": found}
