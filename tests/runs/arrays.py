"""Seeded runs as named arrays, for comparing modes: `python -m tests.runs.arrays FILE.npz`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from perpbook.kernels import jit
from tests.runs.laws import left_behind, travel
from tests.runs.seeded import seeded_journey

SEEDS = (0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 15, 18, 32)
LONGEST = 130


def main(path: Path) -> None:
    found: dict[str, np.ndarray] = {}
    for seed in SEEDS:
        run = travel(seeded_journey(seed, LONGEST))
        found |= {f"{seed}.{name}": array for name, array in left_behind(run).items()}
    np.savez(path, allow_pickle=False, **found)
    print(jit.mode(), len(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
