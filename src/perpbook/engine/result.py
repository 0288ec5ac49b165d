"""A backtest told whole: the run under the playbook, the control run, the hopeful one, and all that must be known beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perpbook.engine.outcome import Outcome
from perpbook.engine.overlaid import Overlaid
from perpbook.engine.treasured import Treasured
from perpbook.model.data_finding import DataFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestResult:
    """A run told whole. `guarded` is under the playbook, None without one; `control` is the same without it; `hopeful` is
    `guarded` (or else `control`) with the optimistic fills. `overlay` is what options held beside did, `treasured` what a
    treasurer did in the main run, None without any. `result_hash` stands for every number of them."""

    guarded: Outcome | None
    control: Outcome
    hopeful: Outcome
    findings: tuple[DataFinding, ...]
    notes: tuple[str, ...]
    not_modelled: tuple[str, ...]
    facts: Mapping[str, Any]
    result_hash: str
    overlay: Overlaid | None = None
    treasured: Treasured | None = None

    @property
    def main(self) -> Outcome:
        """The run the trader asked for."""
        return self.guarded if self.guarded is not None else self.control
