"""Reading a dYdX transaction: what was written is read, and other bytes are refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from perpbook.dialects.asked import Unreadable
from perpbook.dialects.dydx_tx import BATCH, CANCEL, PLACE, Cancelling, OrderId, Placing, messages


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def fixed(field: int, value: int) -> bytes:
    return varint(field << 3 | 5) + value.to_bytes(4, "little")


def inner(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def name(one: OrderId) -> bytes:
    owner = inner(1, one.owner.encode()) + number(2, one.subaccount)
    return inner(1, owner) + fixed(2, one.client_id) + number(3, one.flags) + number(4, one.clob_pair)


def tx(kind: str, value: bytes) -> bytes:
    body = inner(1, inner(1, kind.encode()) + inner(2, value))
    return inner(1, body) + inner(2, b"auth") + inner(3, b"signature")


words = some.integers(0, 2**32 - 1)
names = some.builds(
    OrderId, owner=some.text("abc1", max_size=50), subaccount=words, client_id=words, flags=words, clob_pair=words
)
placings = some.builds(
    Placing,
    id=names,
    side=some.integers(1, 2),
    quantums=some.integers(0, 2**63),
    subticks=some.integers(0, 2**63),
    good_til_block=words,
    good_til_time_s=words,
    time_in_force=some.integers(0, 3),
    reduce_only=some.booleans(),
    condition=some.integers(0, 2),
    metadata=words,
)


@given(placings)
def test_an_order_is_read_as_it_was_written(one: Placing) -> None:
    order = inner(1, name(one.id)) + number(2, one.side) + number(3, one.quantums) + number(4, one.subticks)
    order += number(5, one.good_til_block) + fixed(6, one.good_til_time_s) + number(7, one.time_in_force)
    order += number(8, one.reduce_only) + number(9, one.metadata) + number(10, one.condition) + inner(14, b"router")
    assert messages(tx(PLACE, inner(1, order))) == [one]


@given(names)
def test_a_cancel_is_read_as_it_was_written(one: OrderId) -> None:
    assert messages(tx(CANCEL, inner(1, name(one)))) == [Cancelling(id=one)]


@given(some.lists(words, min_size=1, max_size=5), some.booleans())
def test_a_batch_is_every_order_it_names_packed_or_not(clients: list[int], packed: bool) -> None:
    ids = inner(2, b"".join(map(varint, clients))) if packed else b"".join(number(2, one) for one in clients)
    raw = tx(BATCH, inner(1, inner(1, b"me") + number(2, 3)) + inner(2, number(1, 7) + ids))
    found = [one.id for one in messages(raw)]
    assert found == [OrderId(owner="me", subaccount=3, client_id=one, flags=0, clob_pair=7) for one in clients]


@given(some.binary(max_size=200))
def test_other_bytes_are_refused_and_nothing_else_is_raised(raw: bytes) -> None:
    try:
        assert messages(raw)
    except Unreadable as refused:
        assert str(refused)
