"""`perpbook funding`: a book's funding from the lake, and how well each model has forecast what the lake has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import DataError, InputError, MissingData, TermsError
from perpbook.funding.paid import WINDOWS_DAYS
from perpbook.model.units import DAY_NS, HOUR_NS, to_iso

if TYPE_CHECKING:
    import numpy as np

    from perpbook.funding.desk import Costly, FundingDesk, PositionFunding, TermRow
    from perpbook.funding.forecast import Forecast
    from perpbook.funding.scores import Scores
    from perpbook.history.lake import Held, Lake
    from perpbook.margin.assessment import Assessment, PositionAssessment
    from perpbook.model.contract import Contract
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import FundingTerms, VenueTerms

Tell = Callable[[str, int, int], None]

LONG_NS = 365 * DAY_NS
"""A series of so much funding is scored when none is named."""

HORIZONS_NS = (8 * HOUR_NS, DAY_NS, 7 * DAY_NS)


def silent(step: str, number: int, total: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskAsked:
    """Whose funding, how far ahead, how surely. `at_ns` None: the time of the book's prices. `fan`: with horizons on the way.
    `windows` are the days back that what was paid is told over."""

    book: Path
    playbook: Path | None = None
    horizon_ns: int = 7 * DAY_NS
    level: float = 0.9
    model: str | None = None
    at_ns: int | None = None
    seed: int = 0
    fan: bool = False
    windows: tuple[int, ...] = WINDOWS_DAYS
    terms_folders: tuple[Path, ...] = ()


def run_desk(folder: Path, asked: DeskAsked, tell: Tell = silent) -> FundingDesk:
    """What the book pays, has paid at its present sizes, and is expected to pay.

    Raises
    ------
    InputError : a file or option is wrong.
    DataError : a price is missing, or the lake has no funding of any position.
    """
    from perpbook.funding.desk import FundingDesk, drag_at_present_size, paid_at_present_size, totals
    from perpbook.history.lake import Lake
    from perpbook.margin.assess import assess
    from perpbook.runs.check import load_all_terms, read_inputs

    snapshot, playbook = read_inputs(
        asked.book, asked.playbook, market=None, now_ns=None, terms_folders=asked.terms_folders
    )
    terms = load_all_terms(snapshot, asked.terms_folders)
    assessment = assess(snapshot, terms).assessment
    if not assessment.positions:
        raise InputError(f"{asked.book}: the book has no position, so there is no funding to tell")
    now = snapshot.market.as_of_ns if asked.at_ns is None else asked.at_ns
    lake = Lake(folder)
    held = tuple(_costly(lake, one, terms[one.venue], playbook) for one in assessment.positions)
    if all(one.history is None for one in held):
        raise MissingData(_nothing_known(lake, assessment))
    positions = _positions(held, asked, now, tell)
    mean, low, high = totals(positions)
    return FundingDesk(
        as_of_ns=now, horizon_ns=asked.horizon_ns, level=asked.level, equity=assessment.book.equity, positions=positions,
        paid=paid_at_present_size(held, now, asked.windows),
        drag=drag_at_present_size(held, assessment.book.equity, now, asked.windows),
        expected=mean, low=low, high=high, term_structure=tuple(_term_structure(lake, positions, asked, now, tell)),
        simulated=snapshot.market.simulated or any(_simulated(lake, one) for one in held),
        notes=_notes(now, snapshot.market.as_of_ns),
    )  # fmt: skip


def _notes(now_ns: int, priced_ns: int) -> tuple[str, ...]:
    if now_ns == priced_ns:
        return ()
    return (f"sizes and prices are of {to_iso(priced_ns)}, funding up to {to_iso(now_ns)}",)


def _positions(held: Sequence[Costly], asked: DeskAsked, now_ns: int, tell: Tell) -> tuple[PositionFunding, ...]:
    """Each position's funding; futures of each are drawn apart, so that one more position moves no other's."""
    import numpy as np

    from perpbook.funding.desk import position_funding, with_fan

    out = []
    for number, one in enumerate(held):
        tell(f"forecasting {one.venue} {one.symbol}", number, len(held))
        chance = _chance(np.random.SeedSequence([asked.seed, number]))
        told = position_funding(
            one, now_ns=now_ns, horizon_ns=asked.horizon_ns, level=asked.level, model=asked.model, chance=chance
        )
        out.append(with_fan(told, one, model=asked.model) if asked.fan else told)
    return tuple(out)


def _chance(seed: np.random.SeedSequence) -> np.random.Generator:
    import numpy as np

    return np.random.Generator(np.random.SFC64(seed))


def _costly(lake: Lake, one: PositionAssessment, terms: VenueTerms, playbook: Playbook) -> Costly:
    from perpbook.funding.desk import Costly
    from perpbook.history.load import read_settlements
    from perpbook.playbook.sleeves import sleeve_of_position

    found = series_of(lake, terms.contracts[one.symbol].contract)
    number = sleeve_of_position(playbook, one.venue, one.symbol, one.tags)
    sleeve = playbook.capital.sleeves[number].name if playbook.capital and number >= 0 else ""
    return Costly(
        account=one.account, venue=one.venue, symbol=one.symbol, asset=one.asset, sleeve=sleeve, exposure=one.exposure,
        history=None if found is None else read_settlements(lake, found), series="" if found is None else str(found.id),
        terms=terms.funding,
    )  # fmt: skip


def series_of(lake: Lake, contract: Contract) -> Held | None:
    """The lake's funding of a contract, None where it has none."""
    from perpbook.history.choose import of_contract, wanted_of

    return next(iter(of_contract(lake, "funding", contract.venue, wanted_of(contract))), None)


def _simulated(lake: Lake, one: Costly) -> bool:
    return any(held.simulated for held in lake.held("funding", one.venue) if str(held.id) == one.series)


def _nothing_known(lake: Lake, assessment: Assessment) -> str:
    wanted = ", ".join(dict.fromkeys(f"{one.venue} {one.symbol}" for one in assessment.positions))
    have = ", ".join(sorted({held.id.venue for held in lake.held("funding")})) or "none at all"
    return (
        f"the lake at {lake.root} has no funding of {wanted}; it has that of {have}\n"
        "    import some with `perpbook data import`, or pull it with `perpbook data pull VENUE COIN --kinds funding`"
    )


def _term_structure(
    lake: Lake, positions: Sequence[PositionFunding], asked: DeskAsked, now_ns: int, tell: Tell
) -> Iterator[TermRow]:
    """Every venue of the lake that has funding of the book's assets; the book's own are not forecast twice."""
    from perpbook.funding.desk import Costly, term_row
    from perpbook.history.choose import same_unit
    from perpbook.history.load import read_settlements

    known = {one.series: None if one.ahead is None else one.ahead.forecast for one in positions}
    for asset in dict.fromkeys(one.asset for one in positions):
        for found in (held for base in same_unit(asset) for held in lake.held("funding", symbol=f"{base}-*")):
            tell(f"comparing {found.id.venue} {asset}", 0, 1)
            one = Costly(
                account="", venue=found.id.venue, symbol=found.id.symbol, asset=asset, sleeve="", exposure=0.0,
                history=read_settlements(lake, found), terms=funding_terms(found.id.venue),
            )  # fmt: skip
            told = known[str(found.id)] if str(found.id) in known else _forecast_of(one, asked, now_ns)
            row = term_row(one, told, now_ns=now_ns)
            if row is not None:
                yield row


def _forecast_of(one: Costly, asked: DeskAsked, now_ns: int) -> Forecast | None:
    """The forecast of a series the book does not hold; None where it has none."""
    from perpbook.funding.forecast import forecast

    assert one.history is not None
    try:
        return forecast(
            one.history, horizon_ns=asked.horizon_ns, now_ns=now_ns, level=asked.level, model=asked.model, venue=one.venue,
            symbol=one.symbol, terms=one.terms,
        )  # fmt: skip
    except DataError:
        return None


def funding_terms(venue: str) -> FundingTerms | None:
    """A venue's funding rules as they are today, None for a venue without terms."""
    from perpbook.runs.places import terms_folders
    from perpbook.terms.load import load_terms

    try:
        return load_terms(venue, folders=terms_folders()).funding
    except TermsError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoresAsked:
    """Whose forecasts are scored: `symbols` are coins or BASE-QUOTE, none for all of a year or more; `venues` none for all."""

    symbols: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    horizons_ns: tuple[int, ...] = HORIZONS_NS
    level: float = 0.9


def run_scores(folder: Path, asked: ScoresAsked, tell: Tell = silent) -> tuple[Scores, ...]:
    """Walk every series that was asked for, and score each model on it.

    Raises
    ------
    InputError : a level or horizon that is none.
    MissingData : the lake has no such funding, or too little of it.
    """
    from perpbook.funding.scores import scores_of
    from perpbook.funding.walk_forward import walks
    from perpbook.history.lake import Lake
    from perpbook.history.load import read_settlements

    if not 0.0 < asked.level < 1.0 or any(horizon <= 0 for horizon in asked.horizons_ns):
        raise InputError("scores need a level between 0 and 1 and horizons above 0")
    lake = Lake(folder)
    chosen = [one for one in lake.held("funding") if _is_asked(one, asked)]
    out: list[Scores] = []
    for number, one in enumerate(chosen):
        tell(f"walking {one.id.venue} {one.id.symbol}", number, len(chosen))
        made = walks(read_settlements(lake, one), asked.horizons_ns, funding_terms(one.id.venue))
        found = (scores_of(walk, level=asked.level, who=(one.id.venue, one.id.symbol)) for walk in made)
        out += [replace(scores, simulated=one.simulated) for scores in found if scores is not None]
    if not out:
        raise MissingData(
            f"the lake at {lake.root} has no funding to score: {len(chosen)} series fit what was asked; import more with "
            "`perpbook data import`, or name coins and venues it has (`perpbook data status --kind funding`)"
        )
    return tuple(out)


def _is_asked(one: Held, asked: ScoresAsked) -> bool:
    if asked.venues and one.id.venue not in asked.venues:
        return False
    if asked.symbols:
        return one.id.symbol in asked.symbols or one.id.symbol.split("-")[0] in asked.symbols
    return one.end_ns - one.first_ns >= LONG_NS


def write_page(desk: FundingDesk, path: Path) -> None:
    """The desk as one self-contained page."""
    from perpbook import __version__
    from perpbook.report.funding_page import funding_page
    from perpbook.runs.drill_page import write_page as write

    write(path, funding_page(desk, __version__))
