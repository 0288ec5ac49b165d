"""Writing the pages of drills, maps and overlays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled, SurvivalMap
    from perpbook.hedging.laying import Laying


def write_drill(drilled: Drilled, path: Path, survival: SurvivalMap | None = None) -> None:
    """Write it, with the map where there is one; InputError when the file cannot be written."""
    from perpbook.report.drill_page import drill_page

    write_page(path, drill_page(drilled, survival))


def write_map(survival: SurvivalMap, path: Path) -> None:
    """Write a map's own page; InputError when the file cannot be written."""
    from perpbook.report.map_page import map_page

    write_page(path, map_page(survival))


def write_overlay(laying: Laying, path: Path) -> None:
    """Write an overlay's page; InputError when the file cannot be written."""
    from perpbook import __version__
    from perpbook.report.overlay_page import overlay_page

    write_page(path, overlay_page(laying, __version__))


def write_page(path: Path, page: str) -> None:
    """Write a page; InputError when the file cannot be written."""
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the page cannot be written: {error}; name another file") from error
