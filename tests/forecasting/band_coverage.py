"""How often bands and totals hold a future drawn from the same law: series whose law is known, made first.

``uv run python -m tests.forecasting.band_coverage`` prints the table of ``docs/accuracy.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl

from analytics.demand import DemandPanel
from analytics.forecasting import ForecastSpec, forecast_all
from analytics.forecasting.grid import next_periods

Law = Callable[[np.random.Generator, int], np.ndarray]
HORIZON = 12


def steady(rng: np.random.Generator, n: int) -> np.ndarray:
    """A level with a slight trend and noise of a tenth."""
    return 200 + rng.uniform(-0.3, 0.3) * np.arange(n) + rng.normal(0, 20, n)


def wandering(rng: np.random.Generator, n: int) -> np.ndarray:
    """A level that walks, and noise about it."""
    return 400 + rng.normal(0, 8, n).cumsum() + rng.normal(0, 15, n)


def counts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Poisson counts about a level of 2 to 10."""
    return rng.poisson(rng.uniform(2, 10), n).astype(float)


def bulky(rng: np.random.Generator, n: int) -> np.ndarray:
    """Small sales with a large order now and then: most of the variance is in a few values."""
    return np.exp(rng.normal(3, 0.8, n))


def rare(rng: np.random.Generator, n: int) -> np.ndarray:
    """Sales in three of ten periods."""
    return np.where(rng.random(n) < 0.3, rng.integers(1, 9, n), 0).astype(float)


LAWS: dict[str, Law] = {"steady": steady, "wandering": wandering, "counts": counts, "bulky": bulky, "rare": rare}


def held(law: Law, n_series: int, seed: int, *, together: bool, n_known: int = 90) -> dict[str, float]:
    """Shares held: "band_80", "band_95" of periods, "total_80", "total_95" of series; weekly, twelve ahead.

    ``together``: one panel of all series, or each alone.
    """
    rng = np.random.default_rng(seed)
    values = {f"s{row}": law(rng, n_known + HORIZON) for row in range(n_series)}
    groups = [list(values)] if together else [[name] for name in values]
    spec = ForecastSpec(horizon=HORIZON, candidates=("smoothing", "theta", "tsb"))
    found: dict[str, list[float]] = {name: [] for name in ("band_80", "band_95", "total_80", "total_95")}
    for names in groups:
        told = forecast_all(_panel({name: values[name][:n_known] for name in names}), spec)
        truth = np.array([values[name][n_known:] for name in names])
        for level in ("80", "95"):
            for kind, table, came in (
                ("band", told.forecasts, truth.ravel()),
                ("total", told.totals, truth.sum(axis=1)),
            ):
                lo, hi = table[f"lo_{level}"].to_numpy(), table[f"hi_{level}"].to_numpy()
                found[f"{kind}_{level}"] += list((came >= lo - 1e-9) & (came <= hi + 1e-9))
    return {name: float(np.mean(shares)) for name, shares in found.items()}


def _panel(values: dict[str, np.ndarray]) -> DemandPanel:
    start = date(2023, 1, 2)
    frames = []
    for name, y in values.items():
        ds = [start, *next_periods(start, len(y) - 1, "week")]
        frames.append(pl.DataFrame({"unique_id": [name] * len(y), "ds": ds, "y": y}))
    frame = pl.concat(frames)
    last = frame["ds"].max()
    assert isinstance(last, date)
    as_of = last + timedelta(days=6)
    return DemandPanel(frame, "week", "quantity", "items", as_of, 0, 0, 0, "made", members=tuple(values))


def main() -> None:
    print("| law | series | band 80 | band 95 | total 80 | total 95 |\n|---|---|---|---|---|---|")
    for together, n_series in ((True, 300), (False, 100)):
        for name, law in LAWS.items():
            shares = held(law, n_series, 1, together=together)
            told = " | ".join(f"{100 * share:.0f} %" for share in shares.values())
            print(f"| {name} | {n_series} {'in one panel' if together else 'alone'} | {told} |", flush=True)


if __name__ == "__main__":
    main()
