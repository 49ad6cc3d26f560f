"""Order lines to cohort retention and revenue, against DuckDB.

By month of a customer's first order that stands: customers, those of them who ordered in each later month, and the
month's revenue with returns subtracted; complete months only. The definition of an order is that of the benchmark
``customers``, whose order lines these are. Each side starts from the lines in memory in its own form.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import OUT, THREADS, apart, compare, contestant, measured
from benchmarks.customers import AS_OF, STANDING, _dataset, generate

PERIODS = 36


def run(n_rows: int, n_repeats: int) -> Iterator[dict[str, object]]:
    """One comparison."""
    OUT.mkdir(parents=True, exist_ok=True)
    data = OUT / f"customers-{n_rows}.parquet"
    apart(generate, data, n_rows)

    ours, theirs = contestant(__file__, "regulars", data), contestant(__file__, "duckdb", data)
    result = compare(ours, theirs, n_repeats)
    yield {"benchmark": "cohorts", "n_rows": n_rows, "equal": _equal(ours.out, theirs.out), **result}


def _equal(ours: Path, peers: Path) -> bool:
    """Every cell: counts exactly, revenue to nine digits."""
    import polars as pl
    from polars.testing import assert_frame_equal

    frames = [pl.read_parquet(path).sort("cohort", "periods_since") for path in (ours, peers)]
    columns = ["cohort", "periods_since", "n_customers", "n_active", "revenue"]
    try:
        assert_frame_equal(
            frames[0].select(columns),
            frames[1].select(columns).cast(dict(frames[0].select(columns).schema)),
            rel_tol=1e-9,
        )
    except AssertionError as error:
        print(error, file=sys.stderr)
        return False
    return True


def regulars(data: Path, out: Path) -> None:
    """This project: Dataset -> activity -> cohort grid."""
    import narwhals  # noqa: F401  # imports are no work
    import polars as pl

    from analytics.lifecycle import LifecycleSpec
    from analytics.lifecycle.activity import read_activity
    from analytics.lifecycle.cohorts import trace_cohorts

    dataset = _dataset(data)
    spec = LifecycleSpec(n_cohorts=PERIODS)
    with measured():
        activity, _caveats = read_activity(dataset)
        grid = trace_cohorts(activity, dataset.as_of, spec)
    grid.filter(pl.col("observed")).write_parquet(out)


_DUCKDB = (
    STANDING  # nosec B608 # constants of benchmarks
    + """,
orders as (select customer_id, order_id, min(ordered_at::date) as day from sales group by all),
periods as (select distinct customer_id, year(day) * 12 + month(day) - 1 as period from orders),
firsts as (select customer_id, min(period) as cohort from periods group by all),
paid as (select customer_id, year(ordered_at) * 12 + month(ordered_at) - 1 as period, sum(amount)::bigint as amount
         from lines where customer_id is not null and kind <> 'service' group by all),
sizes as (select cohort, count(*) as n_customers from firsts where cohort < {next} group by all
          order by cohort desc limit {periods}),
grid as (select cohort, n_customers, unnest(range(0, {periods})) as since from sizes),
active as (select cohort, period - cohort as since, count(*) as n from periods join firsts using (customer_id)
           group by all),
money as (select cohort, period - cohort as since, sum(amount)::bigint as amount
          from paid join firsts using (customer_id) group by all)
select make_date(cohort // 12, cohort % 12 + 1, 1) as cohort, since as periods_since, n_customers,
       coalesce(n, 0) as n_active, coalesce(amount, 0) / 100 as revenue
from grid left join active using (cohort, since) left join money using (cohort, since)
where cohort + since < {next}
"""
)


def duckdb(data: Path, out: Path) -> None:
    """DuckDB: a table in memory, sorted by customer and order."""
    from datetime import date, timedelta

    import duckdb as engine

    after = date.fromisoformat(AS_OF) + timedelta(days=1)
    with engine.connect() as connection:
        connection.execute(f"set threads = {THREADS}")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"create table lines as select * from read_parquet('{data}') order by customer_id, order_id")  # nosec B608 # constants of benchmarks and its own path
        asked = _DUCKDB.format(next=after.year * 12 + after.month - 1, periods=PERIODS)
        with measured():
            table = connection.sql(asked).to_arrow_table()
        connection.from_arrow(table).write_parquet(str(out))


if __name__ == "__main__":
    contestants = {each.__name__: each for each in (regulars, duckdb)}
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=contestants)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    contestants[chosen.contestant](chosen.data, chosen.out)
