"""The one door to Numba: `@kernel` compiles, or leaves plain Python, by one choice for the whole process.

A small book is assessed faster by the plain source than by importing the compiler, and the two give the same bits
(`tests/parity` holds them to it), so `prefer_plain()` may be called before the first kernel module is imported.
`PERPBOOK_KERNELS=plain|compiled` decides for everybody; `NUMBA_DISABLE_JIT=1` means plain.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])

_chosen: str | None = None

HOW = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
"""Every kernel: no fastmath, releases the GIL, no entry for C."""


def prefer_plain() -> None:
    """Run kernels as plain Python in this process, unless the environment says otherwise or one is already loaded."""
    global _chosen
    if _chosen is None:
        _chosen = _from_environment() or "plain"


def prefer_compiled() -> None:
    """Compile kernels in this process, unless the environment says otherwise or one is already loaded."""
    global _chosen
    if _chosen is None:
        _chosen = _from_environment() or "compiled"


def mode() -> str:
    """`"compiled"` or `"plain"`; asking settles it."""
    global _chosen
    if _chosen is None:
        _chosen = _from_environment() or "compiled"
    return _chosen


def _from_environment() -> str | None:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "plain"
    wanted = os.environ.get("PERPBOOK_KERNELS")
    return wanted if wanted in ("plain", "compiled") else None


def sources() -> str:
    """A name for the state of the kernels' sources. The compiler notices a changed file, but not that what it calls changed."""
    states = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(Path(__file__).parent.rglob("*.py"))
    ]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled kernels are kept: `$PERPBOOK_HOME/cache/kernels`, else the user's cache folder; one folder in it per
    state of the kernels' sources.

    A folder that cannot be written is replaced by a temporary one: slower at the next start, never an error.
    """
    home = os.environ.get("PERPBOOK_HOME")
    if home:
        folder = Path(home) / "cache" / "kernels" / sources()
    else:
        from platformdirs import user_cache_path

        folder = user_cache_path("perpbook") / "kernels" / sources()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="perpbook-kernels-"))


def kernel(function: Function) -> Function:
    """Compile with Numba (cached on disk, no fastmath, releases the GIL), or hand the function back in plain mode."""
    return _compiled(function, {})


def heavy(function: Function) -> Function:
    """A kernel whose work does not shrink with the book: compiled even where `prefer_plain` was said, plain only where the
    environment says so."""
    if _from_environment() == "plain":
        return function
    return _made(function, {})


def lean(function: Function) -> Function:
    """A kernel that makes no array of its own: compiled without reference counts.

    A call that passes a tuple of arrays counts every one of them in and out, which costs more than small kernels do; and
    counting is most of what there is to compile. The compiler refuses an array made inside.
    """
    return _compiled(function, {"_nrt": False})


def part(function: Function) -> Function:
    """A lean kernel that kernels call: linked into them, and neither kept nor made ready for Python, which is most of what
    there is to compile of a kernel that takes tuples of arrays. Called from Python it is compiled once more, as lean."""
    return function if mode() == "plain" else _linked(function, {})


def inlined(function: Function) -> Function:
    """A part that is written into its caller: for the loop over time, where a call would copy hundreds of words of
    tuples and cost more than the work itself. For kernels with one caller, or two."""
    return function if mode() == "plain" else _linked(function, {"forceinline": True})


def _compiled(function: Function, flags: dict[str, Any]) -> Function:
    return function if mode() == "plain" else _made(function, flags)


def _made(function: Function, flags: dict[str, Any]) -> Function:
    made: Any = _numba().njit(cache=True, **HOW, **flags)(function)
    made.__class__ = _dispatchers()[0]
    whole: Function = made
    return whole


def _linked(function: Function, flags: dict[str, Any]) -> Function:
    bare = {"no_cpython_wrapper": True, "_nrt": False}
    made: Any = _numba().njit(pipeline_class=_linker(), **HOW, **bare, **flags)(function)
    made.__class__ = _dispatchers()[1]
    linked: Function = made
    return linked


def _numba() -> Any:
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder()))
    import numba

    return numba


def _inside(module: str) -> Any:
    """A module of Numba's core, which has no types."""
    return import_module(f"numba.core.{module}")


@cache
def _dispatchers() -> tuple[Any, Any]:
    """Numba's dispatcher as kernels need it, of what Python calls and of parts.

    Both take constants for what they are worth: a kernel is not compiled anew for every code it is called with.
    """
    types: Any = _inside("types")
    dispatcher: Any = _inside("registry").CPUDispatcher

    class Whole(dispatcher):  # type: ignore[misc]
        def get_call_template(self, args: Any, kws: Any) -> Any:
            return super().get_call_template(
                tuple(map(types.unliteral, args)), {name: types.unliteral(one) for name, one in kws.items()}
            )

    class Part(Whole):
        def add_overload(self, found: Any) -> None:
            """Make it known to its callers; its name there is its descriptor, for it has no entry of its own."""
            found = found._replace(entry_point=found.fndesc)
            self.overloads[tuple(found.signature.args)] = found
            self.targetctx.insert_user_function(found.entry_point, found.fndesc, [found.library])

        def _compile_for_args(self, *args: Any, **kws: Any) -> Any:
            """What Python calls in its place, found at once the next time."""
            whole: Any = _whole(self.py_func)
            entry = whole._compile_for_args(*args, **kws)
            for found in whole.overloads.values():
                self._insert([one._code for one in found.signature.args], found.entry_point, False)
            return entry

    return Whole, Part


@cache
def _whole(function: Callable[..., object]) -> Callable[..., object]:
    """A part as Python may call it."""
    return _made(function, {"_nrt": False})


@cache
def _linker() -> Any:
    """Numba's compiler without its end: what it gives is linked, and made into machine code in what Python calls.

    What is written into its caller is optimized there and nowhere else.
    """
    library: Any = _inside("codegen").JITCodeLibrary
    compiler: Any = _inside("compiler").Compiler

    class Linked(library):  # type: ignore[misc]
        is_inlined = False

        def _optimize_final_module(self) -> None:
            if not self.is_inlined:
                super()._optimize_final_module()

        def _finalize_final_module(self) -> None:
            self._finalize_dynamic_globals()
            self._finalized = True

    class Linker(compiler):  # type: ignore[misc]
        def __init__(self, typing: Any, target: Any, _: Any, args: Any, returns: Any, flags: Any, names: Any) -> None:
            flags.no_compile = True
            linked: Any = Linked(target.codegen(), "part")
            linked.is_inlined = flags.forceinline
            super().__init__(typing, target, linked, args, returns, flags, names)

    return Linker
