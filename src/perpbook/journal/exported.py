"""A journal as a text file, one link a line, which can be checked without its database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from perpbook.errors import BrokenJournal
from perpbook.journal.chain import Link

FIELDS = tuple(Link.__dataclass_fields__)


def line_of(one: Link) -> str:
    """A link as one line of JSON; its body as the text that the digest is over."""
    return json.dumps({name: getattr(one, name) for name in FIELDS}, separators=(",", ":"), ensure_ascii=False)


def write_links(links: Iterable[Link], path: Path) -> int:
    """Write them beside the place first, then move there; how many."""
    beside, count = path.with_name(path.name + ".part"), 0
    with beside.open("w", encoding="utf-8") as file:
        for one in links:
            file.write(line_of(one) + "\n")
            count += 1
    beside.replace(path)
    return count


def read_links(path: Path) -> Iterator[Link]:
    """The links of an exported journal, not yet held against each other.

    Raises
    ------
    BrokenJournal : a line that is no link.
    """
    with path.open(encoding="utf-8") as file:
        for row, line in enumerate(file, start=1):
            yield _link_of(line, path, row)


def _link_of(line: str, path: Path, row: int) -> Link:
    kinds = {"number": int, "kind": str, "at_ns": int, "body": str, "previous": str, "digest": str}
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if (
        not isinstance(found, dict)
        or {*found} != {*kinds}
        or any(type(found[name]) is not kinds[name] for name in kinds)
    ):
        raise BrokenJournal(f"{path}:{row} is no record of a journal: export it again")
    return Link(**found)
