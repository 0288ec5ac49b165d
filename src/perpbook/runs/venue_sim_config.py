"""A guard's configuration for venues that are served here: their addresses, and their made-up keys in files beside it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from perpbook.errors import InputError

HEAD = "# Written by perpbook venue-sim: simulated venues on this machine, keys that are made up."


def write_config(path: Path, venues: list[dict[str, Any]]) -> None:
    """Write it, and the keys. venues : as `told` has them.

    Raises
    ------
    InputError : another file is there, or it cannot be written.
    """
    lines = [HEAD, 'mode = "live"']
    try:
        refuse_others(path)
        for venue in venues:
            for one in venue["accounts"]:
                key = path.with_name(re.sub(r"[^\w.-]", "_", f"{path.stem}-{one['account']}.key")).absolute()
                write_key(key, one["made_up_secret"])
                told = {
                    "venue": venue["venue"],
                    "address": one["made_up_public"],
                    "key": f"file:{key}",
                    "endpoint": venue["url"],
                }
                lines += [
                    "",
                    f"[accounts.{json.dumps(one['account'])}]",
                    *(f"{k} = {json.dumps(v)}" for k, v in told.items()),
                ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def refuse_others(path: Path) -> None:
    """Raise InputError where a file is there that was not written here: it may be a real account's."""
    if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(HEAD):
        raise InputError(f"{path} is there and was not written by venue-sim: it is left as it is; name another file")


def write_key(path: Path, secret: str) -> None:
    """A key that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(secret)
