"""Buttons: what they carry, and what a press of one means. Pure: no network, no clock.

A button carries verb.nonce.mac. The nonce stands for one ask, kept by us: which proposal (or page), which user, until when. The
mac is HMAC-SHA256 over verb, nonce, subject, user and expiry. So a press counts once, in time, from the user it was made for,
and nothing of it can be altered.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from perpbook.alerts.secret import Secret

APPROVE, DENY, SEEN = "a", "d", "k"
DATA = re.compile(r"([adk])\.([A-Za-z0-9_-]{16})\.([0-9a-f]{40})")
"""62 letters at most; Telegram takes 64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One message with buttons. subject : a proposal's digest, or a page's id. nonces : by verb. chat, message : where it is."""

    subject: str
    user: int
    expires_ns: int
    nonces: dict[str, str]
    message: int = 0
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A press that counts. ended : every ask about its subject, which are no longer open."""

    ask: Ask
    verb: str
    ended: tuple[Ask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A press that does not, in words for whoever pressed and for the log."""

    why: str


@dataclass(slots=True)
class Asks:
    """What waits for a press."""

    open: list[Ask] = field(default_factory=list)

    def press(self, key: bytes, data: str, user: int, now_ns: int) -> Pressed | Refusal:
        """What a press means; one that counts ends every ask about its subject."""
        found = DATA.fullmatch(data)
        if found is None:
            return Refusal(why="this button is not ours")
        verb, nonce, mac = found.groups()
        ask = next((one for one in self.open if one.nonces.get(verb) == nonce), None)
        if ask is None:
            return Refusal(why="this was answered already, or is no longer asked")
        if not hmac.compare_digest(mac, _mac(key, ask, verb)):
            return Refusal(why="this button was altered")
        if ask.user != user:
            return Refusal(why="this button is somebody else's")
        if now_ns >= ask.expires_ns:
            return Refusal(why="this is expired: it counts as denied")
        return Pressed(ask=ask, verb=verb, ended=self.end(ask.subject))

    def end(self, subject: str) -> tuple[Ask, ...]:
        """No more is asked about a subject; what was."""
        ended = tuple(one for one in self.open if one.subject == subject)
        self.open = [one for one in self.open if one.subject != subject]
        return ended

    def expired(self, now_ns: int) -> tuple[Ask, ...]:
        """Asks whose time is up, taken out."""
        ended = tuple(one for one in self.open if now_ns >= one.expires_ns)
        self.open = [one for one in self.open if now_ns < one.expires_ns]
        return ended


def data_of(key: bytes, ask: Ask, verb: str) -> str:
    """What the button of a verb carries."""
    return f"{verb}.{ask.nonces[verb]}.{_mac(key, ask, verb)}"


def key_of(token: Secret) -> bytes:
    """The key of the buttons of one bot."""
    return hmac.new(token.reveal().encode(), b"perpbook callbacks/1", hashlib.sha256).digest()


def _mac(key: bytes, ask: Ask, verb: str) -> str:
    bound = "\n".join((verb, ask.nonces[verb], ask.subject, str(ask.user), str(ask.expires_ns)))
    return hmac.new(key, bound.encode(), hashlib.sha256).hexdigest()[:40]
