"""`perpbook.backtest(...)`: a backtest from Python, its results as data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perpbook.engine.result import BacktestResult
    from perpbook.history.rows import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRun:
    """What a backtest found. `result` has every run and number; the frames are of the run under the playbook, or of the
    control run where there is no playbook."""

    result: BacktestResult

    @property
    def equity(self) -> Frame:
        """Equity by account and of the book at every close."""
        from perpbook.report.run_frames import curve_frame

        return curve_frame(self.result.main)

    @property
    def events(self) -> Frame:
        """Everything that happened, funding included."""
        from perpbook.report.run_frames import events_frame

        return events_frame(self.result.main)

    @property
    def attribution(self) -> Frame:
        """Dollars by account, contract and kind."""
        from perpbook.report.run_frames import attribution_frame

        return attribution_frame(self.result.main)

    def to_html(self, path: str | Path) -> None:
        """Write the report as one self-contained page."""
        from perpbook.runs.backtest_page import write_page

        write_page(self.result, Path(path))

    def __repr__(self) -> str:
        from io import StringIO

        from rich.console import Console

        from perpbook.report.run_text import tell_backtest

        out = StringIO()
        tell_backtest(Console(file=out, width=100, highlight=False, emoji=False, markup=False), self.result)
        return out.getvalue().rstrip()

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


def backtest(
    book: str | Path,
    playbook: str | Path | None = None,
    *,
    start: str | None = None,
    end: str | None = None,
    bar: str = "1h",
    legs: Sequence[str] = (),
    strategy: str | None = None,
    options: Mapping[str, str] | None = None,
    **more: Any,
) -> BacktestRun:
    """Run a backtest, as `perpbook backtest run` does.

    `start` and `end` are ISO times, `legs` are `account:symbol`. `more` takes the command's other options by name:
    `targets`, `own`, `every`, `proxies`, `funding` (mappings), `lake`, `accept`, `latency`, `half_spread`, `impact`,
    `fee_tier`, `seed`.

    Raises
    ------
    InputError : a file or option is wrong.
    DataError : history is missing or unfit.
    """
    from perpbook.runs.asked import asked_from

    given: dict[str, Any] = {
        "book": Path(book),
        "playbook": Path(playbook) if playbook else None,
        "start": start,
        "end": end,
    }
    given |= {"bar": bar, "legs": tuple(legs), "strategy": strategy, "options": dict(options or {}), **more}
    from perpbook.runs.backtest import run_backtest

    return BacktestRun(result=run_backtest(asked_from(given)))
