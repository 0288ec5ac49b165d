"""The command line: every verb answers in text and JSON, every bad input with one clear message and the right code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.examples.catalogue import EXAMPLES, PLAYBOOKS, book_file, playbook_file
from perpbook.runs.doctor import PACKAGES

runner = CliRunner()


def ask(*words: str) -> tuple[int, str, str]:
    result = runner.invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def document(*words: str) -> tuple[int, dict]:
    code, out, _ = ask(*words, "--json")
    return code, json.loads(out)


@cache
def verdict(example: str, playbook: str) -> dict:
    told: dict = document("check", str(book_file(example)), str(playbook_file(example, playbook)))[1]["data"]["verdict"]
    return told


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert ask("init", str(tmp_path))[0] == 0
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", list(EXAMPLES))
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_example_is_checked_and_says_its_prices_are_made_up(example: str, playbook: str) -> None:
    code, out, _ = ask("demo", "--example", example, "--playbook", playbook)
    assert code == 0
    assert "Prices are examples" in out
    assert max(map(len, out.splitlines())) <= 100, "fits a hundred columns"


@pytest.mark.parametrize("example", list(EXAMPLES))
def test_the_conservative_playbook_finds_what_the_aggressive_one_lets_pass(example: str) -> None:
    def broken(playbook: str) -> int:
        return sum(one["status"] == "breach" for one in verdict(example, playbook)["findings"])

    assert broken("conservative") > broken("aggressive")


@pytest.mark.parametrize("example", list(EXAMPLES))
def test_the_cheapest_plan_costs_no_more_than_the_uniform_one_and_both_restore(example: str) -> None:
    plans = {plan["method"]: plan for plan in verdict(example, "conservative")["plans"]}
    assert plans["cheapest"]["restores"] and plans["uniform"]["restores"]
    assert plans["cheapest"]["cost"] <= plans["uniform"]["cost"]


def test_exit_codes_tell_a_script_what_happened(mine: Path) -> None:
    assert ask("check")[0] == 10
    (mine / "playbook.toml").write_text("schema_version = 1\n[leverage.book]\ngross = 8\n", encoding="utf-8")
    assert ask("check")[0] == 0
    assert ask("check", "--strict")[0] == 11
    (mine / "playbook.toml").write_text("schema_version = 1\n[data]\nprices_max_age_minutes = 1\n", encoding="utf-8")
    assert ask("check")[0] == 20
    (mine / "playbook.toml").write_text("schema_version = 2\n", encoding="utf-8")
    assert ask("check")[0] == 3
    assert ask("check", "--no-such-option")[0] == 2


JSON_VERBS = [
    ["demo"],
    ["check"],
    ["doctor"],
    ["version"],
    ["terms", "list"],
    ["terms", "show", "okx"],
    ["terms", "show", "deribit", "--contract", "BTC-PERPETUAL", "--at", "2026-12-01"],
    ["book", "show"],
    ["playbook", "validate"],
    ["playbook", "explain"],
    ["playbook", "show"],
    ["playbook", "diff", "playbook.toml", "playbook.toml"],
    ["whatif", "short 0.1 BTC @ hyperliquid"],
    ["whatif", "short 0.1 BTC @ hyperliquid", "--max-size"],
]


@pytest.mark.parametrize("words", JSON_VERBS, ids=" ".join)
def test_every_verb_prints_one_json_document(words: list[str], mine: Path) -> None:
    code, found = document(*words)
    assert code in (0, 10)
    assert found["ok"] is True and found["errors"] == [] and found["schema"].endswith("/1")
    assert ask(*words)[1].strip()


def test_an_error_is_one_json_document_too(mine: Path) -> None:
    (mine / "playbook.toml").write_text("schema_version = 1\nnaer = 0.5\nname = 3\n", encoding="utf-8")
    code, found = document("playbook", "validate")
    assert code == 3 and found["ok"] is False and found["data"] is None
    assert [(one["line"], one["key"]) for one in found["errors"]] == [(2, "naer"), (3, "name")]
    assert 'did you mean "near"?' in found["errors"][0]["hint"]


def test_edit_keeps_comments_and_refuses_what_would_break(mine: Path) -> None:
    assert ask("playbook", "edit", "playbook.toml", "leverage.asset.BTC", "1.5")[0] == 0
    text = (mine / "playbook.toml").read_text(encoding="utf-8")
    assert "BTC = 1.5" in text and "# A careful trader's rules" in text
    code, _, err = ask("playbook", "edit", "playbook.toml", "leverage.asset.BTC", "-1")
    assert code == 3 and "greater than 0" in err
    assert (mine / "playbook.toml").read_text(encoding="utf-8") == text


def test_init_says_how_to_check_what_it_wrote(tmp_path: Path) -> None:
    _, out, _ = ask("init", str(tmp_path / "mine"))
    assert f"perpbook check {tmp_path / 'mine' / 'book.toml'}" in out.replace("\n", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "playbook.toml", "book.toml"), "name the book first"),
        (("check", "playbook.toml"), "name the book first"),
        (("check", "."), "book.toml"),
        (("playbook", "validate", "."), "playbook.toml"),
    ],
)
def test_a_file_in_the_place_of_another_is_told_as_that(words: tuple[str, ...], said: str, mine: Path) -> None:
    code, _, err = ask(*words)
    assert code == 3 and said in err


def test_the_doctor_looks_for_every_package_that_is_needed() -> None:
    needed = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "dependencies"
    ]
    assert set(PACKAGES) == {one.split(">")[0] for one in needed}


def test_init_does_not_overwrite(mine: Path) -> None:
    code, _, err = ask("init", str(mine))
    assert code == 3 and "--force" in err
    assert ask("init", str(mine), "--force")[0] == 0


def test_the_page_is_written_and_holds_everything(mine: Path) -> None:
    assert ask("check", "--html", "report.html")[0] == 10
    page = (mine / "report.html").read_text(encoding="utf-8")
    assert "hl-main" in page and "<script" in page and 'src="http' not in page
    code, _, err = ask("check", "--html", str(mine / "no" / "folder.html"))
    assert code == 3 and "cannot be written" in err


def test_the_largest_size_is_allowed_and_a_lot_more_is_not(mine: Path) -> None:
    (mine / "playbook.toml").write_text("schema_version = 1\n[leverage.asset]\nBTC = 3\n", encoding="utf-8")
    code, found = document("whatif", "long 0.001 BTC @ hyperliquid", "--max-size")
    largest = found["data"]["comparison"]["largest"]
    assert code == 0 and largest > 0.001
    assert ask("whatif", f"long {largest} BTC @ hyperliquid")[0] == 0
    assert ask("whatif", f"long {largest + 1e-5:.5f} BTC @ hyperliquid")[0] == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["whatif", "buy some BTC"], "is not a trade"),
        (["whatif", "long 1 BTC @ krakn"], "no account or venue"),
        (["whatif", "long 1 BTCC @ hyperliquid"], "did you mean"),
        (["whatif", "long 0.0000001 BTC @ hyperliquid"], "less than one lot"),
        (["whatif", "close XRP @ hyperliquid"], "no price for XRP"),
        (["terms", "show", "binanse"], 'did you mean "binance'),
        (["terms", "show", "binance", "--at", "yesterday"], "is not a date"),
        (["demo", "--example", "none"], "choose directional"),
        (["check", "no-such-book.toml"], "no such file"),
        (["check", "."], "folder"),
        (["book", "export", "--format", "yaml"], "choose toml or json"),
    ],
)
def test_a_wrong_word_gets_one_clear_message(words: list[str], message: str, mine: Path) -> None:
    code, out, err = ask(*words)
    assert code == 3
    assert message in err and "Traceback" not in err and not out


def test_a_file_that_is_not_text_gets_one_clear_message(mine: Path) -> None:
    (mine / "book.toml").write_bytes(b"\xff\xfe\x00schema")
    code, _, err = ask("check")
    assert code == 3 and "UTF-8" in err


def test_a_book_from_the_future_is_refused(mine: Path) -> None:
    text = (mine / "book.toml").read_text(encoding="utf-8").replace("2026-11-20", "2126-11-20")
    (mine / "book.toml").write_text(text, encoding="utf-8")
    code, _, err = ask("check")
    assert code == 3 and "future" in err


def test_a_bug_of_ours_is_said_so_with_exit_code_1() -> None:
    code = "from perpbook.cli.output import guarded\ndef run():\n    raise KeyError('x')\nguarded(run)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "perpbook has a bug" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_large_book_is_checked_by_compiled_kernels(tmp_path: Path) -> None:
    symbols = ("BTC", "ETH", "SOL", "XRP", "AAVE", "ADA", "APT", "AVAX", "BCH", "CRV")
    lines = ['schema = "book/1"', 'as_of = "2026-11-20T12:00:00Z"']
    for k in range(1_000):
        lines += ["[[accounts]]", f'id = "a{k}"', 'venue = "hyperliquid"', f"collateral = {{ USDC = {1_000 + k}.0 }}"]
        for symbol in symbols:
            quantity = (-1) ** k * 0.001 * (1 + k % 7)
            lines += [
                "[[accounts.positions]]",
                f'symbol = "{symbol}"',
                f"quantity = {quantity}",
                "entry_price = 50000.0",
            ]
    for symbol in symbols:
        lines += ["[[markets]]", 'venue = "hyperliquid"', f'symbol = "{symbol}"', "mark_price = 50000.0"]
    (tmp_path / "book.toml").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "playbook.toml").write_text("schema_version = 1\n[survival]\nkinds = ['joint']\n", encoding="utf-8")
    settings = {key: value for key, value in os.environ.items() if key != "PERPBOOK_KERNELS"}
    done = subprocess.run(
        [sys.executable, "-m", "perpbook", "check", str(tmp_path / "book.toml"), "--json"],
        capture_output=True, text=True, check=False, timeout=300, env=settings,
    )  # fmt: skip
    assert done.returncode in (0, 10), done.stderr
    found = json.loads(done.stdout)["data"]["assessment"]
    assert len(found["positions"]) == 10_000
    assert found["book"]["equity"] == pytest.approx(sum(range(1_000, 2_000)))
