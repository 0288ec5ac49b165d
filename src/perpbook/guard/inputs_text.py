"""Inputs as JSON, exactly: what was malformed comes back as malformed as it came."""

from __future__ import annotations

import json
from enum import Enum

from perpbook.errors import BrokenJournal
from perpbook.files.exact import again, exact
from perpbook.guard import funded, inputs, turn
from perpbook.model import account, action, alert, market, message, order

MODULES = (inputs, turn, funded, message, account, alert, order, market, action)
KINDS: dict[str, type] = {
    name: kind
    for module in MODULES
    for name, kind in vars(module).items()
    if isinstance(kind, type) and (hasattr(kind, "__dataclass_fields__") or issubclass(kind, Enum))
}
"""Everything that a line is made of, by name."""


def text_of(line: inputs.Line) -> str:
    """A line as JSON text."""
    return json.dumps(exact(line), separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def line_of(text: str) -> inputs.Line:
    """The line that a text holds.

    Raises
    ------
    BrokenJournal : it holds none.
    """
    try:
        line = again(json.loads(text), KINDS)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise BrokenJournal(
            f"the log of inputs has a line that this version cannot read ({type(error).__name__})"
        ) from None
    if not isinstance(line, inputs.Began | inputs.Took):
        raise BrokenJournal("the log of inputs has a line that is none")
    return line
