"""The proof that what is planted is found again: intervals that cover the truth as often as they say.

    python -m tests.btyd.recovery pareto_nbd            # 500 data sets, prints the rows of docs/accuracy.md
    python -m tests.btyd.recovery pareto_nbd 100        # fewer
    python -m tests.btyd.recovery covariates | comparison

A data set is drawn from ``sample_data.repeat_buying`` (which shares no code with the models) with a seed that is its
own number; a fitted parameter is covered when the true value lies in its 90 percent interval on the log scale, from the
inverse Hessian. A fit that is refused covers nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.btyd.bg_nbd import fit_bg_nbd
from analytics.btyd.gamma_gamma import fit_gamma_gamma
from analytics.btyd.mbg_nbd import fit_mbg_nbd
from analytics.btyd.model import RepeatModel
from analytics.btyd.pareto_nbd import fit_pareto_nbd
from analytics.btyd.sbg import fit_sbg
from analytics.errors import AnalysisError
from sample_data import repeat_buying as draws

Floats = npt.NDArray[np.float64]
LEVEL = 0.9
Z = 1.6448536269514722
N_SETS = 500

BETA_GEOMETRIC = (
    (0.243, 4.414, 0.793, 2.426),  # CDNOW
    (0.8, 6.0, 0.6, 4.0),
    (1.5, 10.0, 1.2, 6.0),
    (0.5, 3.0, 1.0, 8.0),
    (2.0, 20.0, 0.5, 2.0),
)
PARETO = (
    (0.553, 10.58, 0.606, 11.67),  # CDNOW
    (1.0, 8.0, 0.8, 20.0),
    (0.8, 5.0, 1.2, 40.0),
    (1.5, 12.0, 0.5, 8.0),
    (0.6, 4.0, 0.9, 15.0),
)
GAMMA_GAMMA = ((6.25, 3.74, 15.44), (2.0, 4.0, 60.0), (10.0, 6.0, 20.0), (4.0, 2.5, 30.0), (1.2, 5.0, 100.0))
SBG = ((0.704, 1.182), (0.668, 3.806), (1.5, 6.0), (0.5, 0.5), (1.0, 10.0))


@dataclass(frozen=True, slots=True)
class Covered:
    """What became of the data sets of one model, over all its true parameters.

    ``hits`` per quantity: data sets whose interval covers the truth; ``bias``: mean error in standard errors.
    """

    names: tuple[str, ...]
    n_sets: int
    hits: tuple[int, ...]
    bias: tuple[float, ...]
    refused: tuple[str, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        return tuple(hits / self.n_sets for hits in self.hits)


# names, errors in standard errors (truth below the estimate: positive)
Found = tuple[tuple[str, ...], Floats]


One = Callable[[np.random.Generator, tuple[float, ...], int], Found]


def repeat_model(fit: Callable[..., RepeatModel], draw: Callable[..., draws.Buying], names: tuple[str, ...]) -> One:
    def one(rng: np.random.Generator, truth: tuple[float, ...], n: int) -> Found:
        buying = draw(rng, draws.draw_spans(rng, n, 78.0, 26.0), **dict(zip(names, truth, strict=True)))
        model = fit(buying.x, buying.t_x, buying.T)
        return names, errors(model.parameters, model.log_covariance, truth)

    return one


def gamma_gamma(rng: np.random.Generator, truth: tuple[float, ...], n: int) -> Found:
    names = ("p", "q", "gamma")
    buying = draws.draw_pareto_nbd(rng, draws.draw_spans(rng, n, 78.0, 26.0), r=0.8, alpha=6.0, s=0.6, beta=12.0)
    values = draws.draw_values(rng, buying, **dict(zip(names, truth, strict=True)))
    model = fit_gamma_gamma(buying.x, values.mean_of_repeats(buying))
    return names, errors(model.parameters, model.log_covariance, truth)


def sbg(rng: np.random.Generator, truth: tuple[float, ...], n: int) -> Found:
    """Beside the parameters: survival through period 24 and retention in it, far beyond the 2 to 12 periods seen."""
    seen = draws.draw_sbg(rng, rng.integers(2, 13, n), alpha=truth[0], beta=truth[1])
    model = fit_sbg(seen.duration, seen.has_left)
    found = [*errors(model.parameters, model.log_covariance, truth)]
    real = model.with_parameters(np.array(truth))
    for lo, hi, true in (
        (*model.survival_interval(24, LEVEL), real.survival(24)),
        (*model.retention_interval(24, LEVEL), real.retention(24)),
    ):
        # In units in which the interval's ends are at plus and minus Z.
        found.append(Z * float((lo + hi - 2 * true) / (hi - lo)))
    return ("alpha", "beta", "survival(24)", "retention(24)"), np.array(found)


def errors(parameters: Floats, log_covariance: Floats, truth: tuple[float, ...]) -> Floats:
    return np.asarray((np.log(parameters) - np.log(truth)) / np.sqrt(np.diag(log_covariance)))


COVARIATES = ((0.5, 0.4), (-0.3, 0.2), (0.0, 0.0))  # of a flag and of a number, on alpha; the other place below
MODELS: dict[str, tuple[One, tuple[tuple[float, ...], ...]]] = {
    "bg_nbd": (repeat_model(fit_bg_nbd, draws.draw_bg_nbd, ("r", "alpha", "a", "b")), BETA_GEOMETRIC),
    "mbg_nbd": (repeat_model(fit_mbg_nbd, draws.draw_mbg_nbd, ("r", "alpha", "a", "b")), BETA_GEOMETRIC),
    "pareto_nbd": (repeat_model(fit_pareto_nbd, draws.draw_pareto_nbd, ("r", "alpha", "s", "beta")), PARETO),
    "gamma_gamma": (gamma_gamma, GAMMA_GAMMA),
    "sbg": (sbg, SBG),
}


def covariates(rng: np.random.Generator, truth: tuple[float, ...], n: int) -> Found:
    """Pareto/NBD and BG/NBD with a flag and a number: coefficients as they are, the rest on the log scale."""
    names: list[str] = []
    found: list[float] = []
    z = np.column_stack([rng.random(n) < 0.4, rng.normal(2.0, 1.0, n)]).astype(np.float64)
    one, two = np.array(truth), np.array(truth[::-1]) / 2
    T = draws.draw_spans(rng, n, 78.0, 26.0)
    buying = draws.draw_pareto_nbd(rng, T, r=1.0, alpha=16.0 * np.exp(-z @ one), s=0.8, beta=30.0 * np.exp(-z @ two))
    model: RepeatModel = fit_pareto_nbd(buying.x, buying.t_x, buying.T, z)
    names += [f"pareto {name}" for name in model.parameter_names]
    found += _errors_with(model, (1.0, 16.0, 0.8, 30.0), (*one, *two))
    buying = draws.draw_bg_nbd(
        rng, T, r=0.8, alpha=12.0 * np.exp(-z @ one), a=0.6 * np.exp(z @ two), b=4.0 * np.exp(z @ (two / 2))
    )
    model = fit_bg_nbd(buying.x, buying.t_x, buying.T, z)
    names += [f"bg {name}" for name in model.parameter_names]
    found += _errors_with(model, (0.8, 12.0, 0.6, 4.0), (*one, *two, *(two / 2)))
    return tuple(names), np.array(found)


def _errors_with(model: RepeatModel, base: tuple[float, ...], coefficients: tuple[float, ...]) -> list[float]:
    at = np.concatenate([np.log(model.parameters[:4]), model.parameters[4:]])
    true = np.concatenate([np.log(base), coefficients])
    return [float(one) for one in (at - true) / np.sqrt(np.diag(model.log_covariance))]


MODELS["covariates"] = (covariates, COVARIATES)


def recover(model: str, n_sets: int = N_SETS, n_customers: int = 3_000, first: int = 0) -> Covered:
    """Draw and fit ``n_sets`` data sets, the true parameters in turn; the set's number is its seed."""
    one, truths = MODELS[model]
    names: tuple[str, ...] = ()
    hits: list[npt.NDArray[np.bool_]] = []
    off: list[Floats] = []
    refused: list[str] = []
    for number in range(first, first + n_sets):
        rng = np.random.default_rng([number, sum(map(ord, model))])
        try:
            names, found = one(rng, truths[number % len(truths)], n_customers)
        except AnalysisError as problem:
            refused.append(problem.code)
            continue
        hits.append(np.abs(found) <= Z)
        off.append(found)
    return Covered(
        names,
        n_sets,
        tuple(int(n) for n in np.sum(hits, axis=0)),
        tuple(float(value) for value in np.mean(off, axis=0)),
        tuple(refused),
    )


RIVALS = {"bg_nbd": fit_bg_nbd, "mbg_nbd": fit_mbg_nbd, "pareto_nbd": fit_pareto_nbd}


def compare(n_sets: int = 60, n_customers: int = 3_000) -> dict[tuple[str, str, str], int]:
    """Of data drawn by each model, how often each model wins: by likelihood, and by the log score of a holdout.

    Keys: who drew the data, who won, by what ("likelihood" or "holdout"). A data set's number is its seed.
    """
    drawers = {"bg_nbd": draws.draw_bg_nbd, "mbg_nbd": draws.draw_mbg_nbd, "pareto_nbd": draws.draw_pareto_nbd}
    wins: dict[tuple[str, str, str], int] = {}
    horizon, most = 26.0, 40
    for source, draw in drawers.items():
        truths = PARETO if source == "pareto_nbd" else BETA_GEOMETRIC
        names = ("r", "alpha", "s", "beta") if source == "pareto_nbd" else ("r", "alpha", "a", "b")
        for number in range(n_sets):
            rng = np.random.default_rng([number, 77])
            truth = dict(zip(names, truths[number % len(truths)], strict=True))
            buying = draw(rng, draws.draw_spans(rng, n_customers, 78.0, 26.0), horizon, **truth)
            x, t_x, T = buying.x, buying.t_x, buying.T
            later = np.minimum(buying.holdout, most)
            scores: dict[str, dict[str, float]] = {"likelihood": {}, "holdout": {}}
            for name, fit in RIVALS.items():
                try:
                    model = fit(x, t_x, T)
                except AnalysisError:
                    continue
                chances = model.purchase_distribution(x, t_x, T, horizon, most)[np.arange(len(x)), later]
                scores["likelihood"][name] = model.log_likelihood
                scores["holdout"][name] = float(np.log(np.maximum(chances, 1e-300)).sum())
            for by, score in scores.items():
                key = (source, max(score, key=lambda one: score[one]), by)
                wins[key] = wins.get(key, 0) + 1
    return wins


def as_rows(model: str, covered: Covered) -> str:
    """Lines of a Markdown table: model, quantity, covered, mean error in standard errors."""
    lines = [
        f"| {model} | {name} | {100 * share:.1f} % | {bias:+.2f} |"
        for name, share, bias in zip(covered.names, covered.shares, covered.bias, strict=True)
    ]
    return "\n".join([*lines, f"refused: {len(covered.refused)} of {covered.n_sets} {sorted(set(covered.refused))}"])


if __name__ == "__main__":
    what = sys.argv[1]
    n_asked = int(sys.argv[2]) if len(sys.argv) > 2 else None
    if what == "comparison":
        for (drawn, won, by), count in sorted(compare(*[n_asked] if n_asked else []).items()):
            print(f"drawn by {drawn}, best by {by}: {won} {count}")
    else:
        print(as_rows(what, recover(what, n_asked or N_SETS, *(int(value) for value in sys.argv[3:4]))))
