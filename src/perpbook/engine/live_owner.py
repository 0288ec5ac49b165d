"""One guard for an account: a lock that the system lets go of when its process ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from perpbook.errors import Refused


@contextmanager
def owned(folder: Path, accounts: Iterable[str]) -> Iterator[None]:
    """Own these accounts while inside; raises Refused where another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for account in sorted(accounts):
            file = stack.enter_context((folder / f"{account.encode().hex()}.lock").open("a+", encoding="utf-8"))
            _lock(file, account)
            file.seek(0)
            file.truncate()
            file.write(f"{os.getpid()}\n")
            file.flush()
        yield


def _lock(file: IO[str], account: str) -> None:
    try:
        import fcntl
    except ImportError:
        raise Refused(
            "this system has no file locks, so nothing keeps a second guard away: run the guard on Linux or macOS"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        raise Refused(f"account {account} is guarded by another process ({owner}): stop that one first") from None


def is_owned(folder: Path, account: str) -> bool:
    """Whether a process owns an account now."""
    import fcntl

    path = folder / f"{account.encode().hex()}.lock"
    if not path.is_file():
        return False
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False
