"""Cases of the carried shapes with values of our own, worked out by hand from the venues' formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from perpbook.errors import TermsError
from perpbook.kernels.margin import requirement
from perpbook.terms.bitmex import commission, contract_value, position_value, unrealized_pnl
from tests.golden import registry
from tests.golden.runner import load_adapters

