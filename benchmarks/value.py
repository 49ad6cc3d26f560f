"""Fits and predictions of the repeat-buying models, against the lifetimes package in its own environment.

The same histories for both: drawn from a BG/NBD with Gamma-Gamma values, weeks, whole days. Each contestant starts from
arrays in memory; one small fit before the clock starts has loaded what either loads on first use. ``equal`` says that
our log-likelihood is not below theirs by more than 1e-6 (both sets of estimates put into one formula, which is neither
fit's own for Gamma-Gamma), or that predictions from equal parameters differ by less than 1e-6 of their size.
``estimates_differ`` is the largest relative difference between the two sets of estimates: a general optimiser stops
where it stops.

Three repeats where the peer needs tens of seconds (BG/NBD at a million customers, Pareto/NBD at 100,000).

Measured, CPU of the work, lifetimes / ours (medians of paired ratios, three repeats or five, a busy machine): BG/NBD 32
at 10,000 customers, 53 at 100,000, 77 at a million (13.8 against 0.18 s); Gamma-Gamma 32, 42, 67; Pareto/NBD 42 and
100 (37.9 against 0.36 s); expected purchases 1.1 at 10,000 and 4.1 at a million; P(alive) 1.5 and 1.1. Log-likelihoods
never below theirs, estimates equal to 8e-5 or nearer, predictions to 2e-13.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.compare import OUT, Contestant, apart, compare, environment, measured
from benchmarks.customers import LIFETIMES

Floats = npt.NDArray[np.float64]

FITS = {
    "bg_nbd": (10_000, 100_000, 1_000_000),
    "gamma_gamma": (10_000, 100_000, 1_000_000),
    "pareto_nbd": (10_000, 100_000),
}
PREDICTIONS = {"expected_purchases": (10_000, 1_000_000), "p_alive": (10_000, 1_000_000)}
SLOW = {("bg_nbd", 1_000_000), ("pareto_nbd", 100_000)}
GIVEN = (0.25, 4.4, 0.8, 2.4)  # r, alpha, a, b of the draw and of the predictions
HORIZON = 52.0


def generate(path: Path, n: int, seed: int = 1) -> None:
    """x, t_x, T (weeks) and mean value of ``n`` customers."""
    from sample_data.repeat_buying import draw_bg_nbd, draw_values

    rng = np.random.default_rng(seed)
    observed = rng.integers(140, 547, n) / 7
    r, alpha, a, b = GIVEN
    buying = draw_bg_nbd(rng, observed, r=r, alpha=alpha, a=a, b=b)
    values = draw_values(rng, buying, p=6, q=4, gamma=15)
    total = np.bincount(buying.customer, values.repeat, n)
    t_x = np.minimum(np.ceil(buying.t_x * 7) / 7, observed)
    np.savez(path, x=buying.x, t_x=t_x, T=observed, mean_value=total / np.maximum(buying.x, 1))


def times(task: str, n: int) -> int:
    """How often the work is done while the clock runs: what takes milliseconds, ten times."""
    return 1 if n > 10_000 or task == "pareto_nbd" else 10


def run(n_rows: int, n_repeats: int) -> Iterator[dict[str, object]]:
    """One comparison per task and number of customers up to ``n_rows``."""
    try:
        python = str(environment("lifetimes", *LIFETIMES))
    except RuntimeError as error:
        yield {"benchmark": "value", "peer": "lifetimes", "skipped": str(error)}
        return
    yield from against(python, n_rows, n_repeats)


def against(python: str, n_rows: int, n_repeats: int) -> Iterator[dict[str, object]]:
    """The comparisons, the peer run by the interpreter ``python``."""
    OUT.mkdir(parents=True, exist_ok=True)
    for task, sizes in {**FITS, **PREDICTIONS}.items():
        for n in sorted({min(n, n_rows) for n in sizes}):
            data = OUT / f"value-{n}.npz"
            if not data.exists():
                apart(generate, data, n)
            ours, theirs = (
                Contestant(
                    name,
                    (interpreter, __file__, name, task, "--data", str(data), "--out", str(OUT / f"value-{name}.npy")),
                    OUT / f"value-{name}.npy",
                )
                for name, interpreter in (("regulars", sys.executable), ("lifetimes", python))
            )
            repeats = 3 if (task, n) in SLOW else max(n_repeats, 3)
            result = compare(ours, theirs, repeats)
            found = np.load(ours.out), np.load(theirs.out)
            verdict = _predictions(*found) if task in PREDICTIONS else _estimates(task, dict(np.load(data)), *found)
            yield {"benchmark": "value", "task": task, "n_rows": n, "times": times(task, n), **verdict, **result}


def _predictions(ours: Floats, theirs: Floats) -> dict[str, object]:
    away = float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-3)))
    return {"equal": away < 1e-6, "predictions_differ": away}


def _estimates(task: str, data: dict[str, npt.NDArray[np.generic]], ours: Floats, theirs: Floats) -> dict[str, object]:
    mine, peers = (log_likelihood(task, data, each) for each in (ours, theirs))
    return {
        "equal": mine >= peers - 1e-6,
        "log_likelihood": round(mine, 6),
        "peer_below_by": round(mine - peers, 6),
        "estimates_differ": float(np.max(np.abs(theirs / ours - 1))),
    }


def log_likelihood(task: str, data: dict[str, npt.NDArray[np.generic]], parameters: Floats) -> float:
    """Of all customers at any parameters."""
    x, t_x, observed, mean_value = (data[name] for name in ("x", "t_x", "T", "mean_value"))
    if task == "bg_nbd":
        from analytics.btyd.likelihood import per_customer

        return float(per_customer(x, t_x, observed, *parameters, 0)[0].sum())
    if task == "pareto_nbd":
        from analytics.btyd import pareto_likelihood

        return float(
            pareto_likelihood.log_likelihood(
                pareto_likelihood.gather(x, t_x, observed, np.empty((len(x), 0))), np.log(parameters)
            )[0]
        )
    from scipy.special import betaln

    p, q, gamma = parameters
    x, mean_value = x[x > 0], mean_value[x > 0]
    total = x * mean_value
    each = q * np.log(gamma) + p * x * np.log(total) - np.log(mean_value) - (p * x + q) * np.log(gamma + total)
    return float((each - betaln(p * x, q)).sum())


def regulars(task: str, data: Path, out: Path) -> None:
    """This project."""
    from analytics.btyd.bg_nbd import BgNbd, fit_bg_nbd
    from analytics.btyd.gamma_gamma import fit_gamma_gamma
    from analytics.btyd.pareto_nbd import fit_pareto_nbd

    arrays = np.load(data)
    x, t_x, observed, mean_value = (arrays[name] for name in ("x", "t_x", "T", "mean_value"))
    again = x > 0
    model = BgNbd(np.array(GIVEN), np.eye(4), 0.0, 1)
    work = {
        "bg_nbd": lambda rows: fit_bg_nbd(x[rows], t_x[rows], observed[rows]).parameters,
        "pareto_nbd": lambda rows: fit_pareto_nbd(x[rows], t_x[rows], observed[rows]).parameters,
        "gamma_gamma": lambda rows: fit_gamma_gamma(x[again][rows], mean_value[again][rows]).parameters,
        "expected_purchases": lambda rows: model.expected_purchases(x[rows], t_x[rows], observed[rows], HORIZON),
        "p_alive": lambda rows: model.p_alive(x[rows], t_x[rows], observed[rows]),
    }[task]
    work(slice(5_000))
    with measured():
        for _ in range(times(task, len(x))):
            found = work(slice(None))
    np.save(out, found)


def lifetimes(task: str, data: Path, out: Path) -> None:
    """The lifetimes package, in its own environment."""
    import pandas as pd
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter

    arrays = np.load(data)
    x, t_x, observed, mean_value = (arrays[name] for name in ("x", "t_x", "T", "mean_value"))
    again = x > 0
    model = BetaGeoFitter()
    model.params_ = pd.Series(dict(zip(("r", "alpha", "a", "b"), GIVEN, strict=True)))
    work = {
        "bg_nbd": lambda rows: BetaGeoFitter().fit(x[rows], t_x[rows], observed[rows]).params_,
        "pareto_nbd": lambda rows: ParetoNBDFitter().fit(x[rows], t_x[rows], observed[rows]).params_,
        "gamma_gamma": lambda rows: GammaGammaFitter().fit(x[again][rows], mean_value[again][rows]).params_,
        "expected_purchases": lambda rows: model.conditional_expected_number_of_purchases_up_to_time(
            HORIZON, x[rows], t_x[rows], observed[rows]
        ),
        "p_alive": lambda rows: model.conditional_probability_alive(x[rows], t_x[rows], observed[rows]),
    }[task]
    work(slice(5_000))
    with measured():
        for _ in range(times(task, len(x))):
            found = work(slice(None))
    np.save(out, np.asarray(found, np.float64))


if __name__ == "__main__":
    contestants = {each.__name__: each for each in (regulars, lifetimes)}
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=contestants)
    parser.add_argument("task", choices=[*FITS, *PREDICTIONS])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    contestants[chosen.contestant](chosen.task, chosen.data, chosen.out)
