"""Words of people: whole or not there, taken in order, kept until the journal has them, and nothing else is taken for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpbook.errors import InputError
from perpbook.model.message import Acknowledge, Adopt, Answered, Arm, ExitWord, FromPeople, Kill, KillLevel
from perpbook.runs.guard_words import read_word, say, spoken

NAMES = st.text(min_size=1, max_size=12)
TIMES = st.integers(0, 2**62)
WORDS = st.one_of(
    st.builds(Answered, digest=NAMES, approve=st.booleans(), who=NAMES, channel=NAMES, received_ns=TIMES),
    st.builds(Kill, level=st.sampled_from(KillLevel), who=NAMES, reason=NAMES, received_ns=TIMES),
    st.builds(Arm, until_ns=TIMES, who=NAMES, received_ns=TIMES),
    st.builds(Adopt, account=NAMES, who=NAMES, received_ns=TIMES),
    st.builds(Acknowledge, key=NAMES, who=NAMES, received_ns=TIMES),
    st.builds(ExitWord, plan=NAMES, body=st.just({"stage": 1}) | st.none(), who=NAMES, received_ns=TIMES),
)


@given(WORDS)
def test_a_word_is_read_as_it_was_said(tmp_path_factory: pytest.TempPathFactory, word: FromPeople) -> None:
    assert read_word(say(tmp_path_factory.mktemp("words"), word)) == word


def heard(folder: Path, count: int, clock: Callable[[], int]) -> list[Any]:
    async def listen() -> list[Any]:
        found: list[Any] = []
        words = cast("AsyncGenerator[Any, None]", spoken(folder, clock))
        async for word in words:
            found.append(word)
            if len(found) == count:
                break
        await words.aclose()
        return found

    return asyncio.run(asyncio.wait_for(listen(), 20))


def arm(until: int) -> Arm:
    return Arm(until_ns=until, who="me", received_ns=until)


def test_words_come_in_the_order_they_were_said(tmp_path: Path) -> None:
    for until in (3, 1, 2):
        say(tmp_path, arm(until))
    assert [word.until_ns for word in heard(tmp_path, 3, lambda: 99)] == [1, 2, 3]


def test_a_word_taken_by_a_guard_that_died_is_heard_again(tmp_path: Path) -> None:
    say(tmp_path, arm(7))
    first = heard(tmp_path, 1, lambda: 50)
    assert [path.suffix for path in tmp_path.iterdir()] == [".taken"]
    assert heard(tmp_path, 1, lambda: 50) == first


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"word": "fly"}', '{"word": "arm", "until_ns": "soon"}', "x" * 70_000]
)
def test_what_is_no_word_is_put_aside_and_the_next_is_heard(tmp_path: Path, text: str) -> None:
    (tmp_path / "00000000000000000001-1.word").write_text(text)
    with pytest.raises(InputError, match="holds no word"):
        read_word(tmp_path / "00000000000000000001-1.word")
    say(tmp_path, arm(9))
    assert [word.until_ns for word in heard(tmp_path, 1, lambda: 50)] == [9]
    assert (tmp_path / "00000000000000000001-1.refused").is_file()
