"""`init`: a folder with a book and a playbook to start from."""

from __future__ import annotations

from pathlib import Path

from perpbook.errors import InputError
from perpbook.examples.catalogue import book_file, playbook_file


def start_folder(folder: Path, example: str, *, force: bool) -> tuple[Path, ...]:
    """Write `book.toml` and `playbook.toml`; refuses to overwrite unless `force`. Nothing or both are written."""
    pairs = {folder / "book.toml": book_file(example), folder / "playbook.toml": playbook_file(example, "conservative")}
    taken = [path for path in pairs if path.exists()]
    if taken and not force:
        raise InputError(f"{taken[0]} is there already: choose another folder, or overwrite it with --force")
    texts = {path: source.read_text(encoding="utf-8") for path, source in pairs.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror or error}; choose another folder") from error
    return tuple(texts)
