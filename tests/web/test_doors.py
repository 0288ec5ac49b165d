"""Who may come in: a link counts once and in time, sessions end, and no text but the secret opens anything."""

from __future__ import annotations

import ast
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from perpbook.web import doors as doors_module
from perpbook.web.doors import LINK_NS, MOST_SESSIONS, SESSION_NS, Doors, Entered

TEXTS = st.text(max_size=80)


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.ns = 10**18

    def __call__(self) -> int:
        return self.ns


def come_in(doors: Doors) -> Entered:
    entered = doors.enter(doors.new_link())
    assert entered is not None
    return entered


@given(TEXTS)
def test_no_other_text_is_a_secret(text: str) -> None:
    doors = Doors(Clock())
    secret, bearer = doors.new_link(), doors.new_bearer()
    for wrong in (text, text + secret, secret + text, secret[: len(text)], text + bearer, bearer[: len(text)]):
        assert wrong == secret or doors.enter(wrong) is None
        assert wrong == bearer or not doors.is_bearer(wrong)
        assert doors.session(wrong) is None and not doors.may_act(wrong, wrong)


def test_a_link_counts_once() -> None:
    doors = Doors(Clock())
    secret = doors.new_link()
    assert doors.enter(secret) is not None and doors.enter(secret) is None


def test_a_link_counts_in_time_and_until_another_is_made() -> None:
    clock = Clock()
    doors = Doors(clock)
    late, early = doors.new_link(), clock.ns
    clock.ns = early + LINK_NS
    assert doors.enter(late) is None
    clock.ns = early + LINK_NS - 1
    doors.new_link()
    assert doors.enter(late) is None


def test_a_wrong_secret_does_not_spend_the_link() -> None:
    doors = Doors(Clock())
    secret = doors.new_link()
    assert doors.enter(secret[:-1]) is None and doors.enter(secret) is not None


def test_a_session_acts_with_its_own_token_alone() -> None:
    doors = Doors(Clock())
    mine, other = come_in(doors), come_in(doors)
    assert doors.may_act(mine.cookie, mine.action_token)
    for token in (other.action_token, mine.cookie, "", mine.action_token[:-1]):
        assert not doors.may_act(mine.cookie, token)


def test_sessions_end_by_time_by_leaving_and_by_others_coming() -> None:
    clock = Clock()
    doors = Doors(clock)
    left, first = come_in(doors), come_in(doors)
    doors.leave(left.cookie)
    assert doors.session(left.cookie) is None and doors.session(first.cookie) is not None
    more = [come_in(doors) for _ in range(MOST_SESSIONS)]
    assert doors.session(first.cookie) is None and all(doors.session(one.cookie) for one in more)
    clock.ns += SESSION_NS
    assert not any(doors.session(one.cookie) for one in more)


def test_no_secret_shows_itself() -> None:
    doors = Doors(Clock())
    secret, entered = doors.new_link(), None
    assert secret not in repr(vars(doors))
    entered = doors.enter(secret)
    assert entered is not None and entered.cookie not in repr(entered) + repr(vars(doors))
    assert entered.action_token not in repr(entered) + repr(vars(doors))


def test_secrets_are_never_compared_by_equality() -> None:
    tree = ast.parse(Path(str(doors_module.__file__)).read_text(encoding="utf-8"))
    operators = {type(operator) for node in ast.walk(tree) if isinstance(node, ast.Compare) for operator in node.ops}
    assert not operators & {ast.Eq, ast.NotEq, ast.In, ast.NotIn}
    assert (
        sum(ast.unparse(node.func) == "hmac.compare_digest" for node in ast.walk(tree) if isinstance(node, ast.Call))
        == 4
    )
