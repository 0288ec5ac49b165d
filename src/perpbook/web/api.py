"""What the page and programs ask for and say: the same functions as the command line's verbs, as JSON.

GET  /api/state                      everything that is shown        GET  /api/events        the same, pushed when it changes
GET  /api/proposals?all=true         GET /api/proposals/DIGEST       GET  /api/journal?last=50&after=0   /api/journal/verify
POST /api/proposals/DIGEST/approve   /deny                           POST /api/incidents/acknowledge     {"key"}
POST /api/halt {"level", "why", "confirm"}                           POST /api/login {"secret"}   /api/logout   /api/link
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from perpbook.errors import DataError, InputError, PerpbookError, Refused
from perpbook.model.message import KillLevel
from perpbook.report.document import envelope
from perpbook.report.guard_told import InboxTold
from perpbook.runs import guard_people
from perpbook.runs.guard_inbox import Inbox
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.journal import show, verify
from perpbook.web.doors import SESSION_NS, Doors
from perpbook.web.gate import LINK, LOGIN, LOGOUT, SCHEMA, Rules

LOOK_S, BEAT_LOOKS = 1.0, 10
"""Between two looks at the journal; after so many something is pushed though nothing changed."""
MOST_LISTENERS = 16
DIGEST = re.compile(r"[0-9a-f]{64}")
LEVELS = {level.name.lower(): level for level in KillLevel if level is not KillLevel.NONE}


class Body(BaseModel):
    """What is posted: nothing beside what is named, and no text for a number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LoginBody(Body):
    """A login link's secret."""

    secret: str = Field(max_length=256, repr=False)


class AcknowledgeBody(Body):
    """An incident's key."""

    key: str = Field(max_length=512)


class HaltBody(Body):
    """How far, why, and the level once more where positions are closed."""

    level: str
    why: str = Field(default="halted from the web page", max_length=200)
    confirm: str = ""


@dataclass(slots=True)
class Api:
    """The routes of one guard's inbox."""

    places: GuardPlaces
    inbox: Inbox
    doors: Doors
    rules: Rules
    listeners: int = 0

    def add_to(self, app: FastAPI) -> None:
        """Put every route in."""
        for path, read in (
            ("/api/state", self.state),
            ("/api/events", self.events),
            ("/api/proposals", self.proposals),
            ("/api/proposals/{digest}", self.proposal),
            ("/api/journal", self.journal),
            ("/api/journal/verify", self.verify),
        ):
            app.add_api_route(path, read, methods=["GET"], response_model=None)
        for path, act in (
            (LOGIN, self.login),
            (LOGOUT, self.logout),
            (LINK, self.link),
            ("/api/proposals/{digest}/approve", self.approve),
            ("/api/proposals/{digest}/deny", self.deny),
            ("/api/incidents/acknowledge", self.acknowledge),
            ("/api/halt", self.halt),
        ):
            app.add_api_route(path, act, methods=["POST"], response_model=None)
        app.add_exception_handler(PerpbookError, failed)
        app.add_exception_handler(RequestValidationError, malformed)
        app.add_exception_handler(HTTPException, lost)

    def login(self, body: LoginBody) -> Response:
        """Come in by a link."""
        entered = self.doors.enter(body.secret)
        if entered is None:
            return failure(401, Refused("this login link was used or is too old: start `perpbook web` again"))
        answer = told({"token": entered.action_token})
        answer.set_cookie(
            self.rules.cookie, entered.cookie, max_age=SESSION_NS // 10**9, path="/", httponly=True, samesite="strict"
        )
        return answer

    def logout(self, request: Request) -> Response:
        """End the session."""
        self.doors.leave(request.cookies.get(self.rules.cookie, ""))
        answer = told({})
        answer.delete_cookie(self.rules.cookie, path="/", httponly=True, samesite="strict")
        return answer

    def link(self) -> Response:
        """Another login link; the one before is void."""
        return told({"secret": self.doors.new_link()})

    def state(self) -> Response:
        """Everything that is shown."""
        return told(self._shown(self.inbox.look()))

    async def events(self, request: Request) -> Response:
        """The same as server-sent events, as long as the listener may be here."""
        if self.listeners >= MOST_LISTENERS:
            return failure(503, Refused(f"{MOST_LISTENERS} pages listen already: close one"))
        return StreamingResponse(self._pushed(request), media_type="text/event-stream")

    async def _pushed(self, request: Request) -> AsyncIterator[str]:
        self.listeners += 1
        try:
            seen, beat = None, 0
            while not await request.is_disconnected() and self._may_listen(request):
                found = await asyncio.to_thread(self.inbox.look)
                still = timeless(found)
                if still != seen or beat % BEAT_LOOKS == 0:
                    seen, beat = still, 0
                    yield f"data: {envelope(SCHEMA, data=self._shown(found))}\n\n"
                beat += 1
                await asyncio.sleep(LOOK_S)
        finally:
            self.listeners -= 1

    def _may_listen(self, request: Request) -> bool:
        """A session that ended hears no more; a program's token does not end."""
        cookie = request.cookies.get(self.rules.cookie, "")
        return "authorization" in request.headers or self.doors.session(cookie) is not None

    def _shown(self, found: InboxTold) -> dict[str, Any]:
        return {"allow_actions": self.rules.allow_actions, "inbox": found}

    def proposals(self, every: bool = Query(default=False, alias="all")) -> Response:
        """As `approvals list`."""
        return told(guard_people.proposals_of(self.places, every=every))

    def proposal(self, digest: str) -> Response:
        """One proposal, by its whole digest."""
        desk, _ = guard_people.desk_of(self.places)
        return told(guard_people.proposal_told(guard_people.found_case(desk, whole(digest))))

    def journal(self, last: int = Query(default=50, ge=1, le=1_000), after: int = Query(default=0, ge=0)) -> Response:
        """As `journal show`."""
        return told(show(self.places.journal, after=after, last=last))

    def verify(self) -> Response:
        """As `journal verify`: every link, from the first."""
        return told(verify(self.places.journal))

    def approve(self, digest: str) -> Response:
        """As `approvals approve`, for exactly this digest."""
        return told(guard_people.answer(self.places, whole(digest), approve=True, channel="web"))

    def deny(self, digest: str) -> Response:
        """As `approvals deny`."""
        return told(guard_people.answer(self.places, whole(digest), approve=False, channel="web"))

    def acknowledge(self, body: AcknowledgeBody) -> Response:
        """As `guard acknowledge`."""
        return told(guard_people.acknowledge(self.places, body.key))

    def halt(self, body: HaltBody) -> Response:
        """As `halt`; needs no guard that runs."""
        level = LEVELS.get(body.level)
        if level is None:
            raise InputError(f"no level is called {body.level[:20]!r}: {', '.join(LEVELS)}")
        if level is KillLevel.FLATTEN and body.confirm != "flatten":
            raise InputError('flatten closes every position: send "confirm": "flatten" with it')
        why = " ".join(body.why.split()) or "halted from the web page"
        runs = guard_people.halt(self.places, level, why)
        return told({"level": body.level, "running": runs, "flag": self.places.halt})


def whole(digest: str) -> str:
    """A digest as it is, never its beginning.

    Raises
    ------
    InputError : it is none.
    """
    if DIGEST.fullmatch(digest) is None:
        raise InputError("a proposal is named by the whole of its digest, 64 letters of 0 to 9 and a to f")
    return digest


def timeless(found: InboxTold) -> InboxTold:
    """An inbox without what changes by the clock alone."""
    return replace(
        found,
        at="",
        status=replace(found.status, armed_for_s=float(found.status.armed_for_s > 0.0)),
        proposals=tuple(replace(one, expires_in_s=0.0) for one in found.proposals),
        ended=tuple(replace(one, expires_in_s=0.0) for one in found.ended),
    )


def told(data: object) -> Response:
    """An answer."""
    return Response(envelope(SCHEMA, data=data), media_type="application/json")


def failure(status: int, error: PerpbookError) -> Response:
    """An answer that tells what is wrong."""
    return Response(envelope(SCHEMA, error=error), status_code=status, media_type="application/json")


def failed(_: Request, error: Exception) -> Response:
    """What was asked is wrong (400), the guard said no (409), or its journal cannot be read (503)."""
    assert isinstance(error, PerpbookError), "registered for these"
    match error:
        case InputError():
            return failure(400, error)
        case Refused():
            return failure(409, error)
        case DataError():
            return failure(503, error)
        case _:
            return failure(500, error)


def malformed(_: Request, error: Exception) -> Response:
    """A body or a parameter that is none; what was sent is not sent back."""
    assert isinstance(error, RequestValidationError), "registered for these"
    where = ", ".join(sorted({".".join(map(str, one["loc"]))[:60] for one in error.errors()}))
    return failure(400, InputError(f"not as it must be: {where}"))


def lost(_: Request, error: Exception) -> Response:
    """No such path, or not by this method."""
    assert isinstance(error, HTTPException), "registered for these"
    return failure(error.status_code, InputError("there is nothing here under this name and method"))
