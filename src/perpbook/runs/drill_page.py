"""Writing a drill's page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled


def write_drill(drilled: Drilled, path: Path) -> None:
    """Write it; InputError when the file cannot be written."""
    from perpbook.report.drill_page import drill_page

    try:
        path.write_text(drill_page(drilled), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the page cannot be written: {error}; name another file") from error
