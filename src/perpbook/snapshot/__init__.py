"""Books in and out: native files, venues' own answers, sheets. No network."""

from __future__ import annotations

from perpbook.snapshot.dump import dump_snapshot
from perpbook.snapshot.importing import FORMATS, import_snapshot
from perpbook.snapshot.load import load_snapshot

__all__ = ["FORMATS", "dump_snapshot", "import_snapshot", "load_snapshot"]
