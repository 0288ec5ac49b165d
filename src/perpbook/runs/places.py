"""Where files are: the home folder, the user's own terms, the playbook beside a book."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`$PERPBOOK_HOME`, else the user's own data folder."""
    chosen = os.environ.get("PERPBOOK_HOME")
    if chosen:
        return Path(chosen)
    from platformdirs import user_data_path

    return user_data_path("perpbook")


def terms_folders() -> tuple[Path, ...]:
    """Folders of terms files that stand beside the package's own."""
    return (home() / "terms",)


def playbook_beside(book: Path) -> Path | None:
    """`playbook.toml` in the book's folder, when there is one."""
    found = book.parent / "playbook.toml"
    return found if found.is_file() else None


def lake_folder() -> Path:
    """`$PERPBOOK_DATA_LAKE`, else `lake` in the home folder."""
    chosen = os.environ.get("PERPBOOK_DATA_LAKE")
    return Path(chosen) if chosen else home() / "lake"


def drills_folder() -> Path:
    """`$PERPBOOK_DRILLS`, else `drills` in the home folder: the shelf of drills done on schedule."""
    chosen = os.environ.get("PERPBOOK_DRILLS")
    return Path(chosen) if chosen else home() / "drills"


def alerts_place() -> str:
    """`$PERPBOOK_ALERTS` (a path, or a PostgreSQL URL), else `alerts.db` in the home folder: the journal of what was told."""
    return os.environ.get("PERPBOOK_ALERTS") or str(home() / "alerts.db")


def journal_place() -> str:
    """`$PERPBOOK_JOURNAL` (a path, or a PostgreSQL URL), else `journal.db` in the home folder."""
    return os.environ.get("PERPBOOK_JOURNAL") or str(home() / "journal.db")
