"""``python -m benchmarks`` lists the benchmarks; ``python -m benchmarks NAME`` runs one."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import sys

import benchmarks

# What each is about; a benchmark is a module of this package with ``run(...)``, an iterator of comparisons.
BENCHMARKS = {
    "ingest": "CSV to validated Parquet, against DuckDB",
    "load": "memory of the server and waits of others while a large file comes in",
    "customers": "order lines to customer table, against DuckDB, pandas and lifetimes",
    "cohorts": "order lines to cohort retention, against DuckDB",
    "stability": "evidence for the number of segments, against full resampling",
    "whatif": "a changed number of segments against k-means on everybody, and from the slider to the chart",
    "value": "fits and predictions of the repeat-buying models, against lifetimes",
    "forecast": "errors and intervals of the automatic choice, and its speed, against Prophet as it comes",
    "sessions": "thirty and more real sessions: errors, waits, CPU and memory, alone and beside heavy steps",
    "rerun": "CPU per cached rerun of each page, memory per added session",
}


def main(arguments: list[str]) -> int:
    """Run the benchmark that is asked for; 0 when every comparison found equal values."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS)
    parser.add_argument("--rows", dest="n_rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", dest="n_repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=0.0, help="sessions: watch the memory of fifty for so long")
    parser.add_argument("--all", dest="everything", action="store_true", help="forecast: all series of M4")
    chosen = vars(parser.parse_args(arguments))
    name = chosen.pop("name")
    if name is None:
        print("\n".join(f"{name}: {about}" for name, about in BENCHMARKS.items()))
        return 0
    run = importlib.import_module(f"benchmarks.{name}").run
    options = {option: value for option, value in chosen.items() if option in inspect.signature(run).parameters}
    equal = True
    for comparison in run(**options):
        print(json.dumps(comparison), flush=True)
        equal = equal and comparison.get("equal", True)
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
