"""`perpbook treasury`: money on layers, what is needed where, over which route it comes, and what if a route is gone."""

from __future__ import annotations

import typer

from perpbook.cli import (
    treasury_audit,
    treasury_economics,
    treasury_health,
    treasury_plan,
    treasury_report,
    treasury_runbook,
)
from perpbook.cli.treasury_incidents import incidents
from perpbook.cli.treasury_needs import needs
from perpbook.cli.treasury_routes import routes
from perpbook.cli.treasury_status import status

app = typer.Typer(
    help="Money on layers: what is where, what is short, what to move and when it arrives.", no_args_is_help=True
)
app.command("economics")(treasury_economics.economics)
app.command()(treasury_plan.plan)
app.command("health")(treasury_health.health)
app.command()(status)
app.command()(needs)
app.command("audit")(treasury_audit.audit)
app.command("report")(treasury_report.report)
app.command()(routes)
app.command("runbook")(treasury_runbook.runbook)
app.command()(incidents)
