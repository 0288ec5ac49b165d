"""Telegram, by long polling: messages out, presses of buttons in. Only users of the playbook's list are told or heard."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from perpbook.alerts.callbacks import APPROVE, DENY, SEEN, Ask, Pressed, Refusal, data_of, key_of
from perpbook.alerts.channels import Sent
from perpbook.alerts.held import Delivery
from perpbook.alerts.secret import Secret
from perpbook.alerts.telegram_memory import Memory, load_memory, save_memory
from perpbook.alerts.text import body_of, line, proposal_text, title_of
from perpbook.alerts.wire import Wire
from perpbook.engine.clock import now_ns
from perpbook.errors import ProviderError
from perpbook.model.action import Proposal
from perpbook.model.message import Answered
from perpbook.model.units import DAY_NS, SECOND_NS

HOST = "https://api.telegram.org"
LOG = logging.getLogger("perpbook.alerts")
SEEN_FOR_NS = 7 * DAY_NS
PATIENCE_S = 30.0
"""How long a question, or an edit, waits when Telegram asks it to; alerts come back by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A person has seen a page. key : its id at the desk."""

    key: str
    who: str
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A press that did not count."""

    who: str
    why: str
    received_ns: int


Word = Answered | Acknowledged | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """name : the channel's. users : who is told and heard, each in a chat of their own. memory : the file that keeps what was
    read and asked. host : where the bot API is."""

    name: str
    token: Secret
    users: tuple[int, ...]
    memory: Path
    host: str = HOST


class Telegram:
    """One bot."""

    def __init__(
        self,
        setup: Setup,
        *,
        now: Callable[[], int] = now_ns,
        nonce: Callable[[], str] = lambda: token_urlsafe(12),
    ) -> None:
        self._setup, self._now, self._nonce = setup, now, nonce
        self._key = key_of(setup.token)
        self._wire = Wire(Secret(f"{setup.host}/bot{setup.token.reveal()}"), "the Telegram bot API")
        self._memory: Memory = load_memory(setup.memory)
        self._rests_until_ns = 0

    async def send(self, delivery: Delivery) -> Sent:
        """Tell every user; it went out when one of them got it."""
        failed: list[str] = []
        for user in self._setup.users:
            text = f"{title_of(delivery)}\n{body_of(delivery)}"
            try:
                await self._tell(user, text, delivery)
            except ProviderError as error:
                failed.append(f"user {user}: {error}")
        return Sent(ok=len(failed) < len(self._setup.users), why="; ".join(failed) or "telegram has it")

    async def ask(self, proposal: Proposal) -> Sent:
        """Put a proposal to every user, with buttons that hold until it expires."""
        failed: list[str] = []
        for user in self._setup.users:
            title = f"Proposal {proposal.short}"
            ask = self._new_ask(proposal.digest, user, proposal.expires_ns, (APPROVE, DENY), title)
            try:
                await self._put(ask, proposal_text(proposal), silent=False, patient=True)
            except ProviderError as error:
                failed.append(f"user {user}: {error}")
        return Sent(ok=len(failed) < len(self._setup.users), why="; ".join(failed) or "telegram has it")

    def has_asked(self, subject: str) -> bool:
        """Whether somebody has a message about it whose buttons still count."""
        return any(one.subject == subject and one.message for one in self._memory.asks.open)

    async def closed(self, subject: str, words: str) -> None:
        """A proposal was decided elsewhere, or a page is over: its buttons go."""
        await self._take_buttons(self._memory.asks.end(subject), words)

    async def poll(self, wait_s: float = 25.0) -> tuple[Word, ...]:
        """What people said since, once; waits for it so long at most. Asks whose time is up lose their buttons.

        Raises
        ------
        ProviderError : Telegram is away, or answers with nonsense.
        """
        for ask in self._memory.asks.expired(self._now()):
            await self._take_buttons((ask,), "expired: it counts as denied" if DENY in ask.nonces else "expired")
        asked = {"offset": self._memory.offset, "timeout": int(wait_s), "allowed_updates": ["callback_query"]}
        found = await self._call("getUpdates", asked, wait_s=wait_s)
        if not isinstance(found, list):
            raise ProviderError("telegram answers with something that is no list of updates")
        words: list[Word] = []
        for number, update in _in_order(found, self._memory.offset):
            word = await self._word(update)
            words += [] if word is None else [word]
            self._memory = replace(self._memory, offset=number + 1)
            save_memory(self._setup.memory, self._memory)
        return tuple(words)

    async def close(self) -> None:
        """Let its connections go."""
        await self._wire.close()

    async def _tell(self, user: int, text: str, delivery: Delivery) -> None:
        if delivery.is_page and len(delivery.parts) == 1:
            subject = delivery.parts[0].id
            ask = self._new_ask(subject, user, self._now() + SEEN_FOR_NS, (SEEN,), title_of(delivery))
            await self._put(ask, text, silent=delivery.silent, patient=False)
        else:
            await self._call("sendMessage", _message(user, text, delivery.silent))

    def _new_ask(self, subject: str, user: int, expires_ns: int, verbs: Iterable[str], title: str) -> Ask:
        nonces = {verb: self._nonce() for verb in verbs}
        return Ask(subject=subject, user=user, expires_ns=expires_ns, nonces=nonces, title=title)

    async def _put(self, ask: Ask, text: str, *, silent: bool, patient: bool) -> None:
        """Send it with its buttons; remembered before it is sent, so that a press is never ahead of it."""
        names = {APPROVE: "Approve", DENY: "Deny", SEEN: "Acknowledge"}
        buttons = [{"text": names[verb], "callback_data": data_of(self._key, ask, verb)} for verb in ask.nonces]
        self._remember([*self._memory.asks.open, ask])
        asked = {**_message(ask.user, text, silent), "reply_markup": {"inline_keyboard": [buttons]}}
        try:
            sent = await self._call("sendMessage", asked, patient=patient)
        except ProviderError:
            self._remember([one for one in self._memory.asks.open if one != ask])
            raise
        number = sent.get("message_id") if isinstance(sent, dict) else None
        placed = replace(ask, message=number if type(number) is int else 0)
        self._remember([placed if one == ask else one for one in self._memory.asks.open])

    def _remember(self, asks: list[Ask]) -> None:
        self._memory.asks.open = asks
        save_memory(self._setup.memory, self._memory)

    async def _word(self, update: dict[str, Any]) -> Word | None:
        """What one update says; one that is no press of a button says nothing."""
        press = _press_of(update)
        if press is None:
            return None
        query, user, data = press
        if user not in self._setup.users:
            return self._refused(user, "a stranger pressed a button")
        found = self._memory.asks.press(self._key, data, user, self._now())
        if isinstance(found, Refusal):
            await self._quietly("answerCallbackQuery", {"callback_query_id": query, "text": found.why})
            return self._refused(user, found.why)
        save_memory(self._setup.memory, self._memory)
        return await self._counted(query, user, found)

    async def _counted(self, query: str, user: int, pressed: Pressed) -> Word:
        verb, subject, at_ns = pressed.verb, pressed.ask.subject, self._now()
        told = {APPROVE: "approved", DENY: "denied", SEEN: "acknowledged"}[verb]
        await self._quietly("answerCallbackQuery", {"callback_query_id": query, "text": told})
        await self._take_buttons(pressed.ended, f"{told} by user {user}")
        if verb == SEEN:
            return Acknowledged(key=subject, who=f"telegram:{user}", received_ns=at_ns)
        return Answered(
            digest=subject, approve=verb == APPROVE, who=f"telegram:{user}", channel=self._setup.name, received_ns=at_ns
        )

    def _refused(self, user: int, why: str) -> Refused:
        LOG.warning("telegram: refused user %d: %s", user, why)
        return Refused(who=f"telegram:{user}", why=why, received_ns=self._now())

    async def _take_buttons(self, asks: Iterable[Ask], words: str) -> None:
        for ask in asks:
            save_memory(self._setup.memory, self._memory)
            if ask.message:
                text = f"{ask.title}\n{words}"
                await self._quietly(
                    "editMessageText", {"chat_id": ask.user, "message_id": ask.message, "text": text[:4000]}
                )

    async def _rest(self, seconds: float, patient: bool) -> None:
        """Leave Telegram alone for as long as it asks, or, where nobody waits for that, say so."""
        if not patient or seconds > PATIENCE_S:
            raise ProviderError(f"telegram asks to be left alone for {seconds:,.0f} s")
        await asyncio.sleep(seconds)
        self._rests_until_ns = 0

    async def _quietly(self, method: str, asked: dict[str, Any]) -> None:
        """Do what is only for the eye: when it fails nothing changes, for a button without an ask is refused anyway."""
        try:
            await self._call(method, asked)
        except ProviderError as error:
            LOG.info("telegram: %s failed: %s", method, error)

    async def _call(self, method: str, asked: dict[str, Any], *, wait_s: float = 0.0, patient: bool = False) -> Any:
        left_s = (self._rests_until_ns - self._now()) / SECOND_NS
        if left_s > 0.0:
            await self._rest(left_s, patient)
        reply = await self._wire.post(f"/{method}", json.dumps(asked).encode(), wait_s=wait_s)
        if reply.status == 429:
            rest_s = max(reply.retry_after_s, 1.0)
            self._rests_until_ns = self._now() + round(rest_s * SECOND_NS)
            await self._rest(rest_s, patient)
            return await self._call(method, asked, wait_s=wait_s)
        body = reply.body
        if reply.status == 200 and isinstance(body, dict) and body.get("ok") is True and "result" in body:
            return body["result"]
        said = body.get("description", "") if isinstance(body, dict) else "no JSON"
        said = line(str(said), 120).replace(self._setup.token.reveal(), "***")
        raise ProviderError(f"telegram refuses {method} (HTTP {reply.status}): {said}")


def _message(user: int, text: str, silent: bool) -> dict[str, Any]:
    """Plain text: nothing in it is read as markup, and no link is opened."""
    return {
        "chat_id": user, "text": text[:4000], "disable_notification": silent, "link_preview_options": {"is_disabled": True},
    }  # fmt: skip


def _in_order(found: list[Any], offset: int) -> list[tuple[int, dict[str, Any]]]:
    """Updates by number, each once, none that was read before; what has no number is left out."""
    numbered: dict[int, dict[str, Any]] = {}
    for one in found:
        number = one.get("update_id") if isinstance(one, dict) else None
        if type(number) is int and offset <= number < 2**53:
            numbered.setdefault(number, one)
    return sorted(numbered.items())


def _press_of(update: dict[str, Any]) -> tuple[str, int, str] | None:
    """The query, the user and the data of a press; None for anything else."""
    query = update.get("callback_query")
    sender = query.get("from") if isinstance(query, dict) else None
    if not isinstance(query, dict) or not isinstance(sender, dict):
        return None
    number, user, data = query.get("id"), sender.get("id"), query.get("data")
    if not isinstance(number, str) or type(user) is not int or not isinstance(data, str):
        return None
    return number, user, data
