"""Channels over real HTTP: a signature that a receiver can check, failures that say why and nothing secret."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from perpbook.alerts.channels import Console, Sent, Webhook
from perpbook.alerts.held import Delivery, Part, What
from perpbook.alerts.opening import open_channel
from perpbook.alerts.secret import Secret, secret_in
from perpbook.alerts.text import document_of
from perpbook.errors import InputError
from perpbook.model.units import SECOND_NS
from perpbook.playbook.alerts_section import Alerts
from tests.alerting import START, alert

KEY = "a key that nobody may see"


class Receiver:
    """Somebody's webhook. `answers` : (status, headers) that come first."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        receiver = self

        class Said(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Said)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook/very-secret-path"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def delivery(**parts: Any) -> Delivery:
    part = Part(id="x", episode=1, what=What.NEW, alert=alert(account="hl", measured=3.2, limit=3.0, unit="x", **parts))
    return Delivery(channel="hook", what=What.NEW, parts=(part,), silent=False, at_ns=START)


def send(url: str, *deliveries: Delivery) -> list[Sent]:
    async def work() -> list[Sent]:
        hook = Webhook(Secret(url), Secret(KEY), now=lambda: START)
        try:
            return [await hook.send(one) for one in deliveries]
        finally:
            await hook.close()

    return asyncio.run(work())


def test_a_receiver_can_check_who_sent_it_and_when(receiver: Receiver) -> None:
    assert all(one.ok for one in send(receiver.url, delivery(), delivery()))
    (first, body), (second, _) = receiver.got
    signed = f"{first['X-Perpbook-Timestamp']}.{first['X-Perpbook-Nonce']}.".encode() + body
    assert first["X-Perpbook-Signature"] == "sha256=" + hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    assert first["X-Perpbook-Timestamp"] == str(START // SECOND_NS)
    assert first["X-Perpbook-Nonce"] != second["X-Perpbook-Nonce"]


def test_what_is_sent_is_plain_data_and_the_same_message_has_the_same_id(receiver: Receiver) -> None:
    send(receiver.url, delivery(), delivery())
    first, second = (json.loads(body) for _, body in receiver.got)
    again = replace(delivery(), parts=(replace(delivery().parts[0], after_ns=START),), at_ns=START + 1)
    assert document_of(replace(delivery(), at_ns=START + 1))["id"] == first["id"] != document_of(again)["id"]
    assert first == second and first["schema"] == "alert/1" and first["alerts"][0]["severity"] == "page"
    assert first["alerts"][0]["key"] == "rule.leverage.asset,hl" and first["alerts"][0]["measured"] == 3.2


@pytest.mark.parametrize("status", [301, 302, 400, 401, 429, 500])
def test_anything_but_2xx_is_a_failure_that_names_the_host_and_no_more(receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {"Location": receiver.url + "/elsewhere"})]
    (sent,) = send(receiver.url, delivery())
    assert not sent.ok and f"HTTP {status}" in sent.why and "secret" not in sent.why and len(receiver.got) == 1


def test_a_receiver_that_is_away_is_a_failure() -> None:
    (sent,) = send("http://127.0.0.1:9/hook/very-secret-path", delivery())
    assert not sent.ok and "cannot be reached" in sent.why and "secret" not in sent.why


@pytest.mark.parametrize(
    "url", ["http://example.org/x-secret", "ftp://x-secret", "x-secret", "", "https://", "http://[::x-secret"]
)
def test_only_https_or_this_machine_is_spoken_to(url: str) -> None:
    with pytest.raises(InputError) as error:
        Webhook(Secret(url), Secret(KEY))
    assert "x-secret" not in str(error.value)


def test_the_console_says_what_it_is_about_and_how_to_acknowledge_it() -> None:
    said: list[str] = []
    assert asyncio.run(Console(said.append).send(delivery())).ok
    assert said[0].startswith("PAGE rule.leverage.asset hl\n") and "alerts ack 'rule.leverage.asset,hl'" in said[0]
    assert "measured 3.2x, limit 3x" in said[0]


def rules(**channels: str) -> Alerts:
    return Alerts(channels=channels, telegram_users=(7,))


@pytest.mark.parametrize(
    ("place", "environment", "why"),
    [
        ("webhook:HOOK", {}, "export HOOK="),
        ("webhook:HOOK", {"HOOK": "https://h/x"}, "export HOOK_SECRET="),
        ("telegram:BOT", {"BOT": " "}, "the token of channel a is not set"),
        ("telegram:BOT", {"BOT_FILE": "/nowhere/at/all"}, "the file of BOT_FILE cannot be read"),
    ],
)
def test_what_a_channel_lacks_is_told_by_its_name(
    tmp_path: Path, place: str, environment: dict[str, str], why: str
) -> None:
    with pytest.raises(InputError) as error:
        open_channel("a", rules(a=place), environment, folder=tmp_path, write=print)
    assert why in str(error.value) and "very-secret" not in str(error.value)


def test_a_secret_may_stand_in_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("very-secret\n")
    file.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        secret_in("BOT", {"BOT_FILE": str(file)}, "the token")
    file.chmod(0o600)
    found = secret_in("BOT", {"BOT_FILE": str(file)}, "the token")
    assert found.reveal() == "very-secret" and repr(found) == str(found) == f"{found}" == "***"


def test_without_apprise_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(InputError, match=r"pip install 'perpbook\[alerts\]'"):
        open_channel("a", rules(a="apprise:FAN"), {"FAN": "json://localhost"}, folder=tmp_path, write=print)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_apprise_reaches_what_it_knows_and_says_when_it_did_not(receiver: Receiver, tmp_path: Path) -> None:
    pytest.importorskip("apprise", reason="the extra `alerts` is not installed")
    where = receiver.url.replace("http://", "json://")
    receiver.answers = [(200, {}), (500, {})]
    channel = open_channel("a", rules(a="apprise:FAN"), {"FAN": where}, folder=tmp_path, write=print)
    assert [asyncio.run(channel.send(delivery())).ok for _ in range(2)] == [True, False]
    with pytest.raises(InputError, match="the address of channel a is none that apprise knows"):
        open_channel("a", rules(a="apprise:FAN"), {"FAN": "nonsense"}, folder=tmp_path, write=print)
    assert json.loads(receiver.got[0][1])["title"] == "PAGE rule.leverage.asset hl"
