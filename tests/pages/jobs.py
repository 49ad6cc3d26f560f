"""Steps that start processes of their own, as packaged Prophet does; run in workers by the tests of jobs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from analytics.progress import report

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]


def add(left: int, right: int) -> int:
    return left + right


def start_a_child(note: str) -> int:
    """Waits for a child that takes five minutes; notes who is who."""
    child = subprocess.Popen(SLEEP)
    Path(note).write_text(f"{os.getpid()} {child.pid}")
    report(0.3, "fitting")
    return child.wait()


def start_a_child_and_hang(note: str) -> None:
    """As ``start_a_child``, but in native code that hears no signal."""
    child = subprocess.Popen(SLEEP)
    Path(note).write_text(f"{os.getpid()} {child.pid}")
    re.match(r"(a+)+$", "a" * 64 + "b")


def work_for(seconds: float) -> float:
    report(0.5, "fitting")
    time.sleep(seconds)
    return seconds


def fit_packaged_prophet(n_days: int) -> float:
    """Minutes of the packaged optimiser."""
    import logging

    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    rng = np.random.default_rng(0)
    days = pd.to_datetime([date(2000, 1, 1) + timedelta(place) for place in range(n_days)])
    table = pd.DataFrame({"ds": days, "y": rng.normal(0, 1, n_days).cumsum()})
    model = Prophet(n_changepoints=600, changepoint_prior_scale=5.0, yearly_seasonality=60)
    report(0.3, "fitting")
    never = dict.fromkeys(("tol_obj", "tol_rel_obj", "tol_grad", "tol_rel_grad", "tol_param"), 1e-300)
    model.fit(table, iter=1_000_000, **never)
    return float(model.predict(table)["yhat"].iloc[-1])


def note_and_work(note: str, seconds: float) -> float:
    """Notes its process, then works."""
    Path(note).write_text(str(os.getpid()))
    time.sleep(seconds)
    return seconds
