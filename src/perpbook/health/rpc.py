"""JSON-RPC, strictly: one question, one answer, with its own number; and what is written in hexadecimal."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from perpbook.errors import ProviderError
from perpbook.health.wire import Wire

QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
HASH = re.compile(r"0x[0-9a-fA-F]{64}")
WORDS = re.compile(r"0x([0-9a-fA-F]{64})*")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
TOP = 1 << 255


class Rpc:
    """Questions to one node by its JSON-RPC."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._numbers = count(1)

    def ask(self, method: str, *words: object) -> Any:
        """The result of a method.

        Raises
        ------
        ProviderError : it is away, or what it says is no answer to this question.
        """
        return self._asked(method, words, None)

    def ask_if_there(self, method: str, missing: int, *words: object) -> Any:
        """The result of a method, None where the node answers with the number that says that there is no such thing."""
        return self._asked(method, words, missing)

    def _asked(self, method: str, words: tuple[object, ...], missing: int | None) -> Any:
        number = next(self._numbers)
        found = self.wire.post({"jsonrpc": "2.0", "id": number, "method": method, "params": list(words)})
        if not isinstance(found, dict) or found.get("jsonrpc") != "2.0":
            raise self.wire.fault(f"answers {method} with something that is no JSON-RPC")
        if found.get("error") is not None:
            error = found["error"]
            if missing is not None and isinstance(error, dict) and error.get("code") == missing:
                return None
            told = error.get("message", "") if isinstance(error, dict) else error
            raise self.wire.fault(f"refuses {method}: {self.wire.said(told) or 'without saying why'}")
        if isinstance(found.get("id"), bool) or found.get("id") != number:
            raise self.wire.fault(f"answers {method} with the number of another question")
        if "result" not in found:
            raise self.wire.fault(f"answers {method} without a result")
        return found["result"]

    def fault(self, what: str) -> ProviderError:
        """An error about this node."""
        return self.wire.fault(what)

    def quantity(self, value: object, what: str) -> int:
        """A number of 0 or more as nodes write it: "0x1b4"."""
        if not isinstance(value, str) or not QUANTITY.fullmatch(value):
            raise self.fault(f"gives {what} as {self.shown(value)}, which is no hexadecimal number")
        return int(value, 16)

    def count(self, value: object, what: str) -> int:
        """A number of 0 or more that is written as a number."""
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.fault(f"gives {what} as {self.shown(value)}, which is no number")
        return value

    def hash(self, value: object, what: str) -> str:
        """32 bytes."""
        if not isinstance(value, str) or not HASH.fullmatch(value):
            raise self.fault(f"gives {what} as {self.shown(value)}, which is no hash")
        return value.lower()

    def words(self, value: object, count: int, what: str) -> tuple[int, ...]:
        """What a contract returns: `count` words of 32 bytes, read without sign."""
        if value == "0x":
            raise self.fault(f"says that no contract answers for {what}")
        if not isinstance(value, str) or not WORDS.fullmatch(value) or len(value) != 2 + 64 * count:
            raise self.fault(f"gives {what} as {self.shown(value)}, which is not {count} words of 32 bytes")
        return tuple(int(value[2 + 64 * k : 66 + 64 * k], 16) for k in range(count))

    def shown(self, value: object) -> str:
        """A value, cut short."""
        text = self.wire.said(repr(value))
        return text if len(text) <= 40 else text[:37] + "..."


def signed(word: int) -> int:
    """A word of 32 bytes as a number with a sign."""
    return word - 2 * TOP if word >= TOP else word
