"""What venues say: into what is known, or, of our own orders, into the journal."""

from __future__ import annotations

from perpbook.guard import dead_man, funded, incidents, killing, lost, reconciling
from perpbook.guard.case import Ticket, same
from perpbook.guard.sense import nonsense
from perpbook.guard.turn import Turn
from perpbook.model.alert import Alert, Severity
from perpbook.model.message import (
    AccountSeen,
    BookSeen,
    FillSeen,
    FundingSeen,
    MarkSeen,
    NoAnswer,
    OrderSeen,
    RatesSeen,
    Stale,
    TimerSeen,
    Told,
)
from perpbook.model.order import OrderState
from perpbook.model.record import RecordKind


def hear(turn: Turn, message: Told) -> bool:
    """Take what a venue says, or refuse it: False."""
    why = nonsense(turn, message)
    if why:
        _refuse(turn, message, why)
        return False
    match message:
        case BookSeen() | MarkSeen():
            _price(turn, message)
        case AccountSeen():
            _account(turn, message)
        case FundingSeen() | RatesSeen():
            _settled(turn, message)
        case OrderSeen():
            _order(turn, message)
        case FillSeen():
            _fill(turn, message)
        case TimerSeen():
            dead_man.hear(turn, message)
        case NoAnswer():
            _no_answer(turn, message)
        case Stale():
            _stale(turn, message)
    return True


def _price(turn: Turn, message: BookSeen | MarkSeen) -> None:
    """Keep the newest; one that comes out of order is let go."""
    name = (message.venue, message.symbol)
    if turn.desk.alerts:
        turn.over("feed.refused", symbol=message.symbol)
    if isinstance(message, BookSeen):
        book = turn.known.books.get(name)
        if book is None or (message.at_ns, message.sequence) >= (book.at_ns, book.sequence):
            turn.known.books[name] = message
            turn.known.decide |= turn.known.awaited.pop(name, None) is not None
    else:
        mark = turn.known.marks.get(name)
        if mark is None or message.at_ns >= mark.at_ns:
            turn.known.marks[name] = message


def _refuse(turn: Turn, message: Told, why: str) -> None:
    symbol = account = ""
    if (
        isinstance(message, BookSeen | MarkSeen | RatesSeen)
        and (message.venue, message.symbol) in turn.settings.contracts
    ):
        symbol = message.symbol
    if isinstance(message, AccountSeen) and message.account.id in turn.settings.accounts:
        account = message.account.id
    if isinstance(message, FundingSeen) and message.account in turn.settings.accounts:
        account = message.account
    sentence = f"{type(message).__name__} of {symbol or account or 'something'} is refused: {why}"
    alert = Alert(
        kind="feed.refused", severity=Severity.WARN, at_ns=turn.now_ns, sentence=f"{sentence}; nothing is taken from it",
        account=account, symbol=symbol,
    )  # fmt: skip
    turn.say(alert, stands=True)


def _account(turn: Turn, message: AccountSeen) -> None:
    name = message.account.id
    old = turn.known.accounts.get(name)
    if old is not None and message.at_ns < old.at_ns:
        return
    turn.known.accounts[name] = message
    turn.over("unknown.account", account=name)
    turn.over("feed.refused", account=name)
    reconciling.meet(turn, message)


def _settled(turn: Turn, message: FundingSeen | RatesSeen) -> None:
    """What an account paid, or what was settled of a contract; what a venue cannot tell is not known any more."""
    turn.known.decide = True
    if isinstance(message, FundingSeen):
        funding = funded.heard(turn.known.funding.pop(message.account, None), message, turn.desk.turned)
        turn.known.funding |= {message.account: funding} if funding is not None else {}
    else:
        name = (message.venue, message.symbol)
        rates = funded.rated(turn.known.rates.pop(name, None), message)
        turn.known.rates |= {name: rates} if rates is not None else {}


def _order(turn: Turn, message: OrderSeen) -> None:
    report = message.report
    ticket = turn.desk.tickets.get(report.client_id)
    if ticket is None:
        return
    if not _is_of(ticket, report.account, report.venue, report.symbol, report.filled):
        turn.tell(
            "order.refused",
            Severity.WARN,
            f"a report on order {report.client_id} does not fit it",
            account=ticket.request.account,
        )
        return
    if report.state is OrderState.ABSENT and not _is_absent(turn, ticket, message):
        return
    if ticket.would_hear(report.state) or abs(report.filled) > abs(ticket.reported):
        before = ticket.filled
        turn.write(RecordKind.ANSWERED, report=report)
        _after(turn, ticket, before)


def _is_of(ticket: Ticket, account: str, venue: str, symbol: str, filled: float) -> bool:
    request = ticket.request
    return (account, venue, symbol) == (
        request.account,
        request.venue,
        request.symbol,
    ) and filled * request.quantity >= 0


def _is_absent(turn: Turn, ticket: Ticket, message: OrderSeen) -> bool:
    """An order never came when its venue says so long enough after it was lost, and nothing of it was ever traded."""
    if ticket.state is not OrderState.UNKNOWN or ticket.filled != 0.0:
        return False
    since_ns = max(ticket.sent_ns, ticket.unknown_ns) + turn.settings.timing.absent
    return message.received_ns > since_ns and message.report.at_ns > since_ns - turn.settings.timing.skew


def _fill(turn: Turn, message: FillSeen) -> None:
    fill = message.fill
    ticket = turn.desk.tickets.get(fill.client_id)
    if ticket is None or (fill.venue, fill.trade_id) in turn.desk.trades:
        return
    if not _is_of(ticket, fill.account, fill.venue, fill.symbol, fill.quantity):
        turn.tell(
            "order.refused",
            Severity.WARN,
            f"a trade of order {fill.client_id} does not fit it",
            account=ticket.request.account,
        )
        return
    before = ticket.filled
    turn.write(RecordKind.FILL, fill=fill)
    _after(turn, ticket, before)


def _after(turn: Turn, ticket: Ticket, before: float) -> None:
    """Traded more than was sent, or after its proposal was done with: a person must look."""
    request, case = ticket.request, turn.desk.cases[ticket.digest]
    if not ticket.may_live:
        turn.over("order.unknown", account=request.account, symbol=request.symbol)
    if abs(ticket.filled) > abs(request.quantity) and not same(ticket.filled, request.quantity):
        incidents.open_case(turn, case, request.account, f"order {request.client_id} traded more than it was sent for")
    elif not case.phase.is_live and not same(before, ticket.filled):
        incidents.open_one(
            turn,
            f"late.{request.client_id}",
            request.account,
            f"order {request.client_id} traded after its proposal ended",
        )


def _no_answer(turn: Turn, message: NoAnswer) -> None:
    ticket = turn.desk.tickets.get(message.client_id)
    if ticket is None:
        if message.client_id == "" and message.account in turn.settings.accounts:
            turn.known.accounts.pop(message.account, None)
        return
    if ticket.state is OrderState.INTENDED:
        lost.lose(turn, ticket, message.why)
    elif ticket.may_live:
        lost.ask(turn, ticket)


def _stale(turn: Turn, message: Stale) -> None:
    name = (message.venue, message.stream)
    if message.fresh:
        turn.known.stale.discard(name)
        if not turn.is_stale(message.venue):
            turn.over("stale.feed", symbol=message.venue)
        return
    turn.known.stale.add(name)
    turn.known.books = {key: one for key, one in turn.known.books.items() if key[0] != message.venue}
    turn.known.marks = {key: one for key, one in turn.known.marks.items() if key[0] != message.venue}
    turn.known.accounts = {key: one for key, one in turn.known.accounts.items() if one.account.venue != message.venue}
    sentence = f"{message.venue} {message.stream} is silent: what it told is not known now"
    turn.say(
        Alert(kind="stale.feed", severity=Severity.WARN, at_ns=turn.now_ns, sentence=sentence, symbol=message.venue),
        stands=True,
    )
    if any(
        leg.venue == message.venue
        for case in turn.desk.live_cases()
        if case.phase.is_acting
        for leg in case.proposal.legs
    ):
        killing.trip(turn, f"{message.venue} {message.stream} went silent while orders were being executed")
