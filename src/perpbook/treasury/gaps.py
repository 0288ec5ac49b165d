"""The rescue gaps of a whole book, as a drill tells them."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.treasury.barrier import Closed
from perpbook.treasury.rescue import Late, Rescue


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGap:
    """One account. `under`, `without` : counts under the playbook and without it, None where no money reaches it (`rescue` says
    why). `closed` is None where there is no closed form, and `not_closed` says why. `one_future` : a storm alone, whose one
    future meets every arrival."""

    rescue: Rescue
    under: Late | None
    without: Late | None
    closed: Closed | None
    not_closed: str = ""
    one_future: bool = False

    @property
    def main(self) -> Late | None:
        """Under the playbook where there is one."""
        return self.under or self.without


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueGaps:
    """By account, with what the reader must know."""

    accounts: tuple[AccountGap, ...]
    notes: tuple[str, ...]
