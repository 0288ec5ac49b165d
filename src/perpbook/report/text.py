"""A check as text: tables of at most 100 columns, the verdict first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from perpbook.margin.assessment import AccountAssessment, Assessment, PositionAssessment, StressOutcome
from perpbook.model.account import MarginMode
from perpbook.model.units import to_iso
from perpbook.model.verdict import Asked, DrillStanding, Finding, Plan, SleeveShare, Status, Verdict
from perpbook.report.moves_text import tell_moves
from perpbook.report.straight_table import StraightTable
from perpbook.report.words import NONE, bar, change, money, move, multiple, price, quantity, share

WIDTH = 100
COLOURS = {Status.OK: "green", Status.NEAR: "yellow", Status.BREACH: "red"}
MARKS = {Status.OK: "ok", Status.NEAR: "near", Status.BREACH: "BREACH"}


def table(title: str, *columns: str, left: int = 1) -> StraightTable:
    """A plain table: the first `left` columns to the left, the rest to the right."""
    made = StraightTable(title)
    for number, column in enumerate(columns):
        made.add_column(column, justify="left" if number < left else "right", overflow="fold")
    return made


def fit(made: StraightTable, names: Sequence[Sequence[str]]) -> None:
    """Give the first columns the room their names need, up to 24 each, before the numbers."""
    for column, texts in zip(made.columns, names, strict=False):
        column.min_width = min(24, max((len(text) for text in texts), default=0))


def tell_check(
    console: Console, assessment: Assessment, verdict: Verdict, *, playbook: str, every: bool = False
) -> None:
    """Print a whole check. `every` also lists the rules that hold easily."""
    tell_verdict(console, assessment, verdict, playbook)
    tell_findings(console, verdict.findings, every=every)
    tell_accounts(console, assessment.accounts)
    tell_positions(console, assessment.positions)
    tell_stress(console, assessment.stress, every=every)
    tell_sleeves(console, verdict.sleeves)
    tell_drill_standing(console, verdict.drill)
    tell_plans(console, verdict.plans)
    tell_asked(console, verdict.asked)
    if verdict.unplanned:
        console.print(verdict.unplanned)
    if verdict.money_wanted:
        ways = ", ".join(f"{money(one.dollars)} to {one.account}" for one in verdict.money_wanted)
        console.print(f"Without a trim, survival and the leverage caps would want more collateral: {ways}.")
    tell_moves(console, verdict.moves)
    tell_notes(console, assessment)


def tell_verdict(console: Console, assessment: Assessment, verdict: Verdict, playbook: str) -> None:
    """The answer in four lines."""
    book = assessment.book
    broken = sum(finding.status is Status.BREACH for finding in verdict.findings)
    near = sum(finding.status is Status.NEAR for finding in verdict.findings)
    counted = f"{broken} broken, {near} near, {len(verdict.findings) - broken - near} held"
    line = Text.assemble(
        (f" {MARKS[verdict.status].upper()} ", f"bold reverse {COLOURS[verdict.status]}"),
        f"  {playbook}: {counted}; prices of {to_iso(assessment.as_of_ns)}",
    )
    console.print(line)
    if assessment.simulated:
        console.print(Text("Prices are examples, not a market: nothing here is a quote.", style="bold yellow"))
    console.print(
        f"Equity {money(book.equity)} ({money(book.accounts_equity)} in accounts, {money(book.layers_value)} on layers, "
        f"{money(book.in_transit)} in transit), unrealised {money(book.unrealized_pnl)}."
    )
    console.print(
        f"Leverage {multiple(book.gross_leverage)} gross, {multiple(book.net_leverage)} net, "
        f"{multiple(book.effective_leverage)} effective."
    )
    if book.first_to_die is None:
        console.print("No joint move of all prices liquidates any account.")
    else:
        console.print(
            f"First to die: {book.first_to_die}, when every price moves {move(book.liquidation_move)} (by beta)."
        )


def tell_findings(console: Console, findings: Sequence[Finding], *, every: bool) -> None:
    """What the rules measured, worst first."""
    if not findings:
        return
    shown = list(findings) if every else worth_showing(findings)
    if not shown:
        console.print(f"\nAll {len(findings)} rules hold with room to spare (--all lists them).")
        return
    made = table("Rules", "status", "rule", "used", "what was found", left=4)
    made.columns[1].min_width = 16
    for finding in shown:
        made.add_row(
            Text(MARKS[finding.status], style=COLOURS[finding.status]),
            finding.rule,
            f"{bar(finding.used, 8)} {share(finding.used, 0):>5}",
            finding.sentence + (f" {finding.hint}" if finding.hint and finding.status is Status.BREACH else ""),
        )
    console.print(made)
    hidden = len(findings) - len(shown)
    if hidden:
        console.print(f"{hidden} more are held, or larger moves that break the same accounts (--all lists them).")


def worth_showing(findings: Sequence[Finding]) -> list[Finding]:
    """Broken and near rules; of one account's survival in one kind of scenario, only the smallest broken move."""
    told: set[tuple[str, str]] = set()
    shown = []
    for finding in findings:
        key = (finding.rule, finding.subject.rpartition(": ")[2])
        repeated = finding.rule.startswith("survival") and key in told
        if finding.status is not Status.OK and not repeated:
            shown.append(finding)
        if finding.status is Status.BREACH:
            told.add(key)
    return shown


def tell_accounts(console: Console, accounts: Sequence[AccountAssessment]) -> None:
    """One row per margin bucket."""
    made = table(
        "Accounts", "account", "mode", "equity", "initial", "maint.", "ratio", "gross", "net", "effect.",
        "dies at", left=2,
    )  # fmt: skip
    fit(made, [[account.id for account in accounts]])
    for account in accounts:
        summary = account.summary
        made.add_row(
            account.id,
            "cross" if account.mode is MarginMode.CROSS else "isol.",
            money(summary.equity),
            money(summary.initial_margin),
            money(summary.maintenance_margin),
            share(summary.margin_ratio),
            multiple(account.gross_leverage),
            multiple(account.net_leverage),
            multiple(account.effective_leverage),
            Text("DEAD", style="bold red") if account.is_liquidatable else move(account.liquidation_move),
        )
    console.print(made)
    console.print(
        "ratio: maintenance margin over equity, liquidation at 100 %. dies at: joint move of all prices, by beta."
    )
    for account in accounts:
        if account.orphans:
            left = "; ".join(
                f"{money(orphan.exposure_after)} of {orphan.asset} (now {money(orphan.exposure_now)})"
                for orphan in account.orphans
            )
            console.print(f"If {account.id} dies, the book is left with {left}.")


def tell_positions(console: Console, positions: Sequence[PositionAssessment]) -> None:
    """One row per position, ours beside the venue's own liquidation price where it gave one."""
    if not positions:
        return
    heard = any(one.reported.liquidation_price is not None or one.reported.no_liquidation_price for one in positions)
    columns = ("position", "account", "quantity", "mark", "notional", "PnL", "dies at", "distance")
    made = table("Positions", *columns, *(("venue says",) if heard else ()), left=2)
    fit(made, [[one.symbol for one in positions], [one.account for one in positions]])
    for one in positions:
        row = (
            one.symbol,
            one.account,
            quantity(one.quantity),
            price(one.mark_price),
            money(one.notional),
            money(one.unrealized_pnl),
            price(one.liquidation_price) if one.liquidation_price is not None else "none",
            share(one.liquidation_distance),
        )
        made.add_row(*row, *((_theirs(one),) if heard else ()))
    console.print(made)


def _theirs(one: PositionAssessment) -> str:
    if one.reported.liquidation_price is not None:
        return price(one.reported.liquidation_price)
    return "none" if one.reported.no_liquidation_price else NONE


def tell_stress(console: Console, outcomes: Sequence[StressOutcome], *, every: bool) -> None:
    """What each scenario does to equity and who dies in which order; of moves of one asset alone, only the largest."""
    if not outcomes:
        return
    made = table("Stress", "scenario", "kind", "equity", "change", "accounts liquidated on the way", left=2)
    made.columns[4].justify = "left"
    largest = max(abs(outcome.size) for outcome in outcomes)
    for outcome in outcomes:
        if outcome.kind == "asset" and abs(outcome.size) < largest and not every:
            continue
        deaths = ", ".join(
            f"{death.account} at {share(death.fraction * abs(outcome.size))}" for death in outcome.deaths
        )
        if not deaths:
            deaths = "none" if outcome.survives else f"none, but {outcome.worst_account} is inside its buffer"
        style = "" if outcome.survives else ("red" if outcome.deaths else "yellow")
        made.add_row(
            outcome.scenario, outcome.kind, change(-outcome.loss), share(-outcome.loss_share), Text(deaths, style=style)
        )
    console.print(made)


def tell_sleeves(console: Console, sleeves: Sequence[SleeveShare]) -> None:
    """Capital sleeves against their targets."""
    if not sleeves:
        return
    made = table("Sleeves", "sleeve", "capital", "share", "target", "least", "most")
    for one in sleeves:
        made.add_row(
            one.name, money(one.capital), share(one.share), share(one.target), share(one.least), share(one.most)
        )
    console.print(made)


def tell_drill_standing(console: Console, drill: DrillStanding | None) -> None:
    """The last drill and the next, where the playbook asks for drills."""
    if drill is None:
        return
    console.print(Text.assemble(("Drills", "bold"), ": ", (MARKS[drill.status], COLOURS[drill.status])))
    for one in drill.told:
        console.print(one)


def tell_plans(console: Console, plans: Sequence[Plan]) -> None:
    """What would mend the book, the cheapest first."""
    for plan in plans:
        scale = f", everything to {share(plan.uniform_scale)}" if plan.uniform_scale is not None else ""
        checked = "restores every rule a trade can restore" if plan.restores else "does NOT restore every rule"
        console.print(Text(f"Proposal, {plan.method}{scale}: costs {money(plan.cost)}, {checked}", style="bold"))
        made = table("", "trim", "account", "from", "to", "closes", "fees", "slippage", left=2)
        fit(made, [[trim.symbol for trim in plan.trims], [trim.account for trim in plan.trims]])
        for trim in plan.trims:
            made.add_row(
                trim.symbol,
                trim.account,
                quantity(trim.quantity_before),
                quantity(trim.quantity_after),
                money(trim.notional_closed),
                money(trim.fees),
                money(trim.slippage) if trim.slippage_known else "unknown",
            )
        console.print(made)
        asked = dict.fromkeys(rule for trim in plan.trims for rule in trim.rules)
        console.print(f"Asked for by {', '.join(asked)}.")
        for binding in plan.bindings[:3]:
            console.print(
                f"Binds: {binding.name} ({binding.account}); one more dollar there saves {money(binding.per_dollar)}."
                if binding.per_dollar >= 0.005
                else f"Binds: {binding.name} ({binding.account}); a thousand dollars more there save "
                f"{money(1_000 * binding.per_dollar)}."
            )
        if plan.remaining:
            console.print(f"Still broken afterwards, and no trim mends it: {', '.join(plan.remaining)}.")
            if any(rule.startswith("capital.sleeves") for rule in plan.remaining):
                console.print("`perpbook rebalance` looks for trades and transfers that bring sleeves back.")


def tell_asked(console: Console, asked: Sequence[Asked]) -> None:
    """What rules on funding want traded."""
    if not asked:
        return
    made = table("Asked for by rules on funding", "position", "account", "from", "to", "trades", "fees", "rule", left=2)
    made.columns[6].justify = "left"
    fit(made, [[one.symbol for one in asked], [one.account for one in asked]])
    for one in asked:
        made.add_row(
            one.symbol, one.account, quantity(one.quantity_before), quantity(one.quantity_after), money(one.notional),
            money(one.fees), one.rule,
        )  # fmt: skip
    console.print(made)


def tell_notes(console: Console, assessment: Assessment) -> None:
    """Where the venue says otherwise, and what to know before trusting a number."""
    if assessment.differences:
        made = table("The venue says otherwise", "account", "position", "number", "ours", "theirs", "apart", left=3)
        for one in assessment.differences:
            made.add_row(
                one.account, one.symbol or NONE, one.quantity.replace("_", " "),
                price(one.ours) if one.ours is not None else "none",
                price(one.theirs) if one.theirs is not None else "none",
                share(one.relative, 2),
            )  # fmt: skip
        console.print(made)
    for caution in assessment.cautions:
        console.print(Text(f"! {caution.message}", style="yellow"))
    if assessment.terms:
        console.print(f"Terms: {', '.join(f'{venue} {day}' for venue, day in assessment.terms)}.", style="dim")
