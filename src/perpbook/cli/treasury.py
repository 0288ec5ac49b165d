"""`perpbook treasury`: money on layers, what is needed where, over which route it comes, and what if a route is gone."""

from __future__ import annotations

import typer

from perpbook.cli.treasury_audit import audit
from perpbook.cli.treasury_economics import economics
from perpbook.cli.treasury_health import health
from perpbook.cli.treasury_incidents import incidents
from perpbook.cli.treasury_needs import needs
from perpbook.cli.treasury_plan import plan
from perpbook.cli.treasury_report import report
from perpbook.cli.treasury_routes import routes
from perpbook.cli.treasury_runbook import runbook
from perpbook.cli.treasury_status import status

app = typer.Typer(
    help="Money on layers: what is where, what is short, what to move and when it arrives.", no_args_is_help=True
)
app.command()(status)
app.command()(needs)
app.command()(routes)
app.command()(plan)
app.command()(audit)
app.command()(runbook)
app.command()(incidents)
app.command()(economics)
app.command()(health)
app.command()(report)
