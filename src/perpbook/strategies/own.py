"""A strategy of the trader's own, found by `path/to/file.py:function` or `module:function`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType, TracebackType

from perpbook.errors import PerpbookError, StrategyError
from perpbook.strategies.legs import nearest
from perpbook.strategies.protocol import Strategy

WRITE = "write path/to/file.py:function or module:function"


class BlameStrategy:
    """Runs the trader's code: whatever it raises becomes a StrategyError with its file, line and `when`."""

    def __init__(self, when: str) -> None:
        self.when = when

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception | SystemExit) or isinstance(error, PerpbookError):
            return
        raise StrategyError(f"{self.when}: {_told(error, trace)}") from error


def load_callable(name: str) -> Strategy:
    """The function `name` points at. Importing its file runs the file.

    A file's folder, or the working folder for a module, is put last among the places imports are looked for.

    Raises
    ------
    StrategyError : it cannot be found or loaded, or does not take (view, orders).
    """
    where, colon, function = name.rpartition(":")
    if not colon or not where or not function:
        raise StrategyError(f'strategy "{name}" names no function: {WRITE}')
    module = _from_file(Path(where)) if where.endswith(".py") or "/" in where or "\\" in where else _from_name(where)
    found = getattr(module, function, None)
    if found is None:
        known = [one for one, value in vars(module).items() if inspect.isfunction(value) and not one.startswith("_")]
        raise StrategyError(f'{where} has no function "{function}": {nearest(function, known)}')
    if not callable(found) or inspect.isclass(found):
        raise StrategyError(f'"{function}" in {where} is not a function: {WRITE}')
    try:
        inspect.signature(found).bind(None, None)
    except TypeError as error:
        raise StrategyError(f'"{function}" in {where} must take two arguments, (view, orders): {error}') from None
    strategy: Strategy = found
    return strategy


def _from_file(path: Path) -> ModuleType:
    if path.is_dir():
        raise StrategyError(f"{path} is a folder: name the Python file in it, as in {path / 'strategy.py'}:function")
    if not path.is_file():
        raise StrategyError(f"{path}: there is no such file; {WRITE}")
    spec = importlib.util.spec_from_file_location(f"strategy_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise StrategyError(f"{path} is not a Python file: its name must end in .py")
    _look_in(path.resolve().parent)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with BlameStrategy(f"{path} cannot be loaded"):
        spec.loader.exec_module(module)
    return module


def _from_name(name: str) -> ModuleType:
    _look_in(Path.cwd())
    with BlameStrategy(f"module {name} cannot be loaded"):
        try:
            there = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            there = None
    if there is None:
        raise StrategyError(f'there is no module "{name}" here or among the installed ones: {WRITE}')
    with BlameStrategy(f"module {name} cannot be loaded"):
        return importlib.import_module(name)


def _look_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _told(error: BaseException, trace: TracebackType | None) -> str:
    """An error of the trader's code in one line: its kind, its words, and the last line that raised it."""
    if isinstance(error, SyntaxError):
        return f"{error.msg} (line {error.lineno})"
    frames = traceback.extract_tb(trace)
    at = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{at}"
