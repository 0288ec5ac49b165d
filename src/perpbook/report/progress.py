"""A progress bar on stderr; nothing when nobody would see it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(title: str, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A callable (step, number, of how many) that moves the bar."""
    if quiet or not sys.stderr.isatty():
        yield lambda step, number, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = TextColumn(title), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    left = TextColumn("left"), TimeRemainingColumn(compact=True)
    with Progress(*columns, *left, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=1)

        def step(name: str, number: int, total: int) -> None:
            shown.update(task, description=name, completed=number, total=total)

        yield step
