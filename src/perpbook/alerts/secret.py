"""What only an environment variable, or a file that one names, holds; it is never shown."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from perpbook.errors import InputError


class Secret:
    """A text that does not show itself."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the wire alone."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not copied into a file")


def secret_in(name: str, environment: Mapping[str, str], what: str) -> Secret:
    """The value of a variable, or of the file that NAME_FILE names, which nobody else may read.

    Raises
    ------
    InputError : neither is set, or the file cannot be read or is open to others; never with what is in it.
    """
    text = environment.get(name, "").strip()
    file = environment.get(f"{name}_FILE", "").strip()
    if not text and file:
        text = _read(Path(file), name)
    if not text:
        raise InputError(f"{what} is not set\n    export {name}=..., or {name}_FILE=a file that only you may read")
    return Secret(text)


def _read(path: Path, name: str) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise InputError(f"the file of {name}_FILE may be read by others: chmod 600 it")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise InputError(f"the file of {name}_FILE cannot be read") from None
