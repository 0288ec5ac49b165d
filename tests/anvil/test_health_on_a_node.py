"""Health read from a real EVM node: halts, recovery with grace, dear gas, hung and disagreeing providers, rollbacks, jumps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from perpbook.model.health import ACCESS, BATCHES, EXITS, HEAD, LayerHealth, State
from perpbook.model.units import SECOND_NS
from perpbook.runs.treasury_health import Asked, Monitor, monitor_of
from perpbook.treasury.health_conditions import absences_of
from tests.anvil.node import INSTALL, Chain, compiled, compiled_anew, kind, nodes
from tests.anvil.relay import instead, relay

pytestmark = pytest.mark.skipif(not kind(), reason=f"there is no EVM node here: {INSTALL}")
of_anvil = pytest.mark.skipif(
    kind() == "eth-tester", reason="eth-tester cannot do this, or takes too long: `make node` installs anvil"
)

FEED = "0xFdB631F5EE196F0ed6FAa767959853A9F217697D"
INBOX = "0x1c479675ad559DC151F6Ec7ed3FbF8ceE79582B6"
USDC = "0xaf88d065e77c8cC2239327C5EDb3A432268e5831"
DEEP = 25
"""Blocks until what was written is as deep as blocks are compared."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as out:
        yield out


def one_node(stack: ExitStack) -> tuple[Chain, str]:
    """A node with an uptime feed that says up, and the address of a second provider that asks it."""
    (out,) = nodes(42161)
    stack.callback(out.close)
    tell(out, 0, 1)
    return out, stack.enter_context(relay(out.url)).url


def two_nodes(stack: ExitStack) -> list[Chain]:
    """Two nodes of one chain that know nothing of one another."""
    out = nodes(42161, 42161)
    for one in out:
        stack.callback(one.close)
        tell(one, 0, 1)
    return out


def tell(node: Chain, answer: int, since: int) -> None:
    """Let the feed say up (0) or down (1), and let it sink in."""
    node.put(FEED, "UptimeFeed", answer, since)
    node.mine(DEEP)


def monitor(stack: ExitStack, *urls: str, **more: object) -> Monitor:
    asked = Asked(layers=("arbitrum",), rpc=tuple(f"arbitrum={url}" for url in urls), timeout_s=1.0, **more)  # type: ignore[arg-type]
    out = monitor_of(asked)
    stack.callback(out.close)
    return out


def look(of: Monitor, at_s: float) -> LayerHealth:
    """What is seen when this machine's clock is at a time."""
    return of.look(lambda: round(at_s * SECOND_NS))[0]


def kinds(health: LayerHealth) -> list[str]:
    return [one.kind for one in absences_of(health)]


@of_anvil
def test_the_contracts_are_what_the_compiler_makes_of_their_source() -> None:
    assert compiled() == compiled_anew()


@of_anvil
def test_a_living_layer_is_well_and_takes_nothing_away(stack: ExitStack) -> None:
    one, two = two_nodes(stack)
    seen = look(monitor(stack, one.url, two.url), one.time_s + 1)
    assert seen.worst is State.OK and seen.agreement.agreed and not seen.notes
    assert seen.clocks[HEAD].age_s == 1.0 and seen.fees is not None and not kinds(seen)


def test_a_halt_is_seen_by_age_though_the_feed_says_up_and_recovery_keeps_its_grace(stack: ExitStack) -> None:
    node, second = one_node(stack)
    of, halted_s = monitor(stack, node.url, second), node.time_s
    assert look(of, halted_s + 1).state_of(HEAD) is State.OK
    halt = look(of, halted_s + 31)
    assert halt.state_of(HEAD) is State.HALTED and kinds(halt) == ["halt"]
    assert any("still says up" in one for one in halt.notes)
    node.mine(1, first_s=halted_s + 7200)
    tell(node, 1, halted_s + 5)
    down = look(of, node.time_s + 1)
    assert down.state_of(HEAD) is State.HALTED and any("says down" in one for one in down.notes)
    tell(node, 0, node.time_s + 2)
    seen = look(of, node.time_s + 1)
    assert seen.state_of(HEAD) is State.RECOVERING and kinds(seen) == ["departures"]


@of_anvil
def test_a_sequencer_that_stops_mining_by_itself_is_halted(stack: ExitStack) -> None:
    node, second = one_node(stack)
    of = monitor(stack, node.url, second)
    node.ask("evm_setIntervalMining", 1)
    assert look(of, node.time_s + 1).state_of(HEAD) is State.OK
    node.ask("evm_setIntervalMining", 0)
    assert node.ask("eth_syncing") is False
    seen = look(of, node.time_s + 40)
    assert seen.state_of(HEAD) is State.HALTED


def test_the_grace_is_over_after_an_hour_and_never_before(stack: ExitStack) -> None:
    node, second = one_node(stack)
    up_s, of = node.time_s, monitor(stack, node.url, second)
    tell(node, 0, up_s)
    for after, state in (
        (60, State.RECOVERING),
        (3_599, State.RECOVERING),
        (3_601, State.DEGRADED),
        (90_001, State.OK),
    ):
        node.mine(1, first_s=up_s + after)
        assert look(of, up_s + after).state_of(HEAD) is state


@of_anvil
def test_a_spike_of_gas_is_told_against_what_is_usual(stack: ExitStack) -> None:
    node, second = one_node(stack)
    node.ask("anvil_setNextBlockBaseFeePerGas", hex(40_880_000_000))
    node.mine(1)
    seen = look(monitor(stack, node.url, second), node.time_s)
    assert seen.fees is not None and 30.0 < seen.fees.base_gwei < 41.0
    assert kinds(seen) == ["gas"] and any("gas is dear" in one for one in seen.notes)


@of_anvil
def test_a_hung_provider_is_left_out_of_three_and_unknown_of_two(stack: ExitStack) -> None:
    one, two = two_nodes(stack)
    third = stack.enter_context(relay(one.url))
    two.hang()
    seen = look(monitor(stack, one.url, two.url, third.url), one.time_s + 1)
    assert seen.state_of(HEAD) is State.OK and seen.state_of(ACCESS) is State.DEGRADED
    assert list(seen.agreement.left_out.values()) == ["does not answer within 1 s"]
    alone = look(monitor(stack, one.url, two.url), one.time_s + 1)
    assert alone.worst is State.UNKNOWN and "rpc" in kinds(alone)


def test_a_liar_about_the_height_is_named_and_left_out(stack: ExitStack) -> None:
    one, two = one_node(stack)
    high = instead(
        "eth_getBlockByNumber",
        lambda block: block | {"number": hex(int(block["number"], 16) + 900)} if block else block,
    )
    liar = stack.enter_context(relay(one.url, high))
    seen = look(monitor(stack, one.url, two, liar.url), one.time_s + 1)
    assert seen.state_of(HEAD) is State.OK
    assert "900 blocks ahead" in seen.agreement.left_out[liar.url.removeprefix("http://")]


@of_anvil
def test_a_provider_that_lags_is_named_and_left_out(stack: ExitStack) -> None:
    one, two = two_nodes(stack)
    third = stack.enter_context(relay(one.url))
    one.mine(120)
    seen = look(monitor(stack, one.url, two.url, third.url), one.time_s + 1)
    assert seen.state_of(HEAD) is State.OK and "120 blocks behind" in "".join(seen.agreement.left_out.values())


@of_anvil
def test_two_that_tell_different_pasts_are_nobody_to_believe(stack: ExitStack) -> None:
    one, two = two_nodes(stack)
    two.put(USDC, "Token", 5)
    for node in (one, two):
        node.mine(DEEP)
    seen = look(monitor(stack, one.url, two.url), one.time_s + 1)
    assert seen.worst is State.UNKNOWN and "disagree on the block" in seen.clocks[HEAD].why


def test_a_node_of_another_chain_is_no_witness(stack: ExitStack) -> None:
    one, two = one_node(stack)
    (other,) = nodes(10)
    stack.callback(other.close)
    seen = look(monitor(stack, one.url, two, other.url), one.time_s + 1)
    assert "is of chain 10, not of 42161" in seen.agreement.left_out.values()
    assert look(monitor(stack, one.url, other.url), one.time_s + 1).worst is State.UNKNOWN


def test_a_rollback_is_seen_by_the_block_that_was_agreed_on(stack: ExitStack, tmp_path: Path) -> None:
    node, second = one_node(stack)
    kept = tmp_path / "health.json"
    look(monitor(stack, node.url, second, memory=kept), node.time_s + 1)
    node.ask("anvil_rollback", 30)
    node.put(USDC, "Token", 5)
    node.mine(40)
    seen = look(monitor(stack, node.url, second, memory=kept), node.time_s + 1)
    assert seen.state_of(HEAD) is State.ROLLED_BACK and kinds(seen) == ["rollback"]
    assert any("another one than before" in one for one in seen.notes)


def test_a_chain_that_is_shorter_than_it_was_has_rolled_back(stack: ExitStack) -> None:
    node, second = one_node(stack)
    of = monitor(stack, node.url, second)
    look(of, node.time_s + 1)
    node.ask("anvil_rollback", 40)
    seen = look(of, node.time_s + 41)
    assert seen.state_of(HEAD) is State.ROLLED_BACK and any("shorter" in one for one in seen.notes)


def test_a_jump_of_seven_days_is_a_clock_that_disagrees_and_never_ok(stack: ExitStack) -> None:
    node, second = one_node(stack)
    before_s, of = node.time_s, monitor(stack, node.url, second)
    node.mine(1, 7 * 86_400)
    ahead = look(of, before_s + 1)
    assert ahead.state_of(HEAD) is State.UNKNOWN and "ahead of this machine's" in ahead.clocks[HEAD].why
    assert "rpc" in kinds(ahead)
    assert look(of, node.time_s + 1).state_of(HEAD) is State.OK


def test_balances_are_what_both_say_and_a_liar_makes_them_unknown(stack: ExitStack, tmp_path: Path) -> None:
    node, second = one_node(stack)
    me, file = node.ask("eth_accounts")[0], tmp_path / "health.toml"
    node.put(USDC, "Token", 2_500_000_000)
    node.mine(DEEP)
    liar = stack.enter_context(relay(node.url, instead("eth_getBalance", "0x1"))).url
    for other, known in ((second, True), (liar, False)):
        file.write_text(
            f'schema = "health/1"\n[layers.arbitrum]\nproviders = ["{node.url}", "{other}"]\naccounts = ["{me}"]\n'
            f'tokens = {{ USDC = "{USDC}" }}\n'
        )
        native, token = look(monitor(stack, file=file), node.time_s + 1).balances
        assert token.amount == 2500.0 and (native.amount == 10_000.0) is known and (native.units is None) is not known


def below(stack: ExitStack, tmp_path: Path) -> tuple[Monitor, Chain, Chain]:
    """A rollup and the layer it posts to, each with a second witness, its batches and exits watched."""
    up, down = nodes(42161, 1)
    for one in (up, down):
        stack.callback(one.close)
    tell(up, 0, 1)
    down.put(INBOX, "Inbox", 0)
    more = [stack.enter_context(relay(one.url)).url for one in (up, down)]
    me, file = down.ask("eth_accounts")[0], tmp_path / "health.toml"
    file.write_text(
        f'schema = "health/1"\n[layers.ethereum]\nproviders = ["{down.url}", "{more[1]}"]\n'
        f'[layers.arbitrum]\nproviders = ["{up.url}", "{more[0]}"]\n'
        f'batches = {{ on = "ethereum", contract = "{INBOX}", warn = 600, crit = 1800 }}\n'
        f'exits = {{ on = "ethereum", sender = "{me}", warn = 600, crit = 1800 }}\n'
        f'pause = {{ on = "ethereum", contract = "{INBOX}" }}\n'
    )
    return monitor(stack, file=file), up, down


def catch_up(up: Chain, down: Chain) -> float:
    """Mine both chains to one time."""
    last = max(up.time_s, down.time_s) + 60
    for one in (up, down):
        one.mine(DEEP, first_s=last - DEEP + 1)
    return last + 1


@of_anvil
def test_batches_and_exits_are_read_from_the_layer_below(stack: ExitStack, tmp_path: Path) -> None:
    of, up, down = below(stack, tmp_path)
    sender = down.ask("eth_accounts")[0]
    down.ask("eth_sendTransaction", {"from": sender, "to": INBOX, "data": "0x05c1f502"})
    seen = look(of, catch_up(up, down))
    assert [seen.state_of(clock) for clock in (HEAD, BATCHES, EXITS)] == [State.OK] * 3
    assert 0.0 < (seen.clocks[BATCHES].age_s or 0.0) < 200.0 and seen.clocks[BATCHES].age_s == seen.clocks[EXITS].age_s
    down.mine(1, 1_000)
    seen = look(of, catch_up(up, down))
    assert seen.state_of(BATCHES) is State.DEGRADED and seen.state_of(HEAD) is State.OK
    down.mine(200, 12)
    seen = look(of, catch_up(up, down))
    assert seen.state_of(BATCHES) is State.HALTED and kinds(seen) == ["exits"]
    assert any("nothing is posted below" in one for one in seen.notes)


@of_anvil
def test_a_pause_closes_the_exits_of_a_layer_that_lives(stack: ExitStack, tmp_path: Path) -> None:
    of, up, down = below(stack, tmp_path)
    sender = down.ask("eth_accounts")[0]
    down.ask("eth_sendTransaction", {"from": sender, "to": INBOX, "data": "0x05c1f502"})
    down.put(INBOX, "Inbox", 1)
    seen = look(of, catch_up(up, down))
    assert seen.state_of(EXITS) is State.HALTED and seen.state_of(HEAD) is State.OK and kinds(seen) == ["exits"]
    down.hang()
    seen = look(of, up.time_s + 1)
    assert seen.state_of(EXITS) is State.UNKNOWN and seen.state_of(HEAD) is State.OK and kinds(seen) == ["exits"]
