"""Risk sets of tails: dependence, correlation under conditions, shortfall, nearest correlation, copulas.

The S&P 500 set needs the daily prices that skfolio brings; it is skipped where neither that package nor $PERPBOOK_SP500 (the
path of its sp500_dataset.csv.gz) is there.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import math
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from perpbook.tails import copula, families, null, shortfall
from perpbook.tails.dependence import exceedance_of, tail_dependence
from perpbook.tails.nearest import nearest_correlation
from tests.golden.registry import adapter

Values = Mapping[str, Any]


@adapter("risk", "bivariate_normal_cdf", needs={"a", "b", "rho"}, gives={"cdf"})
def bivariate_normal(given: Values) -> Values:
    return {"cdf": null.bivariate_normal_cdf(given["a"], given["b"], given["rho"])}


@adapter("risk", "bivariate_student_cdf", needs={"x", "y", "rho", "nu"}, gives={"cdf"})
def bivariate_student(given: Values) -> Values:
    return {"cdf": null.bivariate_student_cdf(given["x"], given["y"], given["rho"], given["nu"])}


@adapter("risk", "tail_dependence_at_level", needs={"u", "rho", "nu"}, gives={"lambda_u"})
def at_level(given: Values) -> Values:
    return {"lambda_u": null.tail_dependence_at_level(given["u"], given["rho"], given["nu"])}


@adapter("risk", "conditional_correlation_gaussian", needs={"rho", "condition"}, gives={"corr"})
def conditional(given: Values) -> Values:
    inside, edge = given["condition"].startswith("|x|<"), float(given["condition"][4:])
    ratio = null.variance_between(-edge, edge) if inside else null.variance_outside(edge)
    return {"corr": null.conditional_correlation(given["rho"], ratio)}


@adapter("risk", "conditional_correlation_gaussian", needs={"rho", "condition", "q"}, gives={"corr"})
def in_the_worst(given: Values) -> Values:
    ratio = null.variance_between(-math.inf, float(ndtri(given["q"])))
    assert math.isclose(
        null.gaussian_conditional_correlation(given["q"], given["rho"]),
        null.conditional_correlation(given["rho"], ratio),
    )
    return {"corr": null.gaussian_conditional_correlation(given["q"], given["rho"])}


@adapter("risk", "conditional_correlation_gaussian", needs={"rho", "th_sd"}, gives={"exceedance_corr", "prob"})
def where_both_exceed(given: Values) -> Values:
    correlation, probability = null.exceedance_correlation(given["th_sd"], given["rho"])
    return {"exceedance_corr": correlation, "prob": probability}


@adapter("risk", "tail_dependence_closed_form", needs={"family", "rho", "nu"}, gives={"lambda_L"})
def of_student(given: Values) -> Values:
    limit = null.student_tail_dependence(given["rho"], given["nu"])
    return {"lambda_L": limit, "lambda_U": limit}


@adapter("risk", "tail_dependence_closed_form", needs={"family", "theta"}, gives={"lambda_L", "lambda_U"})
def of_family(given: Values) -> Values:
    family, theta = given["family"], given["theta"]
    limits = families.tail_limits(family, theta, given.get("delta", 1.0))
    out = {"lambda_L": limits.lower, "lambda_U": limits.upper}
    return out | ({"kendall_tau": families.kendall_tau(family, theta)} if family in ("clayton", "gumbel") else {})


@adapter("risk", "nearest_correlation_higham", needs={"A"}, gives={"nearest"})
def nearest(given: Values) -> Values:
    return {"nearest": nearest_correlation(np.array(given["A"], dtype=np.float64))}


@adapter("risk", "copula_pdf_cdf_R", needs={"copula", "params", "u", "fn"}, gives={"values"})
def of_copula(given: Values) -> Values:
    u, v = np.array(given["u"]).T
    params = given["params"]
    name = f"{given['copula']} {given['fn']}"
    rho = params["corr"][0][1] if "corr" in params else math.nan
    ours: dict[str, Callable[[], Any]] = {
        "Gaussian pdf": lambda: np.exp(copula.gaussian_log_density(u, v, rho)),
        "Gaussian cdf": lambda: [copula.gaussian_copula_cdf(a, b, rho) for a, b in given["u"]],
        "StudentT pdf": lambda: np.exp(copula.student_log_density(u, v, rho, params["df"])),
        "StudentT cdf": lambda: [copula.student_copula_cdf(a, b, rho, params["df"]) for a, b in given["u"]],
        "Clayton pdf": lambda: np.exp(families.clayton_log_density(u, v, params["theta"])),
        "Clayton cdf": lambda: families.clayton_cdf(u, v, params["theta"]),
        "Frank pdf": lambda: np.exp(families.frank_log_density(u, v, params["theta"])),
        "Frank cdf": lambda: families.frank_cdf(u, v, params["theta"]),
        "Gumbel pdf": lambda: np.exp(families.gumbel_log_density(u, v, params["theta"])),
        "Gumbel cdf": lambda: families.gumbel_cdf(u, v, params["theta"]),
    }
    return {"values": ours[name]()}


@adapter("risk", "expected_shortfall_closed_form", needs={"dist", "alpha"}, gives={"VaR", "ES"})
def shortfall_of(given: Values) -> Values:
    level = 1.0 - given["alpha"]
    edge, mean = (
        shortfall.normal_shortfall(level)
        if given["dist"] == "normal"
        else shortfall.student_shortfall(level, given["nu"])
    )
    return {"VaR": edge, "ES": mean}


def sp500_file() -> Path | None:
    """The prices, where they are."""
    named = os.environ.get("PERPBOOK_SP500")
    if named:
        return Path(named)
    package = importlib.util.find_spec("skfolio")
    if package is None or package.origin is None:
        return None
    found = Path(package.origin).parent / "datasets" / "data" / "sp500_dataset.csv.gz"
    return found if found.is_file() else None


@lru_cache(maxsize=1)
def sp500_returns() -> Mapping[str, Any]:
    path = sp500_file()
    assert path is not None
    with gzip.open(path, "rt") as lines:
        head, *rows = csv.reader(lines)
    prices = np.array([row[1:] for row in rows], dtype=np.float64)
    return dict(zip(head[1:], (prices[1:] / prices[:-1] - 1.0).T, strict=True))


if sp500_file() is not None:

    @adapter("risk", "sp500_tail_dependence", needs={"dataset", "i", "j", "k"}, gives={"value"})
    def of_ranks(given: Values) -> Values:
        prices = sp500_returns()
        return {"value": tail_dependence(prices[given["i"]], prices[given["j"]], given["k"])}

    @adapter("risk", "sp500_tail_dependence", needs={"dataset", "i", "j", "th"}, gives={"value", "n"})
    def of_exceedances(given: Values) -> Values:
        prices = sp500_returns()
        value, rows = exceedance_of(prices[given["i"]], prices[given["j"]], given["th"])
        return {"value": value, "n": rows}

    @adapter("risk", "sp500_tail_dependence", needs={"dataset", "i", "j"}, gives={"value", "rho"})
    def of_student_copula(given: Values) -> Values:
        fit = copula.fit_student(sp500_returns()[given["i"]], sp500_returns()[given["j"]])
        return {"value": fit.tau, "rho": fit.rho}
