"""Files of targets, good and bad."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perpbook.errors import InputError
from perpbook.history.targets import read_targets
from perpbook.model.units import HOUR_NS
from tests.unit.strategy_bars import BTC, ETH, HL_BTC, START, Past, bars_of, rows

LEGS = (BTC, ETH, HL_BTC)
BARS = bars_of({leg: Past(closes=[100.0] * 24) for leg in LEGS})
"""24 hourly bars: the first closes at 01:00, the last at midnight."""

LONG = """time,account,symbol,exposure
2024-01-01T01:00:00,main,BTCUSDT,0.5
2024-01-01T01:00:00,hedge,BTC,-0.5
2024-01-01T02:30:00Z,main,BTCUSDT,0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_time_belongs_to_the_first_close_at_or_after_it(tmp_path: Path) -> None:
    table = read_targets(written(tmp_path, LONG), BARS, LEGS)
    assert table.legs == (BTC, HL_BTC)
    assert rows(table) == [(0, [0.5, -0.5]), (2, [0.0, None])]


def test_a_column_for_each_leg_and_empty_cells_that_leave_it_alone(tmp_path: Path) -> None:
    text = "time, hedge:BTC ,main:ETHUSDT\n1704070800000,-0.25,\n1704074400000,,1e-1\n"
    table = read_targets(written(tmp_path, text), BARS, LEGS)
    assert table.legs == (ETH, HL_BTC)
    assert rows(table) == [(0, [None, -0.25]), (1, [0.1, None])]


def test_parquet_and_frames_say_the_same_as_csv(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "time": [datetime(2024, 1, 1, 1, tzinfo=UTC)] * 2 + [datetime(2024, 1, 1, 2, 30, tzinfo=UTC)],
            "account": ["main", "hedge", "main"],
            "symbol": ["BTCUSDT", "BTC", "BTCUSDT"],
            "exposure": [0.5, -0.5, 0.0],
        }
    )
    frame.write_parquet(tmp_path / "targets.parquet")
    wanted = rows(read_targets(written(tmp_path, LONG), BARS, LEGS))
    assert rows(read_targets(tmp_path / "targets.parquet", BARS, LEGS)) == wanted
    assert rows(read_targets(frame, BARS, LEGS)) == wanted


def test_the_first_open_and_the_last_close_are_within() -> None:
    ends = pl.DataFrame({"time": [START // 10**6, (START + 24 * HOUR_NS) // 10**6], "main:BTCUSDT": [1, 0]})
    assert rows(read_targets(ends, BARS, LEGS)) == [(0, [1.0]), (23, [0.0])]


def test_every_target_of_a_long_file_stands_where_a_loop_would_put_it() -> None:
    rng = np.random.default_rng(3)
    time = START + np.sort(rng.choice(24, 12, replace=False)) * HOUR_NS + 1
    frame = pl.DataFrame({"time": (time // 10**6 + 1).tolist(), "main:ETHUSDT": rng.normal(size=12).tolist()})
    table = read_targets(frame, BARS, LEGS)
    close = BARS.open_ns + BARS.bar_ns
    for moment, exposure in frame.iter_rows():
        bar = next(number for number in range(24) if close[number] >= moment * 10**6)
        assert table.exposure[list(table.bar).index(bar), 0] == exposure


HEAD = "time,account,symbol,exposure\n"
AT = "2024-01-01T05:00:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (HEAD, "there are no targets"),
        ("when,account,symbol,exposure\n1,2,3,4\n", 'no column "time"'),
        (f"{HEAD}{AT},mian,BTCUSDT,1\n", 'targets.csv:2: account: there is no account "mian"\n    did you mean "main"?'),
        (f"{HEAD}{AT},main,BTCUSD,1\n", 'account "main" has no symbol "BTCUSD"\n    did you mean "BTCUSDT"?'),
        (f"{HEAD}{AT},main,BTCUSDT,nan\n", f"targets.csv:2: exposure: the exposure at {AT} is 'nan'"),
        (f"{HEAD}{AT},main,BTCUSDT,-inf\n", "is '-inf'"),
        (f"{HEAD}{AT},main,BTCUSDT,lots\n", "is 'lots'"),
        (f"{HEAD}{AT},main,BTCUSDT,\n", "leave the row out"),
        (f"{HEAD}tomorrow,main,BTCUSDT,1\n", "targets.csv:2: the time is 'tomorrow'"),
        (f"{HEAD}{AT},main,BTCUSDT,1\n2024-01-01T04:00:00,main,BTCUSDT,1\n", "targets.csv:3: time: the time 2024-01-01T04"),
        (f"{HEAD}{AT},main,BTCUSDT,1\n{AT}Z,main,BTCUSDT,2\n", "targets.csv:3: time: main:BTCUSDT has two targets"),
        (f"{HEAD}2023-12-31T23:59:00,main,BTCUSDT,1\n", "outside the bars, the first at 2023-12-31T23:59:00Z"),
        (f"{HEAD}2024-01-02T00:00:01,main,BTCUSDT,1\n", "the bars are from 2024-01-01T00:00:00Z to 2024-01-02"),
        (f"{HEAD}1704070800,main,BTCUSDT,1\n", "look like seconds"),
        (f"{HEAD}2024-01-01T04:10:00,main,BTCUSDT,1\n{AT},main,BTCUSDT,2\n", "both fall to the bar that closes at 2024-01-01T05"),
        (f"time,main:BTCUSTD\n{AT},1\n", 'no leg "main:BTCUSTD"\n    did you mean "main:BTCUSDT"?'),
        (f"time,main:BTCUSDT\n{AT},1\n{AT},2\n", "targets.csv:3: time: the time 2024-01-01T05:00:00Z is there twice"),
        (f"time,main:BTCUSDT\n{AT},NaN\n", "is 'NaN'"),
        (f"time\n{AT}\n", "no column is a leg's"),
        (f"time,account,symbol,exposure,note\n{AT},main,BTCUSDT,1,x\n", 'a column "note"'),
        (f"{HEAD}{AT},main,BTCUSDT,1,2,3\n", "cannot be read"),
    ],
)  # fmt: skip
def test_a_bad_file_names_itself_the_row_and_the_next_step(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_targets(written(tmp_path, text), BARS, LEGS)
    assert said in str(caught.value)
    assert str(tmp_path / "targets.csv") in str(caught.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_targets(written(tmp_path, f"{HEAD}{AT},main,BTC,1\n{AT},mine,BTCUSDT,x\n"), BARS, LEGS)
    assert len(caught.value.problems) == 3


def test_what_is_no_file_of_targets(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"time,account\n\xff\xfe")
    (tmp_path / "broken.parquet").write_bytes(b"PAR?")
    (tmp_path / "targets.xlsx").write_bytes(b"x")
    for name, said in [
        ("latin.csv", "not UTF-8"),
        ("broken.parquet", "cannot be read"),
        ("targets.xlsx", "neither .csv nor .parquet"),
        (".", "is a folder"),
        ("none.csv", "no such file"),
    ]:
        with pytest.raises(InputError, match=said):
            read_targets(tmp_path / name, BARS, LEGS)


@pytest.mark.parametrize("values", [[True], [None], [float("nan")], [[1.0]]])
def test_a_frame_of_the_wrong_kind_is_refused(values: list[object]) -> None:
    frame = pl.DataFrame({"time": [START // 10**6], "account": ["main"], "symbol": ["BTCUSDT"], "exposure": values})
    with pytest.raises(InputError, match="the frame of targets:1: exposure"):
        read_targets(frame, BARS, LEGS)
