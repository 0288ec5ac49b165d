"""guard.toml: read strictly, with places; keys are loaded for live alone, and never shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perpbook.errors import InputError
from perpbook.model.account import Account
from perpbook.model.alert import Alert
from perpbook.model.book import Book
from perpbook.runs.guard import GuardAsked, run_guard
from perpbook.runs.guard_config import GuardConfig, check_accounts, config_given, read_config
from perpbook.runs.guard_places import GuardPlaces
from perpbook.venues.clients import client_for
from perpbook.venues.keys import Secret, load_secret

WALLET = "0x" + "ab" * 20
GOOD = f'''mode = "live"
poll_seconds = 3

[accounts.hl-main]
venue = "hyperliquid"
address = "{WALLET}"
key = "env:PERPBOOK_NO_SUCH_KEY"
'''
OKX = GOOD.replace('"hyperliquid"', '"okx"').replace(WALLET, "ab" * 16) + 'passphrase = "env:WORD"\n'


def config(folder: Path, text: str) -> GuardConfig:
    path = folder / "guard.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def test_a_good_one_is_read_and_its_key_is_not_looked_for(tmp_path: Path) -> None:
    found = config(tmp_path, GOOD)
    assert found.live and found.every == 3.0 and found.accounts["hl-main"].address == WALLET
    assert "NO_SUCH_KEY" not in repr(found)


def test_okx_wants_a_passphrase_and_bybit_none(tmp_path: Path) -> None:
    found = config(tmp_path, OKX).accounts["hl-main"]
    assert (found.venue, found.passphrase) == ("okx", "env:WORD") and "WORD" not in repr(found)
    bybit = GOOD.replace('"hyperliquid"', '"bybit"').replace(WALLET, "ab" * 9)
    assert config(tmp_path, bybit).accounts["hl-main"].passphrase == ""


def test_the_pages_own_is_read(tmp_path: Path) -> None:
    text = Path("docs/guard-live.md").read_text(encoding="utf-8").split("# guard.toml\n")[1].split("```")[0]
    assert list(config(tmp_path, text).accounts) == ["hl-main", "dydx-main"]


def test_paper_needs_nothing_and_reads_no_key(tmp_path: Path) -> None:
    assert not config(tmp_path, 'mode = "paper"').live
    assert not config(tmp_path, GOOD.replace('"live"', '"paper"')).live


WRONG = {
    "no mode": (GOOD.replace('mode = "live"', ""), "mode"),
    "unknown mode": (GOOD.replace('"live"', '"Live"'), ":1:"),
    "unknown key": (GOOD + 'secret = "x"\n', ":8:"),
    "a key itself": (GOOD.replace("env:PERPBOOK_NO_SUCH_KEY", "0x" + "77" * 32), ":7:"),
    "no account": ('mode = "live"\n', "no account is given"),
    "an unknown venue": (GOOD.replace('"hyperliquid"', '"kraken"'), ":5:"),
    "an address of another venue": (GOOD.replace(WALLET, "dydx1" + "q" * 38), ":6:"),
    "a number for text": (GOOD.replace(f'"{WALLET}"', "7"), ":6:"),
    "a poll of never": (GOOD.replace("= 3", "= 0"), ":2:"),
    "a poll that is true": (GOOD.replace("= 3", "= true"), ":2:"),
    "plain http elsewhere": (GOOD + 'endpoint = "http://example.com"\n', ":8:"),
    "one address twice": (GOOD + GOOD[GOOD.index("[") :].replace("hl-main", "other"), "guarded once"),
    "a word too many": (GOOD + 'passphrase = "env:WORD"\n', ":8:"),
    "a word too few": (GOOD.replace('"hyperliquid"', '"okx"').replace(WALLET, "ab" * 16), "for no other venue"),
    "a word itself": (OKX.replace("env:WORD", "77" * 32), ":8:"),
    "no TOML": ("mode = ", "TOML"),
}


@pytest.mark.parametrize("why", WRONG)
def test_what_is_wrong_is_refused_with_its_place(why: str, tmp_path: Path) -> None:
    text, words = WRONG[why]
    with pytest.raises(InputError) as refused:
        config(tmp_path, text)
    assert words in str(refused.value) and "guard.toml" in str(refused.value)
    assert "77" * 32 not in str(refused.value)


def test_options_of_paper_are_refused_where_it_is_live(tmp_path: Path) -> None:
    config(tmp_path, GOOD)
    with pytest.raises(InputError, match="are of paper"):
        config_given(tmp_path / "guard.toml", of_paper=True)
    assert config_given(None, of_paper=True) is None


def test_it_must_be_of_the_book(tmp_path: Path) -> None:
    found = config(tmp_path, GOOD)
    for accounts in ((), (Account(id="hl-main", venue="dydx"),), (Account(id="x", venue="hyperliquid"),)):
        with pytest.raises(InputError, match="not of this book"):
            check_accounts(found, Book(as_of_ns=1, source="here", accounts=accounts))
    check_accounts(found, Book(as_of_ns=1, source="here", accounts=(Account(id="hl-main", venue="hyperliquid"),)))


def test_a_key_is_read_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPBOOK_A_KEY", " abc ")
    path = tmp_path / "key"
    path.write_text("abc\n", encoding="utf-8")
    path.chmod(0o600)
    assert load_secret("env:PERPBOOK_A_KEY").reveal() == load_secret(f"file:{path}").reveal() == "abc"


def test_a_key_that_others_may_read_or_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("abc-secret", encoding="utf-8")
    path.chmod(0o644)
    for where in (f"file:{path}", f"file:{tmp_path}/none", "env:PERPBOOK_NO_SUCH_KEY", "abc-secret", "env:", ""):
        with pytest.raises(InputError) as refused:
            load_secret(where)
        assert "abc-secret" not in str(refused.value)


KEYRING = """\
from keyring.errors import KeyringError

def get_password(service, user):
    if user == "locked":
        raise KeyringError(f"{service} is locked: abc-secret")
    return " abc-secret\\n" if user == "main" else None
"""


def test_a_key_is_read_from_the_systems_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_keyring(tmp_path, monkeypatch)
    found = load_secret("keyring:perpbook/main")
    assert found.reveal() == "abc-secret" and "abc" not in f"{found} {found!r}"
    for where, words in (("other", "has no perpbook of other"), ("locked", r"cannot be read \(KeyringError\)")):
        with pytest.raises(InputError, match=words) as refused:
            load_secret(f"keyring:perpbook/{where}")
        assert "abc-secret" not in str(refused.value) and refused.value.__cause__ is None


def with_keyring(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring that holds one key, in the place of the system's."""
    (folder / "keyring").mkdir()
    (folder / "keyring" / "__init__.py").write_text(KEYRING, encoding="utf-8")
    (folder / "keyring" / "errors.py").write_text("class KeyringError(Exception): ...\n", encoding="utf-8")
    for name in ("keyring", "keyring.errors"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(folder)


def test_without_a_keyring_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(InputError, match=r"pip install 'perpbook\[keyring\]'"):
        load_secret("keyring:perpbook/main")


@pytest.mark.parametrize("where", ["keyring:", "keyring:perpbook", "keyring:perpbook/", "keyring:/main"])
def test_a_keyring_without_service_and_user_is_no_place(where: str) -> None:
    with pytest.raises(InputError, match="keyring:SERVICE/USER"):
        load_secret(where)


def test_a_mnemonic_is_no_key_of_dydx_here_and_is_not_repeated() -> None:
    with pytest.raises(InputError, match="no mnemonic") as refused:
        client_for("dydx", "dydx1" + "q" * 38, Secret("abandon ability able"))
    assert "abandon" not in str(refused.value)


def test_a_venue_without_a_client_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be traded from here"):
        client_for("drift", "x", None)


class Nobody:
    async def tell(self, alert: Alert) -> None:
        return


@pytest.mark.parametrize("mode", ("paper", "live"))
def test_paper_runs_without_the_key_that_live_needs(mode: str, tmp_path: Path) -> None:
    given = config(tmp_path, GOOD.replace('"live"', f'"{mode}"'))
    example = Path("src/perpbook/examples/directional")
    asked = GuardAsked(
        book=example / "book.toml", playbook=example / "conservative.toml", seconds=0.5, config=given,
        places=GuardPlaces(folder=tmp_path / "guards" / "guard", journal=str(tmp_path / "journal.db")),
    )  # fmt: skip
    if mode == "paper":
        assert run_guard(asked, Nobody(), lambda line: None) > 0
    else:
        with pytest.raises(InputError, match="PERPBOOK_NO_SUCH_KEY"):
            run_guard(asked, Nobody(), lambda line: None)


@pytest.mark.parametrize(("text", "what"), ((None, "no such file"), ("mode = live", "not valid TOML")))
def test_a_configuration_that_is_none_is_not_called_a_playbook(text: str | None, what: str, tmp_path: Path) -> None:
    path = tmp_path / "guard.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=what) as refused:
        read_config(path)
    assert "playbook" not in str(refused.value) and "init" not in str(refused.value)
