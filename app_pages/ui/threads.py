"""How many threads libraries may start: bounded before numpy and Polars are loaded, once for each process.

Numerical libraries start a thread per core in every process and let them spin. With a server and its workers on one
machine they then take the cores from each other and from the people who wait.
"""

from __future__ import annotations

import os

NUMERIC = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Polars shares one set of threads among all sessions of the server: with a single one, a long step would hold up all
# short ones. Cores beyond these are left to the workers.
FEWEST, MOST = 2, 4


def bound() -> None:
    """For the server. What the environment says already stands; workers bound themselves further."""
    for name in NUMERIC:
        os.environ.setdefault(name, "1")
    os.environ.setdefault("POLARS_MAX_THREADS", str(min(max(FEWEST, cores()), MOST)))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
