"""Prophet as it comes: ``Prophet().fit(series)``, its own intervals, no holidays. Kept under ``out/``.

Run ``python -m benchmarks.forecast_peer`` to make what is not there yet.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import time
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.compare import OUT
from benchmarks.forecast_sets import Task, tasks

Floats = npt.NDArray[np.float64]
KEPT = OUT / "forecast"
SCHEMA = {
    "unique_id": pl.String,
    "cutoff": pl.Date,
    "ds": pl.Date,
    **dict.fromkeys(("forecast", "lo_80", "hi_80", "lo_95", "hi_95", "seconds"), pl.Float64),
}


def prophet_default(known: pl.DataFrame, ahead: list[date], *, intervals: bool = True) -> dict[str, Floats]:
    """forecast and its bounds by the packaged Prophet with every default, from ``ds`` and ``y`` (nulls left out)."""
    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    logging.getLogger("prophet").setLevel(logging.ERROR)
    np.random.seed(0)  # Prophet draws its intervals from the global state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = known.drop_nulls("y")
        model = Prophet()
        model.fit(pd.DataFrame({"ds": pd.to_datetime(rows["ds"].to_list()), "y": rows["y"].to_numpy()}), seed=0)
        future = pd.DataFrame({"ds": pd.to_datetime(ahead)})
        samples = model.predictive_samples(future)["yhat"] if intervals else None
        model.uncertainty_samples = 0
        found = {"forecast": model.predict(future)["yhat"].to_numpy()}
    if samples is None:
        return found
    for name, share in (("lo_80", 0.1), ("hi_80", 0.9), ("lo_95", 0.025), ("hi_95", 0.975)):
        found[name] = np.quantile(samples, share, axis=1)
    return found


def forecasts_of_prophet(task: Task) -> pl.DataFrame:
    """unique_id, cutoff, ds, forecast with its bounds, seconds (of the fit); read where it was made before."""
    path = kept_at(task)
    if path.exists():
        return pl.read_parquet(path)
    frames = []
    for origin in task.origins:
        known, ahead = task.known(origin), task.ahead(origin)
        for (name,), series in known.partition_by("unique_id", as_dict=True, maintain_order=True).items():
            ds = ahead.filter(pl.col("unique_id") == name)["ds"].to_list()
            if not ds or series["y"].drop_nulls().len() < 2:
                continue
            started = time.perf_counter()
            found = prophet_default(series, ds)
            seconds = time.perf_counter() - started
            frames.append(pl.DataFrame({"unique_id": name, "cutoff": origin, "ds": ds, **found, "seconds": seconds}))
    made = pl.concat(frames).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
    path.parent.mkdir(parents=True, exist_ok=True)
    made.write_parquet(path)
    return made


def kept_at(task: Task) -> Path:
    """A file that is named by what it was made from."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(repr((task.horizon, task.origins, task.frequency, version("prophet"))).encode())
    digest.update(task.frame.write_csv().encode())
    return KEPT / f"prophet-{task.name}-{digest.hexdigest()}.parquet"


def main(names: list[str]) -> None:
    """Make what is not there yet, set by set."""
    for part in ("report", "tune"):
        for name in names or ["online_retail", "m4_weekly", "world", "examples", "world_daily", "superstore"]:
            for task in tasks(name, part):
                started = time.perf_counter()
                made = forecasts_of_prophet(task)
                print(name, part, task.name, made.height, round(time.perf_counter() - started, 1), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
