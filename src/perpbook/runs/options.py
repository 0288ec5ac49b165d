"""A chain of options from files: read, checked, and its smiles fitted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.model.option import OptionChain
    from perpbook.options.chain import Origin, RawQuote
    from perpbook.options.surface import Surface


def read_chains(
    files: Sequence[Path],
    *,
    coins: Collection[str] | None = None,
    at_ns: int | None = None,
    lots: Mapping[str, float] | None = None,
) -> dict[str, OptionChain]:
    """The chains of every coin, or of those in `coins`, in one Parquet table or in the venue's JSON answers.

    Raises
    ------
    InputError : a file is no chain, files of two kinds are mixed, `at_ns` is asked of answers that have one moment, or there are
    no options on any of the coins.
    """
    from perpbook.options.chain import build_chain
    from perpbook.options.names import parse_name

    rows, origin, told = _read(files, at_ns)
    origin = replace(origin, lots=dict(lots or {}))
    bases = dict.fromkeys(parse_name(row.name).base for row in rows)
    wanted = [base for base in bases if coins is None or base in coins]
    if not wanted:
        raise InputError(
            f"{files[0]} has no options on {' or '.join(coins or ['any coin'])}: it has {', '.join(bases) or 'none'}"
        )
    chains = {base: build_chain(rows, base, origin) for base in wanted}
    return {base: replace(chain, notes=(*told, *chain.notes)) for base, chain in chains.items()}


def _read(files: Sequence[Path], at_ns: int | None) -> tuple[list[RawQuote], Origin, tuple[str, ...]]:
    tables = [path for path in files if path.suffix == ".parquet"]
    if tables and len(files) > 1:
        raise InputError(f"{tables[0]} is a table and stands alone: give one Parquet file, or the venue's JSON answers")
    if not tables:
        from perpbook.snapshot.option_chain import read_option_answers

        if at_ns is not None:
            raise InputError("--at chooses a moment of a Parquet table: answers of a venue have one moment")
        return (*read_option_answers(files), ())
    if not tables[0].is_file():
        raise InputError(f"{tables[0]}: there is no such file: check the path")
    from perpbook.history.option_table import read_option_table

    return read_option_table(tables[0], at_ns)


def chart(chain: OptionChain) -> Surface:
    """A chain's smiles; errors as `fit_surface`."""
    from perpbook.options.smile import fit_surface

    return fit_surface(chain)


def lots_from(given: Sequence[str] | None) -> dict[str, float]:
    """Least trades by coin, from BTC=0.1.

    Raises
    ------
    InputError : one is no number above 0.
    """
    from perpbook.runs.moments import pairs

    out = {}
    for coin, text in pairs(given, "--lot").items():
        try:
            out[coin] = float(text)
        except ValueError:
            out[coin] = 0.0
        if not 0.0 < out[coin] < 1e9:
            raise InputError(f"--lot {coin}={text}: write coins above 0, as in BTC=0.1")
    return out


def read_chain(
    files: Sequence[Path], coin: str | None, *, at_ns: int | None = None, lots: Mapping[str, float] | None = None
) -> OptionChain:
    """The chain of one coin; errors as `read_chains`, and InputError where there are several and none was named."""
    chains = read_chains(files, coins=None if coin is None else (coin,), at_ns=at_ns, lots=lots)
    if len(chains) > 1:
        raise InputError(f"{files[0]} has options on {', '.join(chains)}: choose one with --coin")
    return next(iter(chains.values()))
