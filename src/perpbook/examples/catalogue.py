"""The examples, by name."""

from __future__ import annotations

from pathlib import Path

from perpbook.errors import InputError

HERE = Path(__file__).parent

EXAMPLES = {
    "directional": "one venue, one account, three longs and a hedge that does not hedge",
    "hedged": "a delta-neutral pair across two venues, whose legs die separately",
    "desk": "four venues, five layers, isolated and cross, linear and inverse",
}
PLAYBOOKS = ("conservative", "aggressive")


def book_file(example: str) -> Path:
    """The example's book file; InputError for a name that is none."""
    _known(example, tuple(EXAMPLES), "example")
    return HERE / example / "book.toml"


def playbook_file(example: str, playbook: str) -> Path:
    """One of the example's two playbooks; InputError for a name that is none."""
    _known(example, tuple(EXAMPLES), "example")
    _known(playbook, PLAYBOOKS, "playbook")
    return HERE / example / f"{playbook}.toml"


def _known(name: str, names: tuple[str, ...], what: str) -> None:
    if name not in names:
        raise InputError(f'there is no {what} "{name}": choose {", ".join(names)}')
