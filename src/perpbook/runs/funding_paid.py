"""`perpbook funding paid`: what funding paid and received in a kept backtest, as its journal has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perpbook.errors import InputError
from perpbook.funding.paid import WINDOWS_DAYS
from perpbook.runs.backtest_keep import CURVE, EVENTS, read_kept

if TYPE_CHECKING:
    from perpbook.funding.paid import FundingPaid, Payment
    from perpbook.model.market import Snapshot
    from perpbook.playbook.schema import Playbook
    from perpbook.terms.terms import VenueTerms


def run_paid(
    folder: Path,
    book: Path,
    playbook: Path | None,
    terms_folders: tuple[Path, ...] = (),
    days: tuple[int, ...] = WINDOWS_DAYS,
) -> FundingPaid:
    """The funding of a kept run over its last `days`; `book` is the one it ran, which says where accounts are, and `playbook`
    names its sleeves.

    Raises
    ------
    InputError : the folder keeps no run, or the book has not its accounts.
    """
    from perpbook.funding.paid import funding_paid
    from perpbook.report.run_frames import read_curve, read_funding
    from perpbook.runs.check import load_all_terms, read_inputs

    kept = read_kept(folder)
    snapshot, rules = read_inputs(book, playbook, market=None, now_ns=None, terms_folders=terms_folders)
    terms = load_all_terms(snapshot, terms_folders)
    try:
        found, (times, equity) = read_funding(folder / EVENTS), read_curve(folder / CURVE)
    except OSError as error:
        raise InputError(f"{folder}: the run cannot be read ({error}): run the backtest again with --save") from error
    if not times.size:
        raise InputError(f"{folder}: the run ended before its first bar, so no funding was paid")
    payments = list(_payments(found, snapshot, rules, terms))
    return funding_paid(
        payments, times, equity, run=str(folder), simulated=bool(kept.get("facts", {}).get("simulated")), days=days
    )


def _payments(
    found: list[dict[str, Any]], snapshot: Snapshot, playbook: Playbook, terms: Mapping[str, VenueTerms]
) -> Iterator[Payment]:
    """Each settlement in dollars: a coin at the contract's price then, a stablecoin at par."""
    from perpbook.funding.paid import Payment
    from perpbook.model.market import STABLECOINS
    from perpbook.playbook.sleeves import sleeve_of_position

    accounts = {one.id: one for one in snapshot.book.accounts}
    for row in found:
        account = accounts.get(row["account"])
        contract = None if account is None else terms[account.venue].contracts.get(row["symbol"])
        if account is None or contract is None:
            raise InputError(
                f"the run paid funding on {row['symbol']} in {row['account']}, which the book has not: give the book of the run"
            )
        tags = next((one.tags for one in account.positions if one.symbol == row["symbol"]), ())
        number = sleeve_of_position(playbook, account.venue, row["symbol"], tags)
        yield Payment(
            time_ns=row["time_ns"], account=account.id, venue=account.venue, symbol=row["symbol"],
            asset=contract.contract.base,
            sleeve=playbook.capital.sleeves[number].name if playbook.capital and number >= 0 else "",
            cash=row["cash"] * (1.0 if row["asset"] in STABLECOINS else row["price"]),
        )  # fmt: skip
