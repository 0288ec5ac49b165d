"""A user's file as text, or one clear error."""

from __future__ import annotations

from pathlib import Path

from perpbook.errors import Problem


def read_text(path: Path, what: str) -> str | Problem:
    """The text of a UTF-8 file, or the one thing wrong with it. `what` names the kind of file ("playbook")."""

    def problem(message: str, hint: str) -> Problem:
        return Problem(file=str(path), message=message, hint=hint)

    try:
        raw = path.read_bytes()
    except IsADirectoryError:
        inside = path / f"{what}.toml"
        named = f": {inside}" if inside.is_file() else ""
        return problem(f"is a folder, not a {what} file", f"name the file inside it{named}")
    except FileNotFoundError:
        return problem("there is no such file", f"check the path, or make a {what} with `perpbook init`")
    except OSError as error:
        return problem(f"cannot be read: {error.strerror or error}", "check the file's permissions")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return problem(f"is not UTF-8 text (byte {error.start + 1}, line {line})", "save it again with UTF-8 encoding")
