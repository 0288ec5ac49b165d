"""`treasury health` through the command's door: what it says, its exit codes, what it refuses; no key is ever printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError
from perpbook.health.watched_load import load_clocks, load_watches, packaged_clocks
from perpbook.treasury.facts_load import packaged_facts
from tests.anvil.relay import Change, relay
from tests.anvil.written import Written

KEY = "s3cr3tk3y"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as out:
        yield out


def ask(*words: str) -> tuple[int, str]:
    """Exit code and everything printed, in which no key ever stands."""
    done = CliRunner().invoke(app, ["treasury", "health", *words, "--timeout", "2"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert KEY not in done.output
    return done.exit_code, done.output


def serve(stack: ExitStack, *chains: Change, layer: str = "arbitrum") -> list[str]:
    """Options that name a provider for each chain."""
    urls = [stack.enter_context(relay(change=one)).url for one in chains]
    return [word for url in urls for word in ("--rpc", f"{layer}={url}/v2/{KEY}")]


def document(*words: str) -> tuple[int, dict[str, Any]]:
    code, out = ask(*words, "--json")
    found: dict[str, Any] = json.loads(out)
    return code, found


def test_a_layer_that_lives_is_told_in_words_and_as_a_document(stack: ExitStack) -> None:
    words = [*serve(stack, Written(), Written()), "--forget"]
    code, out = ask(*words)
    assert code == 0 and "Arbitrum One: transfers may begin." in out and "2 of 2" in out and "not watched: exits" in out
    code, found = document(*words)
    (layer,) = found["data"]["layers"]
    assert code == 0 and found["schema"] == "treasury.health/1" and layer["state"] == "ok" and layer["agreed"]
    assert (
        layer["clocks"]["exits"]["watched"] is False and layer["fees"]["base_gwei"] == 0.01 and layer["absences"] == []
    )


def test_a_halt_exits_with_10_a_liar_of_two_with_20_and_a_liar_of_three_with_11_if_strict(stack: ExitStack) -> None:
    assert ask(*serve(stack, Written(behind=600.0), Written(behind=600.0)), "--forget")[0] == 10
    code, out = ask(*serve(stack, Written(), Written(fork="x")), "--forget")
    assert code == 20 and "nobody can be believed" in out
    three = [*serve(stack, Written(), Written(), Written(fork="x")), "--forget"]
    code, out = ask(*three)
    assert code == 0 and "gives another block at that depth" in out and "with care" in out
    assert ask(*three, "--strict")[0] == 11
    down = Written(down=1)
    assert ask(*serve(stack, down, down), "--forget")[0] == 10


def test_what_was_seen_is_remembered_and_a_recovery_keeps_its_grace_over_runs(stack: ExitStack, tmp_path: Path) -> None:
    chain, kept = Written(behind=600.0), tmp_path / "kept" / "health.json"
    words = [*serve(stack, chain, chain), "--memory", str(kept)]
    assert ask(*words)[0] == 10 and json.loads(kept.read_text())["schema"] == "health-memory/1"
    chain.behind = 1.0
    code, out = ask(*words)
    assert code == 10 and "recovering" in out and "nothing out of it until its grace is over" in out
    chain.fork = "y"
    code, out = ask(*words)
    assert code == 10 and "is another one than before" in out
    kept.write_text('{"schema": "health-memory/1", "layers": {"arbitrum": 5}}')
    code, out = ask(*words)
    assert code == 3 and "is no memory" in out


def test_the_last_look_is_told_without_asking_and_is_unknown_when_it_is_old(stack: ExitStack, tmp_path: Path) -> None:
    words = ["--memory", str(tmp_path / "health.json")]
    assert ask("--last", "60", *words)[0] == 3
    served = serve(stack, Written(), Written())
    assert ask(*served, *words)[0] == 0
    code, out = ask("arbitrum", "--last", "60", *words)
    assert code == 0 and "last seen" in out
    assert ask("--last", "0.001", *words)[0] == 20
    code, out = ask("base", "--last", "60", *words)
    assert code == 3 and "nothing is remembered of base" in out
    code, out = ask(*served, "--last", "60")
    assert code == 3 and "leave out --rpc" in out


def test_it_looks_again_as_often_as_it_is_told(stack: ExitStack) -> None:
    out = ask(*serve(stack, Written(), Written()), "--forget", "--watch", "1", "--times", "2", "--json")[1]
    assert [json.loads(line)["ok"] for line in out.splitlines()] == [True, True]


def test_a_file_names_providers_and_takes_keys_from_the_environment(
    stack: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [stack.enter_context(relay(change=Written())).url for _ in range(2)]
    file = tmp_path / "health.toml"
    file.write_text(
        f'schema = "health/1"\n[layers.arbitrum]\nproviders = ["{urls[0]}/${{MY_KEY}}", "{urls[1]}"]\n'
        "head = { warn = 3, crit = 9 }\n"
    )
    monkeypatch.setenv("MY_KEY", KEY)
    assert ask("--providers", str(file), "--forget")[0] == 0
    monkeypatch.delenv("MY_KEY")
    code, out = ask("--providers", str(file), "--forget")
    assert code == 3 and "the environment has no MY_KEY" in out and "health.toml:3" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "there is nobody to ask"),
        (["atlantis"], '"atlantis" is no layer'),
        (["lighter"], "health of lighter cannot be read"),
        ([f"arbitrum=https://host/{KEY}"], "put --rpc before it"),
        (["--rpc", f"https://host/{KEY}"], "written layer=address"),
        (["--rpc", f"arbitrun=https://host/{KEY}"], 'did you mean "arbitrum"'),
        (["--rpc", f"arbitrum=ws://host/{KEY}"], "no http(s) address"),
        (["--rpc", f"base=https://host/{KEY}", "--rpc", "base=https://host/other"], "one host twice"),
        (["--rpc", f"base=https://host/{KEY}", "--watch", "0"], "--watch takes seconds"),
        (["--rpc", f"base=https://host/{KEY}", "--times", "2"], "--times says how many"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_next_step(words: list[str], told: str) -> None:
    code, out = ask(*words)
    assert code == 3 and told in out


def test_a_layer_without_providers_is_unknown_and_never_ok() -> None:
    code, found = document("base", "--forget")
    assert code == 20 and found["data"]["layers"][0]["state"] == "unknown"
    assert found["data"]["layers"][0]["absences"][0]["kind"] == "rpc"


ONE = f'schema = "health/1"\n[layers.arbitrum]\nproviders = ["https://a.example/{KEY}", "https://b.example/{KEY}"]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'schema = "health/1"\nlayers = "https://host/{KEY}"\n', "should be tables"),
        (f'schema = "health/1"\n[layers]\narbitrum = ["https://host/{KEY}"]\n', "should be tables"),
        (ONE.replace("arbitrum", "arbitrun"), 'did you mean "arbitrum"'),
        (ONE.replace('"https://b', '5, "https://b'), "should be a list of addresses"),
        (ONE.replace("https://b", "ftp://b"), "no http(s) address"),
        (ONE.replace("b.example", "a.example"), "one host twice"),
        (ONE + 'accounts = ["0x12"]\n', "is no address"),
        (ONE + 'tokens = { USDC = "usdc" }\n', "is no address"),
        (ONE + "colour = 1\n", "is not a key"),
        (ONE + "head = { warn = 9, crit = 3 }\n", "should not be below warn"),
        (ONE + 'batches = { on = "etherium", contract = "0x", warn = 1, crit = 2 }\n', 'did you mean "ethereum"'),
        (ONE + 'exits = { on = "ethereum", warn = 1, crit = 2 }\n', "says not what to look at"),
        (ONE.replace("health/1", "health/2"), 'is not "health/1"'),
        ("layers = [", "not valid TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place_and_without_its_keys(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "health.toml"
    file.write_text(text)
    code, out = ask("--providers", str(file))
    assert code == 3 and told in out


def test_the_table_of_clocks_is_of_layers_that_are_known_and_refuses_what_it_does_not(tmp_path: Path) -> None:
    clocks = packaged_clocks()
    assert set(clocks) <= set(packaged_facts().layers) and len(clocks) == 12
    assert all(one.batches is None or one.batches.on in clocks for one in clocks.values())
    file = tmp_path / "clocks.toml"
    for old, new in (("crit = 300", "crit = 3"), ('reader = "evm"', 'reader = "fax"'), ('"gas-samples"]', '"nobody"]')):
        text = (Path(__file__).parents[2] / "src/perpbook/health/data/clocks.toml").read_text(encoding="utf-8")
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(InputError, match="cannot be used"):
            load_clocks(file)


def test_the_file_of_the_page_loads_and_what_it_names_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/treasury-health.md").read_text(encoding="utf-8")
    file = tmp_path / "health.toml"
    file.write_text(page.split("```toml\n")[1].split("```")[0])
    for name in ("KEY_ONE", "KEY_TWO"):
        monkeypatch.setenv(name, KEY)
    found = load_watches(file, packaged_facts(), packaged_clocks())
    arbitrum = found["arbitrum"]
    assert (
        arbitrum.exits
        and arbitrum.exits.by == "sender"
        and arbitrum.pause
        and arbitrum.page
        and len(arbitrum.providers) == 3
    )
    assert arbitrum.needs == ("ethereum",) and found["ethereum"].base
