"""`doctor`: what could be wrong with an installation."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "numpy", "numba", "scipy", "highspy", "pydantic", "typer", "rich", "tomlkit", "tree-sitter", "tree-sitter-toml",
    "platformdirs", "jinja2", "plotly", "polars", "croniter", "tzdata", "httpx", "sqlalchemy", "alembic", "fastapi",
    "uvicorn", "websockets",
)  # fmt: skip
"""What Perpbook does not work without."""
EXTRAS = {
    "live": (("ccxt", "picows", "msgspec"), "guard live accounts"),
    "sim": (("eth-account", "msgpack"), "serve venues with venue-sim"),
    "alerts": (("apprise",), "be told through services of apprise"),
    "keyring": (("keyring",), "keep keys in the system's keyring"),
    "postgres": (("psycopg",), "keep the journal in PostgreSQL"),
}
"""What each extra brings, and what for."""
OLD_TERMS_DAYS = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """One thing looked at. `needed` False: Perpbook works without it, only worse. `advice` when it is not fine."""

    name: str
    fine: bool
    found: str
    needed: bool = True
    advice: str = ""


def examine(now_ns: int) -> tuple[Symptom, ...]:
    """Everything worth looking at, in a fixed order."""
    return (_python(), *map(_package, PACKAGES), *map(_extra, EXTRAS), _bytecode(), _home(), _cache(), *_terms(now_ns))


def _python() -> Symptom:
    fine = sys.version_info >= (3, 11)
    return Symptom(
        name="python", fine=fine, found=platform.python_version(), advice="" if fine else "install 3.11 or newer"
    )


def _package(name: str) -> Symptom:
    try:
        return Symptom(name=name, fine=True, found=version(name))
    except PackageNotFoundError:
        return Symptom(name=name, fine=False, found="missing", advice="install perpbook again")


def _extra(name: str) -> Symptom:
    packages, purpose = EXTRAS[name]
    found = [_package(one) for one in packages]
    fine = all(one.fine for one in found)
    told = ", ".join(f"{one.name} {one.found}" for one in found)
    advice = "" if fine else f"to {purpose}: pip install 'perpbook[{name}]'"
    return Symptom(name=f"extra {name}", fine=fine, found=told, needed=False, advice=advice)


def _bytecode() -> Symptom:
    off = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    return Symptom(
        name="bytecode",
        fine=not off,
        found="off" if off else "on",
        needed=False,
        advice="unset PYTHONDONTWRITEBYTECODE: it makes every start slow" if off else "",
    )


def _home() -> Symptom:
    from perpbook.runs.places import home

    folder = home()
    there = folder if folder.exists() else folder.parent
    while not there.exists():
        there = there.parent
    fine = os.access(there, os.W_OK)
    advice = "" if fine else "set PERPBOOK_HOME to a folder you may write to"
    return Symptom(name="home", fine=fine, found=str(folder), needed=False, advice=advice)


def _cache() -> Symptom:
    from perpbook.kernels.jit import cache_folder

    folder = cache_folder()
    kept = sum(1 for _ in folder.rglob("*.nbi"))
    advice = "" if kept else "run perpbook warmup once; only books of more than 200 positions need it"
    return Symptom(name="kernels", fine=kept > 0, found=f"{kept} in {folder}", needed=False, advice=advice)


def _terms(now_ns: int) -> tuple[Symptom, ...]:
    from perpbook.runs.places import terms_folders
    from perpbook.terms.load import age_days, load_terms, venues

    out = []
    for venue in venues(terms_folders()):
        terms = load_terms(venue, folders=terms_folders())
        days = age_days(terms, now_ns)
        fine = days <= OLD_TERMS_DAYS
        advice = "" if fine else f"put newer figures into {terms_folders()[0]}"
        found = f"{terms.as_of}, {days:.0f} days old"
        out.append(Symptom(name=f"terms of {venue}", fine=fine, found=found, needed=False, advice=advice))
    return tuple(out)
