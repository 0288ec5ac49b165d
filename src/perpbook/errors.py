"""The exception tree, and `Problem`: an error in a user's file, as a value.

PerpbookError
├── InputError            the user must fix a file or an argument      exit 3
│   ├── PlaybookError     carries every Problem of one playbook
│   ├── BookError         carries every Problem of one book file
│   ├── TermsError        unknown venue or contract, overlapping tiers
│   └── StrategyError     the user's own strategy raised, or asked for nonsense
├── DataError             a price or a feed is missing or unfit        exit 20
│   ├── MissingData
│   ├── StaleData
│   └── BrokenJournal     records are missing, altered or out of order
├── VenueError            the venue said no or is away                 exit 21
│   ├── VenueUnavailable  a read that failed: ask again later
│   ├── OutcomeUnknown    a request that may have acted: ask, never send again
│   └── ProviderError     a node or a status page, or what it says cannot be used
├── Refused               needs approval, or is not armed              exit 30
└── InvariantError        our bug: stop                                exit 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in one user file: where it is, what it is, and what to do next."""

    file: str
    message: str
    line: int | None = None
    column: int | None = None
    key: str | None = None
    value: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        what = f"{self.key}: {self.message}" if self.key else self.message
        value = f" (got {self.value})" if self.value is not None else ""
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{where}: {what}{value}{hint}"


class PerpbookError(Exception):
    """Anything Perpbook raises on purpose. `exit_code` is what the command line returns for it."""

    exit_code = 1


class InputError(PerpbookError):
    """The user must fix a file or an argument; `problems` holds every one found."""

    exit_code = 3

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__("\n".join([message, *(str(problem) for problem in problems)]))
        self.message = message
        self.problems = tuple(problems)


class PlaybookError(InputError):
    """The playbook does not say something Perpbook can act on."""


class BookError(InputError):
    """The book file does not describe a book."""


class TermsError(InputError):
    """A venue, contract or terms file is unknown, contradictory or not modelled."""


class StrategyError(InputError):
    """The user's own strategy cannot be loaded, raised, or asked for something that is not there; names the time."""


class DataError(PerpbookError):
    """A price or a feed is missing or unfit; nothing is guessed in its place."""

    exit_code = 20


class MissingData(DataError):
    """A number that the assessment needs is not there."""


class StaleData(DataError):
    """A number is older than the playbook or the command allows."""


class BrokenJournal(DataError):
    """A journal's records are missing, altered or out of order; names the first that is."""


class VenueError(PerpbookError):
    """The venue said no or is away."""

    exit_code = 21


class VenueUnavailable(VenueError):
    """A read failed: nothing was changed, and asking again later is safe."""


class OutcomeUnknown(VenueError):
    """A request had no clear answer and may have acted: ask what became of it, never send it again."""


class ProviderError(VenueError):
    """A node or a status page is away, or says what cannot be used; names its host, and nothing more of its address."""


class Refused(PerpbookError):
    """The action needs an approval that was not given, or the guard is not armed."""

    exit_code = 30


class InvariantError(PerpbookError):
    """A law of our own arithmetic failed: our bug."""
