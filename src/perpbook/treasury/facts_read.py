"""Parts of facts as they stand in a file: times, fees, limits, gas, health, sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

from perpbook.scenario.table_reader import Table, nearest
from perpbook.treasury.facts import PERCENTS, Cap, Fee, Gas, Health, SharedCap, Times, Witness

CONFIDENCE = ("low", "medium", "high")
POINTS = ("least", "typical", "p90", "worst")
NEEDED = ("least", "typical", "worst")


def read_points(table: Table) -> Mapping[str, float] | None:
    """What is known of a time, seconds, by its points; empty for nothing, None where that is not even said, or is wrong."""
    found = table.table("seconds")
    if found is None:
        if "seconds" not in table.found:
            table.fault(
                "seconds", "is missing", "write seconds = { least = …, typical = …, worst = … }, {} for not known"
            )
        return None
    before = len(found.faults)
    points = {name: value for name in POINTS if (value := amount(found, name)) is not None}
    end(found)
    if list(points.values()) != sorted(points.values()):
        table.fault("seconds", "should rise: least, typical, p90, worst", "put them in order", show=True)
    return points if len(found.faults) == before else None


def times_of(points: Mapping[str, float]) -> Times | None:
    """The times, None where too little is known for a law."""
    if not all(name in points for name in NEEDED):
        return None
    return Times(least=points["least"], typical=points["typical"], worst=points["worst"], p90=points.get("p90"))


def read_pair(table: Table, name: str) -> tuple[float, float] | None:
    """(typical, worst), the second the first where it is not known."""
    found = table.table(name)
    if found is None:
        return None
    typical = found.number("typical", least=0.0)
    worst = found.number("worst", typical, least=0.0)
    end(found)
    return typical, worst


def read_day(table: Table, name: str) -> str:
    """A day as 2026-11-22, "" where it is not written."""
    value = table.found.get(name, "") if table.has(name) else ""
    if value == "" or (isinstance(value, date) and not isinstance(value, datetime)):
        return str(value)
    table.fault(name, "should be a day", "write it as 2026-11-22, without quotes", show=True)
    return ""


def read_fee(table: Table) -> Fee:
    """[…fee], nothing known where it is not written."""
    found = table.table("fee")
    if found is None:
        return Fee()
    native = found.table("native")
    out = Fee(
        dollars=amount(found, "dollars"),
        bps=amount(found, "bps"),
        plus=found.text("plus", ""),
        native={coin: native.number(coin, least=0.0) for coin in native.found} if native else {},
    )
    end(found)
    return out


def read_cap(table: Table) -> Cap:
    """[…amount], no limit known where it is not written."""
    found = table.table("amount")
    if found is None:
        return Cap()
    out = Cap(
        least=found.number("least", 0.0, least=0.0),
        most=amount(found, "most"),
        note=found.text("note", ""),
        shared=tuple(_shared(one) for one in found.tables("shared")),
    )
    end(found)
    return out


def _shared(table: Table) -> SharedCap:
    out = SharedCap(
        pool=table.text("pool"),
        seconds=amount(table, "seconds"),
        fraction=fraction(table, "fraction"),
        dollars=amount(table, "dollars"),
    )
    end(table)
    return out


def read_gas(table: Table) -> Gas | None:
    """[…gas], None where it is not written."""
    found = table.table("gas")
    if found is None:
        return None
    out = Gas(
        token=found.text("token", ""),
        gwei=read_gwei(found),
        window=found.text("window", ""),
        units=read_units(found),
        exit=found.names("exit"),
        plus=found.text("plus", ""),
        free=found.flag("free"),
    )
    if not out.free and not out.token:
        found.fault("token", "is missing", "write the coin that gas is paid in, or free = true")
    end(found)
    return out


def read_gwei(table: Table) -> dict[str, float]:
    """Base fee by percentile, which rise."""
    found = table.table("gwei")
    if found is None:
        return {}
    out = {name: value for name in (*PERCENTS, "max") if (value := amount(found, name)) is not None}
    if list(out.values()) != sorted(out.values()):
        table.fault("gwei", "should rise from p10 to max", "put them in order", show=True)
    end(found)
    return out


def read_units(table: Table) -> dict[str, float]:
    """Units of gas by action, whose names are free."""
    found = table.table("units")
    return {name: found.number(name, least=0.0) for name in found.found} if found else {}


def read_health(table: Table) -> Health:
    """[…health], nothing known where it is not written."""
    found = table.table("health")
    if found is None:
        return Health()
    out = Health(
        warn_seconds=amount(found, "warn_seconds"),
        crit_seconds=amount(found, "crit_seconds"),
        feed=found.text("feed", ""),
        grace_seconds=amount(found, "grace_seconds"),
        status_page=found.text("status_page", ""),
        batches=found.text("batches", ""),
        proofs=found.text("proofs", ""),
        reads=found.names("reads"),
    )
    if out.warn_seconds is not None and out.crit_seconds is not None and out.warn_seconds > out.crit_seconds:
        found.fault("warn_seconds", "is above crit_seconds", "warn first", show=True)
    end(found)
    return out


def read_witness(table: Table, known: Collection[str]) -> Witness:
    """Where figures are from; sources are among `known`."""
    sources = table.names("sources")
    for one in sources:
        if one not in known:
            table.fault("sources", f'"{one}" is not among [sources]', nearest(one, tuple(known)))
    return Witness(
        confidence=table.choice("confidence", CONFIDENCE),
        sources=sources,
        unverified=table.names("unverified"),
        note=table.text("note", ""),
    )


def amount(table: Table, name: str) -> float | None:
    """A number of 0 or more, None where it is not written."""
    return table.number(name, least=0.0) if table.has(name) else None


def fraction(table: Table, name: str) -> float | None:
    """A number from 0 to 1, None where it is not written."""
    return table.number(name, least=0.0, most=1.0) if table.has(name) else None


def end(table: Table) -> None:
    """Complain of every key that nothing reads."""
    table.end("facts")
