"""How a table of calms is laid out: one row a contract, int64. Apart, so that who writes it does not load the compiler."""

from __future__ import annotations

GRANTED, UNTIL, AT, IN_ORDER = 0, 1, 2, 3
"""The calm it was granted in, when it ends (ns), the newest book's time (ns) and sequence. In row 0 the calm that is."""

NONE = 0
"""No calm."""

WIDTH = 4
