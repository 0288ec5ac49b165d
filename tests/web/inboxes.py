"""A guard's journal with something of everything, a server over it on a free port, a client that is no browser."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from perpbook.dialects.server import made_server
from perpbook.engine.clock import now_ns
from perpbook.engine.live_owner import owned
from perpbook.files.plain import plain
from perpbook.guard.desk import fold
from perpbook.guard.guard import Guard
from perpbook.guard.view import Decision
from perpbook.journal.database import open_journal
from perpbook.model.action import ActionKind, Leg, Proposal, RiskView
from perpbook.model.effect import Write
from perpbook.model.record import Record, RecordKind
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.guard_words import read_word
from perpbook.web.server import Web, WebAsked, prepare
from tests.laws.guarded import SETTINGS

HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"</script>"
"""What a book may name an account."""
CALM = RiskView(
    equity=61_240.0, effective=8.0, margin_ratio=0.41, liquidation_move=-0.1, broken=("leverage.account.effective",)
)
SAFE = RiskView(equity=61_190.0, effective=4.0, margin_ratio=0.2, liquidation_move=-0.2)


def places_in(folder: Path) -> GuardPlaces:
    return GuardPlaces(folder=folder / "guards" / "guard", journal=str(folder / "journal.db"))


def a_proposal(rule: str = "leverage.account.effective", seconds: float = 600.0, account: str = "main") -> Proposal:
    now = now_ns()
    leg = Leg(
        account=account, venue="hyperliquid", symbol="ETH", quantity=-2.0, held=5.0, limit_price=2_985.0, mid_price=3_000.0
    )  # fmt: skip
    return Proposal(
        kind=ActionKind.TRIM, rule=rule, reason=f"{account} is at 8.00x, above 5x.", legs=(leg,), created_ns=now,
        expires_ns=now + int(seconds * 1e9), cost_max=60.0, collar=0.005, before=CALM, after=SAFE,
        playbook="p" * 64, terms="t" * 64,
    )  # fmt: skip


def append(places: GuardPlaces, *records: tuple[RecordKind, Mapping[str, object]]) -> None:
    journal = open_journal(places.journal)
    for kind, body in records:
        journal.append(Record(kind=kind, at_ns=now_ns(), body=plain(body)))
    journal.close()


def proposed(proposal: Proposal) -> tuple[RecordKind, dict[str, object]]:
    return RecordKind.PROPOSED, {"digest": proposal.digest, "proposal": proposal}


def alert(kind: str, severity: str, sentence: str, account: str = "", symbol: str = "") -> dict[str, object]:
    said = {
        "kind": kind, "severity": severity, "at_ns": now_ns(), "sentence": sentence, "account": account, "symbol": symbol,
        "proposal": "", "resolved": False,
    }  # fmt: skip
    return {"alert": said, "stands": True}


def fill(places: GuardPlaces, *proposals: Proposal) -> None:
    """A journal of a guard of two accounts, one of them named by an enemy."""
    append(
        places,
        (RecordKind.RUN, {"playbook": "p", "terms": "t", "accounts": {"main": "hyperliquid", HOSTILE: "hyperliquid"}}),
        (RecordKind.SEEN, {"account": "main", "positions": {"ETH": 5.0}, "digest": ""}),
        (RecordKind.SEEN, {"account": HOSTILE, "positions": {}, "digest": ""}),
        (RecordKind.INCIDENT, {"key": "late.1", "account": HOSTILE, "why": "an order traded late", "digest": ""}),
        (RecordKind.ALERT, alert("stale.feed", "warn", "hyperliquid books is silent", symbol="hyperliquid")),
        *(proposed(one) for one in proposals),
    )


@dataclass(slots=True)
class Client:
    """Asks over HTTP. headers : sent with everything."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, document, headers. A header of None is left out."""
        data = json.dumps(body).encode() if body is not None else None
        given = {"Host": f"127.0.0.1:{self.port}", **({"Content-Type": "application/json"} if data else {})}
        sent = {
            name: value for name, value in {**given, **self.headers, **(headers or {})}.items() if value is not None
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Content-Length": str(len(data or b"")), **sent}.items():
            connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        text = ""
        with contextlib.suppress(ConnectionResetError):  # a refused body is not read: what says so may be cut short
            text = answer.read().decode()
        connection.close()
        is_json = answer.headers.get_content_type() == "application/json"
        return (
            answer.status,
            json.loads(text) if is_json and text else text,
            {k.lower(): v for k, v in answer.getheaders()},
        )

    def get(self, path: str, **headers: str | None) -> tuple[int, Any, dict[str, str]]:
        return self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, body: object = None, **headers: str | None) -> tuple[int, Any, dict[str, str]]:
        return self.ask(
            "POST", path, {} if body is None else body, {k.replace("_", "-"): v for k, v in headers.items()}
        )


@dataclass(slots=True)
class Served:
    """A running server. stranger : a client that is not logged in; `clock` : nanoseconds that its doors are ahead."""

    web: Web
    port: int
    ahead: list[int]

    @property
    def stranger(self) -> Client:
        return Client(self.port)

    @property
    def program(self) -> Client:
        """With the token of programs."""
        return Client(self.port, {"Authorization": f"Bearer {self.web.token_file.read_text()}"})

    def person(self) -> Client:
        """Logged in by the link, as the page does."""
        status, found, headers = self.stranger.post("/api/login", {"secret": self.web.login.split("=")[1]})
        assert status == 200, found
        cookie = headers["set-cookie"].split(";")[0]
        return Client(self.port, {"Cookie": cookie, "X-Perpbook-Token": found["data"]["token"]})


@contextlib.contextmanager
def served(places: GuardPlaces, *, allow_actions: bool = True) -> Iterator[Served]:
    """A server of a guard's inbox, stopped at the end."""
    ahead = [0]
    web = prepare(WebAsked(places=places, allow_actions=allow_actions), lambda: now_ns() + ahead[0])
    server = made_server(web.app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [web.listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield Served(web=web, port=web.listening.getsockname()[1], ahead=ahead)
    finally:
        server.should_exit = True
        thread.join(10.0)
        web.close()


@contextlib.contextmanager
def a_guard(places: GuardPlaces, *, arming: bool = False) -> Iterator[None]:
    """The guard's core over the journal, which hears words until the end; it has no venue."""
    ready, end = threading.Event(), threading.Event()
    thread = threading.Thread(target=hear, args=(places, arming, ready, end), daemon=True)
    thread.start()
    assert ready.wait(20.0)
    try:
        yield
    finally:
        end.set()
        thread.join(10.0)


def hear(places: GuardPlaces, arming: bool, ready: threading.Event, end: threading.Event) -> None:
    settings = replace(SETTINGS, arming=arming, playbook="p" * 64, terms="t" * 64)
    with owned(places.locks, ["main"]), contextlib.closing(open_journal(places.journal)) as journal:
        guard = Guard(fold(record for _, record in journal.read()), settings, lambda _: Decision(before=CALM))
        ready.set()
        while not end.wait(0.02):
            for path in sorted(places.words.glob("*.word")):
                for effect in guard.receive(replace(read_word(path), received_ns=now_ns())):
                    if isinstance(effect, Write):
                        journal.append(effect.record)
                path.unlink()
