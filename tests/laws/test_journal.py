"""Laws of the journal: what was written is read, in order; whatever is done to it afterwards is found and named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import BrokenJournal
from perpbook.journal.chain import START, Link, held_together, link, record_of
from perpbook.model.record import Record, RecordKind

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=6
)
RECORDS = st.builds(
    Record,
    kind=st.sampled_from(list(RecordKind)),
    at_ns=st.integers(0, 2**63 - 1),
    body=st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
)


def chained(records: list[Record]) -> list[Link]:
    links: list[Link] = []
    digest = START
    for number, one in enumerate(records, start=1):
        links.append(link(one, number, digest))
        digest = links[-1].digest
    return links


@given(st.lists(RECORDS, max_size=8))
def test_what_was_linked_is_read_back(records: list[Record]) -> None:
    assert [record_of(one) for one in held_together(chained(records))] == records


@given(st.lists(RECORDS, min_size=1, max_size=6), st.data())
def test_a_changed_record_is_named(records: list[Record], data: st.DataObject) -> None:
    links = chained(records)
    at = data.draw(st.integers(0, len(links) - 1))
    other = data.draw(RECORDS.filter(lambda one: one != records[at]))
    forged = link(other, at + 1, links[at].previous)
    links[at] = replace(forged, digest=links[at].digest)
    with pytest.raises(BrokenJournal, match=f"record {at + 1} "):
        list(held_together(links))


@given(st.lists(RECORDS, min_size=2, max_size=6), st.data())
def test_a_missing_record_is_named(records: list[Record], data: st.DataObject) -> None:
    links = chained(records)
    at = data.draw(st.integers(0, len(links) - 2))
    del links[at]
    with pytest.raises(BrokenJournal, match=f"record {at + 1} of the journal is missing"):
        list(held_together(links))


@given(st.lists(RECORDS, min_size=2, max_size=6), st.data())
def test_a_record_put_in_anew_is_found_at_the_next(records: list[Record], data: st.DataObject) -> None:
    links = chained(records)
    at = data.draw(st.integers(0, len(links) - 2))
    other = data.draw(RECORDS.filter(lambda one: one != records[at]))
    links[at] = link(other, at + 1, links[at].previous)
    with pytest.raises(BrokenJournal, match=f"record {at + 2} of the journal does not follow"):
        list(held_together(links))


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        link(Record(kind=RecordKind.NOTE, at_ns=1, body={"x": float("nan")}), 1, START)
