"""What a dYdX transaction says: its messages read out of the protobuf bytes. Its signature is not checked.

Fields: `cosmos/tx/v1beta1/tx.proto`, `dydxprotocol/clob/{tx,order}.proto`, `dydxprotocol/subaccounts/subaccount.proto`. Only
what orders need is read; fields beyond are passed over, as protobuf has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perpbook.dialects.asked import Unreadable

Value = int | bytes
Fields = Mapping[int, tuple[Value, ...]]
"""Values by field number, in order; a message within is its bytes."""

PLACE, CANCEL, BATCH = (f"/dydxprotocol.clob.Msg{name}" for name in ("PlaceOrder", "CancelOrder", "BatchCancel"))
SHORT_TERM = 0
"""Order flags of an order that lives by blocks; 64 by time, 32 conditional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderId:
    """Who placed an order, and what it is called."""

    owner: str
    subaccount: int
    client_id: int
    flags: int
    clob_pair: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """MsgPlaceOrder. quantums, subticks : size and price in the chain's units; `side` 1 buys, 2 sells."""

    id: OrderId
    side: int
    quantums: int
    subticks: int
    good_til_block: int
    good_til_time_s: int
    time_in_force: int
    reduce_only: bool
    condition: int
    metadata: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """MsgCancelOrder, or one order of MsgBatchCancel."""

    id: OrderId


def messages(raw: bytes) -> list[Placing | Cancelling]:
    """The messages of a signed transaction.

    Raises
    ------
    Unreadable : the bytes are no transaction, or one that is not about orders.
    """
    out: list[Placing | Cancelling] = []
    body = fields(data(fields(raw), 1))
    for wrapped in body.get(1, ()):
        out += message(fields(inner(wrapped)))
    if not out:
        raise Unreadable("the transaction has no message")
    return out


def message(wrapped: Fields) -> list[Placing | Cancelling]:
    """One message in its Any."""
    kind, value = data(wrapped, 1).decode(errors="replace"), fields(data(wrapped, 2))
    if kind == PLACE:
        return [placing(fields(data(value, 1)))]
    if kind == CANCEL:
        return [Cancelling(id=order_id(fields(data(value, 1))))]
    if kind == BATCH:
        return batch(value)
    raise Unreadable(f"{kind[:60]!r} is not served here")


def placing(order: Fields) -> Placing:
    """An order."""
    return Placing(
        id=order_id(fields(data(order, 1))),
        side=count(order, 2),
        quantums=count(order, 3),
        subticks=count(order, 4),
        good_til_block=count(order, 5),
        good_til_time_s=count(order, 6),
        time_in_force=count(order, 7),
        reduce_only=bool(count(order, 8)),
        metadata=count(order, 9),
        condition=count(order, 10),
    )


def order_id(found: Fields) -> OrderId:
    """An order's name."""
    owner, subaccount = subaccount_of(found)
    return OrderId(
        owner=owner,
        subaccount=subaccount,
        client_id=count(found, 2),
        flags=count(found, 3),
        clob_pair=count(found, 4),
    )


def subaccount_of(found: Fields) -> tuple[str, int]:
    """Owner and number, from field 1."""
    within = fields(data(found, 1))
    return data(within, 1).decode(errors="replace"), count(within, 2)


def batch(value: Fields) -> list[Placing | Cancelling]:
    """Every order that a batch takes back: short-term ones only."""
    owner, subaccount = subaccount_of(value)
    out: list[Placing | Cancelling] = []
    for one in value.get(2, ()):
        pair = fields(inner(one))
        for client in numbers(pair.get(2, ())):
            name = OrderId(
                owner=owner, subaccount=subaccount, client_id=client, flags=SHORT_TERM, clob_pair=count(pair, 1)
            )
            out.append(Cancelling(id=name))
    return out


def numbers(values: tuple[Value, ...]) -> list[int]:
    """A repeated number, packed or not."""
    out: list[int] = []
    for value in values:
        if isinstance(value, int):
            out.append(value)
            continue
        at = 0
        while at < len(value):
            read, at = varint(value, at)
            out.append(read)
    return out


def fields(raw: bytes) -> Fields:
    """The fields of a message (protobuf's wire format)."""
    out: dict[int, tuple[Value, ...]] = {}
    at = 0
    while at < len(raw):
        key, at = varint(raw, at)
        value, at = one_value(raw, at, key & 7)
        out[key >> 3] = (*out.get(key >> 3, ()), value)
    return out


def one_value(raw: bytes, at: int, kind: int) -> tuple[Value, int]:
    """A value of a wire type, and where the next field begins."""
    if kind == 0:
        return varint(raw, at)
    if kind in (1, 5):
        end = at + (8 if kind == 1 else 4)
        if end <= len(raw):
            return int.from_bytes(raw[at:end], "little"), end
    if kind == 2:
        size, at = varint(raw, at)
        if at + size <= len(raw):
            return raw[at : at + size], at + size
    raise Unreadable("the transaction is not protobuf")


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = shift = 0
    while at < len(raw) and shift < 64:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise Unreadable("the transaction is not protobuf")


def count(found: Fields, number: int) -> int:
    """A field that is a number; 0 where it is not there."""
    value = found.get(number, (0,))[-1]
    if isinstance(value, bytes):
        raise Unreadable(f"field {number} of the transaction is not a number")
    return value


def data(found: Fields, number: int) -> bytes:
    """A field that is bytes; none where it is not there."""
    return inner(found.get(number, (b"",))[-1])


def inner(value: Value) -> bytes:
    """A value that is bytes."""
    if isinstance(value, int):
        raise Unreadable("a field of the transaction is not bytes")
    return value
