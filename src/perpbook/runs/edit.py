"""`playbook edit`: change one value of a playbook file, all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import PlaybookError, Problem
from perpbook.files.read import read_text

if TYPE_CHECKING:
    from perpbook.playbook.diff import Change


def edit_playbook(path: Path, key: str, value: str) -> tuple[Change, ...]:
    """Set a key (or remove it with "unset") and say what that changes in meaning; the file is written only if it loads.

    Raises
    ------
    PlaybookError : the file, the key or the value is wrong; nothing was written.
    """
    from perpbook.playbook.diff import diff
    from perpbook.playbook.edit import edit
    from perpbook.playbook.load import parse_playbook

    text = read_text(path, "playbook")
    if isinstance(text, Problem):
        raise PlaybookError("the playbook cannot be read", [text])
    before = parse_playbook(text, str(path))
    changed = edit(text, key, value, file=str(path))
    written = path.with_name(f".{path.name}.new")
    try:
        written.write_text(changed, encoding="utf-8")
        written.replace(path)
    except OSError as error:
        problem = Problem(file=str(path), message=f"cannot be written: {error.strerror or error}")
        raise PlaybookError("nothing was changed", [problem]) from error
    return diff(before, parse_playbook(changed, str(path)))
