"""A law that did not hold."""

from __future__ import annotations


class LawBroken(AssertionError):
    """`law` : its short name."""

    def __init__(self, law: str, told: str) -> None:
        super().__init__(f"{law}: {told}")
        self.law = law


def broken_unless(holds: bool, law: str, told: str) -> None:
    """Raise unless a law holds."""
    if not holds:
        raise LawBroken(law, told)
