"""What people ask of a guard and say to it: how it stands, what waits for them, and their words.

How it stands is read from its journal; words go into its folder, and are refused where no guard runs that would hear them.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from perpbook.engine.clock import now_ns, sleep
from perpbook.engine.live_halt import HaltFlag, raise_flag
from perpbook.engine.live_owner import is_owned, owned
from perpbook.errors import InputError, Refused
from perpbook.guard.case import Case, Phase
from perpbook.guard.desk import Desk, fold
from perpbook.journal.chain import START
from perpbook.journal.database import open_journal
from perpbook.model.message import Acknowledge, Adopt, Answered, Arm, ExitWord, FromPeople, Kill, KillLevel
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import SECOND_NS, to_iso
from perpbook.report.guard_told import GuardStatus, LegTold, ProposalTold
from perpbook.runs.guard_exit import EXIT
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.guard_words import say
from perpbook.runs.journal import reading

WAIT_S = 10.0
"""How long a word is waited for to be in the journal."""
FOLLOW_S = 5.0
"""How long an approved proposal is followed."""
UNDER_WAY = ("approved", "executing", "verifying")


def desk_of(places: GuardPlaces) -> tuple[Desk, str]:
    """The guard's state as its journal has it, and the journal's last digest."""
    with reading(places.journal) as journal:
        return fold(record for _, record in journal.read()), journal.head[1]


def status_of(places: GuardPlaces) -> GuardStatus:
    """How the guard stands now."""
    return standing(places, *desk_of(places))


def standing(places: GuardPlaces, desk: Desk, head: str) -> GuardStatus:
    """How the guard of a desk stands now; head : its journal's last digest."""
    now = now_ns()
    live = list(desk.live_cases())
    return GuardStatus(
        running=is_running(places, desk),
        kill=desk.kill.name.lower(),
        kill_reason=desk.kill_reason,
        halt_flag=HaltFlag(places.halt).level.name.lower(),
        armed_for_s=max(0.0, (desk.armed_until_ns - now) / SECOND_NS),
        accounts={name: dict(found) for name, found in desk.positions.items()},
        waiting=sum(case.phase is Phase.PROPOSED for case in live),
        acting=sum(case.phase is not Phase.PROPOSED for case in live),
        exits=tuple(_exit_told(body) for body in desk.exits.values()),
        incidents=tuple(f"{one.key}: {one.why}" for one in desk.incidents.values()),
        alerts=tuple(f"{severity} {' '.join(part for part in key if part)}" for key, severity in desk.alerts.items()),
        records=desk.records,
        head=head,
        last=to_iso(desk.at_ns),
    )


def _exit_told(body: Mapping[str, object]) -> str:
    return f"begun by {body.get('who', 'somebody')}, {'paused' if body.get('paused') else 'under way'}"


def is_running(places: GuardPlaces, desk: Desk) -> bool:
    """Whether a process holds the lock of any of the guard's accounts."""
    return any(is_owned(places.locks, account) for account in desk.positions)


def proposals_of(places: GuardPlaces, *, every: bool = False) -> tuple[ProposalTold, ...]:
    """Proposals that wait for a person, oldest first; `every` : all that the journal still keeps."""
    desk, _ = desk_of(places)
    cases = desk.cases.values() if every else [case for case in desk.live_cases() if case.phase is Phase.PROPOSED]
    return tuple(proposal_told(case) for case in cases)


def proposal_told(case: Case) -> ProposalTold:
    """A proposal in plain figures: everything its digest binds, and how it stands."""
    one = case.proposal
    sides = {
        name: (getattr(one.before, name), getattr(one.after, name))
        for name in ("equity", "effective", "margin_ratio", "liquidation_move")
    }
    return ProposalTold(
        digest=case.digest, phase=case.phase.value, kind=one.kind.value, rule=one.rule, reason=one.reason,
        legs=tuple(
            LegTold(
                account=leg.account, venue=leg.venue, symbol=leg.symbol, quantity=leg.quantity, held=leg.held,
                limit_price=leg.limit_price, notional=abs(leg.quantity) * leg.limit_price, reduce_only=leg.reduce_only,
                mid_price=leg.mid_price, pace=leg.pace,
            )
            for leg in one.legs
        ),
        transfer=one.transfer, cost_max=one.cost_max, collar=one.collar, created=to_iso(one.created_ns),
        expires=to_iso(one.expires_ns), expires_in_s=(one.expires_ns - now_ns()) / SECOND_NS, risk=sides,
        broken=(one.before.broken, one.after.broken), cancels=one.cancels, playbook=one.playbook, terms=one.terms,
        who=case.who, channel=case.channel, stopped=str(case.stopped or ""), why=case.why,
    )  # fmt: skip


def answer(places: GuardPlaces, beginning: str, *, approve: bool, channel: str = "cli") -> ProposalTold:
    """Approve or deny the proposal whose digest begins so; how it stands once the guard has taken the word.

    Raises
    ------
    InputError : no proposal begins so, or several do.
    Refused : no guard runs, or it refused the word, and why: the proposal is as it was.
    """
    desk, _ = desk_of(places)
    case = found_case(desk, beginning)
    word = Answered(digest=case.digest, approve=approve, who=getpass.getuser(), channel=channel, received_ns=now_ns())
    after = spoken_and_taken(
        places, desk, word, lambda now: has_moved(case, now) or refusal_of(case, desk, now) is not None
    )
    found = proposal_told(after.cases[case.digest])
    if not has_moved(case, after) and (why := refusal_of(case, desk, after)) is not None:
        raise Refused(why)
    if approve and found.phase in ("proposed", "denied", "expired"):
        raise Refused(
            f"{found.digest[:12]} was not approved: it is {found.phase}; `perpbook journal show --last 5` says why"
        )
    return found


def became(places: GuardPlaces, approved: ProposalTold) -> ProposalTold:
    """What became of a proposal some seconds after it was approved: sent and verified, stopped, or still under way."""
    end, found = now_ns() + int(FOLLOW_S * SECOND_NS), approved
    while found.phase in UNDER_WAY and now_ns() < end:
        sleep(0.25)
        found = proposal_told(desk_of(places)[0].cases[approved.digest])
    return found


def has_moved(case: Case, now: Desk) -> bool:
    """Whether something has come of a proposal since."""
    found = now.cases[case.digest]
    return (found.phase, found.stopped) != (case.phase, case.stopped)


def refusal_of(case: Case, before: Desk, now: Desk) -> str | None:
    """Why the guard has just refused a word on a proposal; None where it has not."""
    alert = now.alert
    if alert is None or alert == before.alert or (alert["kind"], alert["proposal"]) != ("refused.answer", case.digest):
        return None
    return str(alert["sentence"])


def found_case(desk: Desk, beginning: str) -> Case:
    """The one proposal whose digest begins so."""
    if len(beginning) < 4:
        raise InputError("name a proposal by four letters of its digest or more: `perpbook approvals list`")
    found = [case for digest, case in desk.cases.items() if digest.startswith(beginning.lower())]
    if len(found) != 1:
        what = "no proposal's digest begins" if not found else f"{len(found)} proposals' digests begin"
        raise InputError(f"{what} with {beginning}: `perpbook approvals list`")
    return found[0]


def arm(places: GuardPlaces, seconds: float) -> GuardStatus:
    """Let the guard act for so long; 0: no longer."""
    desk, _ = desk_of(places)
    until = now_ns() + int(seconds * SECOND_NS) if seconds > 0.0 else 0
    word = Arm(until_ns=until, who=getpass.getuser(), received_ns=now_ns())
    return told(places, desk, word, lambda now: now.records > desk.records and now.armed_until_ns == until)


def halt(places: GuardPlaces, level: KillLevel, reason: str) -> bool:
    """Raise the halt flag; whether a guard runs that sees it. It holds for every guard that begins, too."""
    raise_flag(places.halt, level, getpass.getuser(), reason)
    return has_journal(places) and is_running(places, desk_of(places)[0])


def has_taken(places: GuardPlaces, level: KillLevel) -> bool:
    """Whether the guard that runs takes the flag within some seconds: one that hangs does not."""
    end = now_ns() + int(WAIT_S * SECOND_NS)
    while not (taken := desk_of(places)[0].kill >= level) and now_ns() < end:
        sleep(0.1)
    return taken


def resume(places: GuardPlaces, reason: str) -> GuardStatus:
    """Take the halt flag down and let go of the kill switch: by a word to the guard that runs, else in its journal, so that the
    next one does not begin with closing everything.

    Raises
    ------
    Refused : the guard that runs does not take the word.
    """
    places.halt.unlink(missing_ok=True)
    if not has_journal(places):
        return standing(places, Desk(), START)
    desk, _ = desk_of(places)
    if is_running(places, desk):
        word = Kill(level=KillLevel.NONE, who=getpass.getuser(), reason=reason, received_ns=now_ns())
        spoken_and_taken(places, desk, word, lambda now: now.kill is KillLevel.NONE)
    elif desk.kill is not KillLevel.NONE:
        with owned(places.locks, desk.positions), closing(open_journal(places.journal)) as journal:
            body = {"who": getpass.getuser(), "reason": reason}
            journal.append(Record(kind=RecordKind.RESUMED, at_ns=max(now_ns(), desk.at_ns), body=body))
    return status_of(places)


def has_journal(places: GuardPlaces) -> bool:
    """Whether a guard may have written one."""
    return Path(places.journal).is_file() or "://" in places.journal


def adopt(places: GuardPlaces, account: str) -> GuardStatus:
    """Take what the venue says an account holds.

    Raises
    ------
    InputError : the guard has no such account.
    """
    desk, _ = desk_of(places)
    if account not in desk.positions:
        raise InputError(f"the guard has no account {account}: {', '.join(sorted(desk.positions)) or 'none yet'}")
    word = Adopt(account=account, who=getpass.getuser(), received_ns=now_ns())
    return told(places, desk, word, lambda now: now.records > desk.records)


def acknowledge(places: GuardPlaces, incident: str) -> GuardStatus:
    """End an incident that a person has looked after.

    Raises
    ------
    InputError : none is open under this key.
    """
    desk, _ = desk_of(places)
    if incident not in desk.incidents:
        raise InputError(f"no incident {incident} is open: {', '.join(sorted(desk.incidents)) or 'there is none'}")
    word = Acknowledge(key=incident, who=getpass.getuser(), received_ns=now_ns())
    return told(places, desk, word, lambda now: incident not in now.incidents)


def exit_word(places: GuardPlaces, what: str) -> GuardStatus:
    """Begin an exit or go on with it ("start"), "pause" it, or give it up ("stop").

    Raises
    ------
    InputError : there is none to pause or stop.
    """
    desk, _ = desk_of(places)
    body = desk.exits.get(EXIT)
    if body is None and what != "start":
        raise InputError(f"no exit is under way, so there is none to {what}: `perpbook exit start` begins one")
    who = getpass.getuser()
    wanted = None if what == "stop" else {**(body or {"who": who}), "paused": what == "pause"}
    word = ExitWord(plan=EXIT, body=wanted, who=who, received_ns=now_ns())
    return told(places, desk, word, lambda now: now.records > desk.records)


def told(places: GuardPlaces, desk: Desk, word: FromPeople, is_taken: Callable[[Desk], bool]) -> GuardStatus:
    """Say a word; how the guard stands once it has taken it. Raises as `spoken_and_taken`."""
    spoken_and_taken(places, desk, word, is_taken)
    return status_of(places)


def spoken_and_taken(places: GuardPlaces, desk: Desk, word: FromPeople, is_taken: Callable[[Desk], bool]) -> Desk:
    """Say a word, and wait until the journal shows what it changed, some seconds at most; the desk then.

    Raises
    ------
    Refused : no guard runs, so nobody would hear it and nothing was said; or the guard did not take it in time.
    """
    if not is_running(places, desk):
        raise Refused(
            "no guard runs with this journal, so nobody would hear it: nothing was said (`perpbook guard run`)"
        )
    path = say(places.words, word)
    end = now_ns() + int(WAIT_S * SECOND_NS)
    while now_ns() < end:
        after, _ = desk_of(places)
        if is_taken(after):
            return after
        heard = not path.exists() and not path.with_suffix(".taken").exists()
        if heard:
            return desk_of(places)[0]
        sleep(0.1)
    if path.exists():
        path.unlink(missing_ok=True)
        raise Refused(
            f"the guard did not take the word within {WAIT_S:g} seconds; it was taken back: look at its console"
        )
    return desk_of(places)[0]
