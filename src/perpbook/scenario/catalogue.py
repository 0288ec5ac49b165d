"""The storms that come with Perpbook, and those in folders of the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from perpbook.errors import InputError
from perpbook.scenario.compose import parse_storm
from perpbook.scenario.durations import write_duration
from perpbook.scenario.storm import CALM, KINDS, Storm
from perpbook.scenario.storm_load import load_storm, load_storms

PACKAGE = Path(__file__).parent / "catalogue"

SOURCED = ("historic", "incident")
"""Kinds whose figures have been somebody's."""


def catalogue(folders: Sequence[Path] = ()) -> dict[str, Storm]:
    """Every storm by name: historic, synthetic and incidents, each in order of name. A later folder's takes the place of
    an earlier one's.

    Raises
    ------
    InputError : a file of a folder is not as it must be, or a folder is not there.
    """
    out = dict(packaged())
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder of storms: check the path")
        for path in sorted(folder.glob("*.toml")):
            out |= {storm.name: storm for storm in load_storms(path)}
    return _in_order(out.values())


@lru_cache(maxsize=1)
def packaged() -> dict[str, Storm]:
    """The storms of the package."""
    return _in_order(storm for path in sorted(PACKAGE.glob("*.toml")) for storm in load_storms(path))


def find_storm(text: str, folders: Sequence[Path] = (), extra: Iterable[Storm] = ()) -> Storm:
    """The storm of an expression such as `crash-2022-11-ftx + arbitrum-halt` or `gap-down then my.toml after 20m`.

    A word that ends in .toml or has a / is a file. `extra` are storms made on the spot, found by their names; a name that is
    the whole text needs no quotes.

    Raises
    ------
    InputError : the expression cannot be read, a storm is unknown (with the nearest name), or shocks contradict.
    """
    known = catalogue(folders) | {storm.name: storm for storm in extra} | {CALM.name: CALM}

    def named(name: str) -> Storm:
        if name in known:
            return known[name]
        if name.endswith(".toml") or "/" in name:
            return load_storm(Path(name))
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else "see `perpbook drill list`; a file's name ends in .toml"
        raise InputError(f'there is no storm "{name}": {hint}')

    return known[text] if text in known else parse_storm(text, named)


def catalogue_table(storms: Iterable[Storm]) -> str:
    """A Markdown table of storms."""
    rows = ["| storm | what | kind | confidence | lasts | shocks |", "|---|---|---|---|---|---|"]
    for one in storms:
        what = f"{one.title} ({one.began[:10]})" if one.kind == "incident" and one.began else one.title
        lasts, shocks = write_duration(one.horizon_ns), ", ".join(shock_words(one))
        rows.append(
            f"| `{one.name}` | {what} | {one.kind} | {one.confidence if one.kind in SOURCED else ''} | {lasts} | {shocks} |"
        )
    return "\n".join(rows) + "\n"


def shock_words(storm: Storm) -> list[str]:
    """What a storm does, each in a word or two."""
    words = []
    if storm.replay:
        words.append(f"replay of {len(storm.replay.moves)} assets" if storm.replay.moves else "replay")
    words += ["prices"] if storm.prices else []
    words += ["funding"] if storm.funding else []
    words += ["order books"] if storm.liquidity else []
    words += ["marks"] if storm.marks else []
    words += list(dict.fromkeys(f"{one.asset} off its peg" for one in storm.collateral))
    words += [f"correlation: {storm.correlation.how}"] if storm.correlation else []
    words += list(
        dict.fromkeys(f"{'every ' + one.where if one.name == '*' else one.name} {one.kind}" for one in storm.outages)
    )
    words += ["winners taken"] if storm.adl else []
    return words + (["insurance empty"] if storm.insurance_empty else [])


def _in_order(storms: Iterable[Storm]) -> dict[str, Storm]:
    return {one.name: one for one in sorted(storms, key=lambda one: (KINDS.index(one.kind), one.name))}
