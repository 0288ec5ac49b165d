"""Fields of NumPy's records found by name as fast as by item: plain kernels read millions, and NumPy finds each by an exception.

What is no plain field is left to NumPy. For tests alone: what is compiled looks no name up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

OWN, OWN_OF_ARRAYS = frozenset(dir(np.record)), frozenset(dir(np.recarray))
"""Names that are found before any field."""
NO_FIELD = (ValueError, IndexError, KeyError, TypeError)
array, view, part, put = np.ndarray, np.ndarray.view, np.ndarray.__getitem__, np.ndarray.__setitem__
own, item, put_item = np.void.__getattribute__, np.void.__getitem__, np.void.__setitem__
slow_field, slow_put = np.record.__getattribute__, np.record.__setattr__
slow_fields, slow_put_all, slow_at = np.recarray.__getattribute__, np.recarray.__setattr__, np.recarray.__getitem__


def find_fields_by_item() -> None:
    """From here on, in this process."""
    for kind, get, set_ in ((np.record, field, put_field), (np.recarray, fields, put_fields)):
        kind.__getattribute__, kind.__setattr__ = get, set_  # type: ignore[method-assign]
    np.recarray.__getitem__ = at  # type: ignore[method-assign]


def field(record: Any, name: str) -> Any:
    """`record.name`"""
    if name in OWN:
        return own(record, name)
    try:
        found = item(record, name)
    except NO_FIELD:
        return slow_field(record, name)
    return slow_field(record, name) if isinstance(found, (np.void, array)) else found


def put_field(record: Any, name: str, value: Any) -> None:
    """`record.name = value`"""
    try:
        put_item(record, name, value)
    except NO_FIELD:
        slow_put(record, name, value)


def fields(records: Any, name: str) -> Any:
    """`records.name`"""
    if name in OWN_OF_ARRAYS:
        return object.__getattribute__(records, name)
    try:
        found = part(view(records, array), name)
    except NO_FIELD:
        return slow_fields(records, name)
    return found if found.dtype.names is None else slow_fields(records, name)


def put_fields(records: Any, name: str, value: Any) -> None:
    """`records.name = value`"""
    if name not in OWN_OF_ARRAYS:
        try:
            put(view(records, array), name, value)
            return
        except NO_FIELD:
            pass
    slow_put_all(records, name, value)


def at(records: Any, index: Any) -> Any:
    """`records[index]`"""
    if type(index) is str:
        found = part(view(records, array), index)
        return found if found.dtype.names is None else slow_at(records, index)
    found = part(records, index)
    return found if type(found) is np.record else slow_at(records, index)
