"""Who may come in: a login link that counts once and in time, sessions behind a cookie, and one bearer token for programs.

Secrets are kept as SHA-256 digests only, and compared in a time that does not depend on where they differ.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from perpbook.model.units import HOUR_NS, SECOND_NS

LINK_NS, SESSION_NS = 600 * SECOND_NS, 12 * HOUR_NS
MOST_SESSIONS = 8
"""The oldest ends when there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What a login hands out, once: the cookie's value, and the token that every action must carry beside it."""

    cookie: str = field(repr=False)
    action_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is in. Digests of the cookie and the action token; ends_ns : when it is over."""

    cookie: bytes
    action_token: bytes
    ends_ns: int


class Doors:
    """The secrets of one server. clock : nanoseconds now."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._link: tuple[bytes, int] | None = None
        self._bearer = digest(secrets.token_urlsafe(32))
        self._sessions: list[Session] = []

    def new_link(self) -> str:
        """The secret of a login link; one that was handed out before is void."""
        secret = secrets.token_urlsafe(32)
        self._link = digest(secret), self._clock() + LINK_NS
        return secret

    def new_bearer(self) -> str:
        """The token of programs; one that was handed out before is void."""
        token = secrets.token_urlsafe(32)
        self._bearer = digest(token)
        return token

    def enter(self, secret: str) -> Entered | None:
        """Come in by a login link, which is void then; None where it is not this one, was used or is late."""
        if self._link is None:
            return None
        expected, ends_ns = self._link
        is_right = hmac.compare_digest(digest(secret), expected)
        if not is_right or self._clock() >= ends_ns:
            return None
        self._link = None
        entered = Entered(cookie=secrets.token_urlsafe(32), action_token=secrets.token_urlsafe(32))
        made = Session(
            cookie=digest(entered.cookie),
            action_token=digest(entered.action_token),
            ends_ns=self._clock() + SESSION_NS,
        )
        self._sessions = [*self._sessions, made][-MOST_SESSIONS:]
        return entered

    def session(self, cookie: str) -> Session | None:
        """The session of a cookie, as long as it lasts."""
        now, asked = self._clock(), digest(cookie)
        self._sessions = [one for one in self._sessions if now < one.ends_ns]
        return next((one for one in self._sessions if hmac.compare_digest(one.cookie, asked)), None)

    def may_act(self, cookie: str, action_token: str) -> bool:
        """Whether a cookie and a token are of one session."""
        found = self.session(cookie)
        return found is not None and hmac.compare_digest(found.action_token, digest(action_token))

    def is_bearer(self, token: str) -> bool:
        """Whether this is the token of programs."""
        return hmac.compare_digest(self._bearer, digest(token))

    def leave(self, cookie: str) -> None:
        """End a session."""
        found = self.session(cookie)
        self._sessions = [one for one in self._sessions if one is not found]


def digest(secret: str) -> bytes:
    """What is kept of a secret; any text has one."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
