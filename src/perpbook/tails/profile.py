"""Student's copula of many resamples at once: its likelihood on a grid, from counts in cells."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from perpbook.model.bars import Floats
from perpbook.tails.copula import LEAST_NU, MOST_NU, STRAIGHT, student_log_density_at
from perpbook.tails.pareto import peak_offset

NUS = np.geomspace(LEAST_NU, MOST_NU, 28)
SPREAD = np.linspace(-0.5, 0.5, 9)
"""Where correlations are tried, on Fisher's scale, around the one of the whole sample."""


class Profile:
    """Log densities of every cell at every `nu` and a few correlations."""

    def __init__(self, middles: Floats, rho: float) -> None:
        centre = np.arctanh(np.clip(rho, -STRAIGHT, STRAIGHT))
        self._fisher = centre + SPREAD
        rhos = np.clip(np.tanh(self._fisher), -STRAIGHT, STRAIGHT)
        density = np.empty((SPREAD.size, middles.size * middles.size, NUS.size))
        for column, nu in enumerate(NUS.tolist()):
            x = stdtrit(nu, middles)
            for row, one in enumerate(rhos.tolist()):
                density[row, :, column] = student_log_density_at(x[:, None], x[None, :], one, nu).ravel()
        self._density = density

    def nus(self, table: Floats, rho: Floats) -> Floats:
        """(draws,) the most likely `nu` of each table, given its correlation."""
        counts = table.reshape(len(table), -1)
        fisher = np.clip(np.arctanh(np.clip(rho, -STRAIGHT, STRAIGHT)), self._fisher[0], self._fisher[-1])
        likelihood = np.zeros((len(counts), NUS.size))
        for at, density in enumerate(self._density):
            near = np.maximum(0.0, 1.0 - np.abs(fisher - self._fisher[at]) / (SPREAD[1] - SPREAD[0]))
            used = near > 0.0
            if used.any():
                likelihood[used] += near[used, None] * (counts[used] @ density)
        peak = np.argmax(likelihood, axis=1)
        inside = np.clip(peak, 1, NUS.size - 2)
        step = np.where(peak == inside, peak_offset(likelihood, inside), peak - inside)
        out: Floats = np.exp(np.interp(inside + step, np.arange(NUS.size), np.log(NUS)))
        return out
