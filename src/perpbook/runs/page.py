"""A check as one self-contained page on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook import __version__
from perpbook.errors import InputError
from perpbook.runs.check import CheckResult

if TYPE_CHECKING:
    from perpbook.report.treasury_told import TreasuryTold


def write_page(result: CheckResult, path: Path, money: TreasuryTold | None = None) -> None:
    """Write the page, with where money stands; InputError when the path cannot be written."""
    from perpbook.report.html import render_html

    page = render_html(
        result.assessment,
        result.verdict,
        title=Path(result.assessment.book_source).name,
        playbook_name=result.playbook.name,
        version=__version__,
        near=result.playbook.near,
        treasury=money,
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: the report cannot be written: {error.strerror or error}; choose another --html"
        ) from error
