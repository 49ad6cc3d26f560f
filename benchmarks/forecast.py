"""The automatic choice of ``forecast_all`` against Prophet as it comes, on real and planted series; and its speed.

*Accuracy.* Each panel of each set (``forecast_sets`` names series, horizons and origins) is cut at every origin, all
that is known goes to ``forecast_all`` with its defaults and the set's horizon, and what came afterwards is compared:

* MASE: mean absolute error over the mean absolute difference between values one season apart in what was known;
* WIS: the weighted interval score of forecast, 80 and 95 percent band (Bracher, Ray, Gneiting & Reich 2021), over the
  same scale;
* the share of values inside the 80 and the 95 percent band.

Means are over all pairs of series and origin; ``mase_ratio_median`` is the median of the pairs' own ratios, which a few
series cannot carry. A ratio is ours over that of Prophet (under 1: ours errs less); ``to_best`` is ours over the best
single method of the set, known only afterwards: one of our candidates (the baseline where it abstains) or Prophet. The
last line holds the geometric means over the sets and the worst set. Nothing of these series was used to choose a rule
or a default: ``forecast_sets`` has others for that.

*Speed.* 100 products, two years of days, all forecast with the back-test of the automatic choice, bands at each cutoff
included. Prophet forecasts and back-tests at the same cutoffs, with its intervals as by default, and without drawing
them in the back-test; ten products, counted ten times. Seconds are processor seconds, those of the processes it starts
included.

Measured: MASE .593 of Prophet's as a geometric mean over the sets, .956 on the worst (Online Retail), at most 1.091 of
the best single method; 14.4 times as fast as Prophet with its intervals, 11.3 times without them; 15 were aimed at. The
table is in ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.compare import OUT, ROOT
from benchmarks.forecast_peer import forecasts_of_prophet, prophet_default
from benchmarks.forecast_sets import IN_MEAN, RETAIL, Part, Task, tasks

Floats = npt.NDArray[np.float64]
BANDS = {"80": 0.80, "95": 0.95}
BOUNDS = tuple(f"{side}_{level}" for level in BANDS for side in ("lo", "hi"))
BASELINE = "seasonal_naive"
COMBINED = ("median",)  # of several methods: no single one
# As it comes, and without drawing intervals in the back-test, as its back-test is often sped up.
PEERS = ("prophet", "prophet_without_intervals")
N_PRODUCTS, N_DAYS, N_OF_PROPHET, SPEED_HORIZON = 100, 730, 10, 28


def run(everything: bool = False) -> Iterator[dict[str, object]]:
    """One line per set, one for all sets together, one for speed. ``everything``: all 359 series of M4."""
    lines = []
    for name in (*IN_MEAN, "world_daily"):
        try:
            line = told(name, compared(name, "report", all_m4=everything))
        except FileNotFoundError as error:
            yield {"benchmark": "forecast", "set": name, "skipped": f"{error.filename} is not there"}
            continue
        lines.append(line)
        yield line
    yield together(lines)
    yield speed()


def compared(name: str, part: Part, *, all_m4: bool = False) -> pl.DataFrame:
    """Every value to forecast of a set, with what was said: task, unique_id, cutoff, ds, y, scale, forecast with its
    bounds, one column per candidate, and ``prophet_default`` with its bounds (``prophet_default_lo_80`` ...).
    """
    frames = []
    for task in tasks(name, part, all_m4=all_m4):
        ours = pl.concat([forecasts_of_ours(task, origin) for origin in task.origins], how="diagonal")
        peer = forecasts_of_prophet(task).drop("seconds")
        peer = peer.rename({column: f"prophet_default_{column}" for column in BOUNDS} | {"forecast": "prophet_default"})
        frame = ours.join(peer, on=["unique_id", "cutoff", "ds"], how="left").join(
            _scales(task), on=["unique_id", "cutoff"]
        )
        frames.append(frame.select(pl.lit(task.name).alias("task"), pl.all()))
    return pl.concat(frames, how="diagonal")


def forecasts_of_ours(task: Task, origin: date) -> pl.DataFrame:
    """unique_id, cutoff, ds, y, model (chosen), forecast with its bounds, one column per candidate."""
    from analytics.demand import DemandPanel
    from analytics.forecasting import ForecastSpec, forecast_all

    known = task.known(origin)
    panel = DemandPanel(
        frame=known,
        frequency=task.frequency,
        measure=task.measure,
        unit="",
        as_of=origin,
        n_clipped=0,
        n_filled=0,
        n_dropped_partial=0,
        key=f"{task.name} {origin}",
        by="series" if task.measure == "value" else "product",
        members=tuple(known["unique_id"].unique(maintain_order=True)),
        closed_weekdays=task.closed,
    )
    found = forecast_all(panel, ForecastSpec(horizon=task.horizon))
    said = found.forecasts.join(found.choices.select("unique_id", "model"), on="unique_id")
    # Compared where something was observed, on open days.
    truth = task.ahead(origin).drop_nulls("y")
    return truth.join(said, on=["unique_id", "ds"], how="left").with_columns(cutoff=pl.lit(origin))


def _scales(task: Task) -> pl.DataFrame:
    """unique_id, cutoff, scale: mean absolute difference one season apart in what was known (null where zero)."""
    frames = []
    for origin in task.origins:
        change = (pl.col("y") - pl.col("y").shift(task.season)).abs().mean()
        frame = task.known(origin).group_by("unique_id").agg(scale=change)
        frames.append(
            frame.with_columns(pl.lit(origin).alias("cutoff"), scale=pl.when(pl.col("scale") > 0).then("scale"))
        )
    return pl.concat(frames)


def told(name: str, frame: pl.DataFrame) -> dict[str, object]:
    """The line of a set."""
    singles = [c for c in frame.columns if c in _models() and c not in COMBINED]
    combined = [c for c in COMBINED if c in frame.columns]
    # A series for which a candidate abstains gets the baseline: nobody would be left without a forecast.
    frame = frame.filter(pl.col("scale").is_not_null()).with_columns(
        pl.coalesce(c, BASELINE).alias(c) for c in _models() if c in frame.columns
    )
    unanswered = frame.filter(pl.col("forecast").is_null()).select("unique_id", "cutoff").n_unique()
    frame = frame.filter(pl.col("forecast").is_not_null() & pl.col("prophet_default").is_not_null())
    mase = {
        c: _mean(frame, (pl.col("y") - pl.col(c)).abs()) for c in ("forecast", "prophet_default", *singles, *combined)
    }
    wis = {c: _mean(frame, weighted_interval_score(c)) for c in ("forecast", "prophet_default")}
    best = min([*singles, "prophet_default"], key=lambda c: mase[c])
    covered = {c: {level: _covered(frame, c, level) for level in BANDS} for c in ("forecast", "prophet_default")}
    pairs = frame.select("task", "unique_id", "cutoff", "model").unique()
    return {
        "benchmark": "forecast",
        "set": name,
        "retail": name in RETAIL,
        "n_series": frame.select("task", "unique_id").n_unique(),
        "n_pairs": pairs.height,
        "n_unanswered": unanswered,
        "origins": sorted({str(day) for day in frame["cutoff"]})
        if frame["cutoff"].n_unique() <= 6
        else frame["cutoff"].n_unique(),
        "mase": _round(mase["forecast"]),
        "mase_prophet": _round(mase["prophet_default"]),
        "mase_ratio": _round(mase["forecast"] / mase["prophet_default"]),
        "mase_ratio_median": _round(_median_ratio(frame)),
        "wis": _round(wis["forecast"]),
        "wis_prophet": _round(wis["prophet_default"]),
        "wis_ratio": _round(wis["forecast"] / wis["prophet_default"]),
        "best_single": best,
        "to_best": _round(mase["forecast"] / mase[best]),
        "coverage": {level: _round(share) for level, share in covered["forecast"].items()},
        "coverage_prophet": {level: _round(share) for level, share in covered["prophet_default"].items()},
        "mase_of": {c: _round(mase[c]) for c in (*singles, *combined)},
        "chosen": dict(sorted(pairs["model"].value_counts().iter_rows())),
    }


def together(lines: list[dict[str, object]]) -> dict[str, object]:
    """Geometric means over the sets of the mean, and the set that is worst."""
    counted = [line for line in lines if line["set"] in IN_MEAN]
    found: dict[str, object] = {"benchmark": "forecast", "set": "all", "sets": [line["set"] for line in counted]}
    for measure in ("mase_ratio", "wis_ratio", "to_best"):
        ratios = {str(line["set"]): float(str(line[measure])) for line in counted}
        found[measure] = _round(float(np.exp(np.mean(np.log(list(ratios.values()))))))
        found[f"worst_{measure}"] = max(ratios.items(), key=lambda pair: pair[1])
    return found


def weighted_interval_score(said: str) -> pl.Expr:
    """Of the forecast in the column ``said`` and its bounds; in the unit of y."""
    prefix = "" if said == "forecast" else f"{said}_"
    y, score = pl.col("y"), 0.5 * (pl.col("y") - pl.col(said)).abs()
    for name, level in BANDS.items():
        lo, hi, alpha = pl.col(f"{prefix}lo_{name}"), pl.col(f"{prefix}hi_{name}"), 1 - level
        missed = (lo - y).clip(lower_bound=0) + (y - hi).clip(lower_bound=0)
        score = score + alpha / 2 * (hi - lo) + missed
    return score / (len(BANDS) + 0.5)


def _covered(frame: pl.DataFrame, said: str, level: str) -> float:
    prefix = "" if said == "forecast" else f"{said}_"
    slack = 1e-6 * pl.col("y").abs().clip(lower_bound=1e-6)
    inside = pl.col("y").is_between(pl.col(f"{prefix}lo_{level}") - slack, pl.col(f"{prefix}hi_{level}") + slack)
    return float(frame.select(inside.mean()).item())


def _mean(frame: pl.DataFrame, error: pl.Expr) -> float:
    """Mean over pairs of series and origin of the mean error, in units of the scale."""
    pairs = frame.group_by("task", "unique_id", "cutoff").agg(error=(error / pl.col("scale")).mean())
    return float(pairs.select(pl.col("error").mean()).item())


def _median_ratio(frame: pl.DataFrame) -> float:
    """Median over pairs of series and origin of our error over Prophet's: a few series cannot carry it."""
    errors = ((pl.col("y") - pl.col(said)).abs().sum().alias(said) for said in ("forecast", "prophet_default"))
    pairs = frame.group_by("task", "unique_id", "cutoff").agg(*errors).filter(pl.col("prophet_default") > 0)
    return float(pairs.select((pl.col("forecast") / pl.col("prophet_default")).median()).item())


def _models() -> tuple[str, ...]:
    from analytics.forecasting.spec import MODELS

    return MODELS


def speed() -> dict[str, object]:
    """Processor seconds for 100 products with back-test: ours, and Prophet's."""
    costs = {}
    for contestant in ("regulars", *PEERS):
        command = [sys.executable, "-m", "benchmarks.forecast", contestant]
        one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
        printed = subprocess.run(  # nosec B603 # a fixed command, no shell
            command, cwd=ROOT, env=os.environ | one_core, capture_output=True, text=True, check=True
        ).stdout
        costs[contestant] = json.loads(printed.splitlines()[-1])
    ours = costs["regulars"]["cpu_s"]
    line: dict[str, object] = {
        "benchmark": "forecast",
        "set": "speed",
        "n_products": N_PRODUCTS,
        "n_days": N_DAYS,
        "n_fits": costs["regulars"]["n_cutoffs"] + 1,
        "cpu_s": _round(ours),
        "wall_s": _round(costs["regulars"]["wall_s"]),
    }
    for peer in PEERS:
        theirs = costs[peer]["cpu_s"] * N_PRODUCTS / N_OF_PROPHET
        line |= {f"cpu_s_{peer}": _round(theirs), f"times_faster_than_{peer}": _round(theirs / ours)}
    return line


def generate(n_products: int = N_PRODUCTS, n_days: int = N_DAYS, seed: int = 1) -> pl.DataFrame:
    """unique_id, ds, y: related daily products with a week, a year, a trend of their own and chance."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_days)
    size = np.exp(rng.normal(3, 1, n_products))[:, None]
    week = 1 + np.array([-0.1, -0.15, -0.1, 0.0, 0.1, 0.3, 0.2])[t % 7] * rng.uniform(0.5, 1.5, (n_products, 1))
    year = 1 + rng.uniform(0, 0.4, (n_products, 1)) * np.sin(
        2 * np.pi * (t / 365.25 + rng.uniform(0, 1, (n_products, 1)))
    )
    trend = np.exp(rng.normal(0, 0.3, (n_products, 1)) * t / 365.25)
    wander = np.exp(np.cumsum(rng.normal(0, 0.01, (n_products, n_days)), axis=1))
    y = rng.poisson(size * week * year * trend * wander).astype(float)
    ds = [date(2023, 1, 2) + timedelta(days=int(day)) for day in t]
    ids = np.repeat([f"P{place:03}" for place in range(n_products)], n_days)
    return pl.DataFrame({"unique_id": ids, "ds": ds * n_products, "y": y.ravel()})


def regulars(products: pl.DataFrame) -> list[date]:
    """All products by ``forecast_all``; the cutoffs of its back-test."""
    last = products["ds"].max()
    assert isinstance(last, date)
    task = Task("speed", "speed", "day", SPEED_HORIZON, 7, products, (last,))
    from analytics.demand import DemandPanel
    from analytics.forecasting import ForecastSpec, forecast_all

    members = tuple(products["unique_id"].unique(maintain_order=True))
    panel = DemandPanel(task.frame, "day", "quantity", "items", last, 0, 0, 0, "speed", by="product", members=members)
    found = forecast_all(panel, ForecastSpec(horizon=SPEED_HORIZON))
    return sorted(found.backtest["cutoff"].unique())


def prophet(products: pl.DataFrame, cutoffs: list[date], *, intervals: bool) -> None:
    """The first products by Prophet, at each cutoff and at the end; ``intervals``: at the cutoffs too."""
    last = products["ds"].max()
    assert isinstance(last, date)
    for series in products.partition_by("unique_id", maintain_order=True)[:N_OF_PROPHET]:
        for cutoff in (*cutoffs, last):
            ahead = [cutoff + timedelta(days=step) for step in range(1, SPEED_HORIZON + 1)]
            prophet_default(series.filter(pl.col("ds") <= cutoff), ahead, intervals=intervals or cutoff == last)


def main(contestant: str) -> None:
    """One contestant of the comparison of speed, as a process of its own."""
    kept = OUT / "forecast" / "cutoffs.json"
    products = generate()
    warm = products.filter(pl.col("unique_id") == "P000")
    # What is loaded on first use is no work.
    if contestant == "regulars":
        regulars(products.filter(pl.col("unique_id") < "P021"))
    else:
        prophet_default(warm, [warm["ds"][-1] + timedelta(days=1)])
    started, wall = _cpu(), time.perf_counter()
    if contestant == "regulars":
        cutoffs = regulars(products)
    else:
        cutoffs = [date.fromisoformat(day) for day in json.loads(kept.read_text())]
        prophet(products, cutoffs, intervals=contestant == PEERS[0])
    cost = {"cpu_s": _cpu() - started, "wall_s": time.perf_counter() - wall, "n_cutoffs": len(cutoffs)}
    if contestant == "regulars":
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([str(day) for day in cutoffs]))
    print(json.dumps(cost))


def _cpu() -> float:
    """Processor seconds of this process and of those it started."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _round(value: float) -> float:
    return round(value, 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=("regulars", *PEERS))
    main(parser.parse_args().contestant)
