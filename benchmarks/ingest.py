"""A CSV of order lines to a validated table in Parquet, against DuckDB doing the same checks.

DuckDB is told the columns, their types and the form of dates. It makes every check of ``CHECKS`` (``ingest.sql``) with
the rows, the money touched and the commonest examples of each, and writes the kept lines and those set aside; all of
it must be equal. This project finds encoding, delimiter, header, fields and formats by itself, sorts the table, takes
its digest and knows the row numbers of what it set aside or merged; ``not_by_peer`` names its further checks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.compare import OUT, THREADS, apart, compare, contestant, measured

BALANCE = ("rows_in", "kept", "merged", "quarantined")
# Finding -> (condition on a line of ``checked`` in ingest.sql, what its examples show).
CHECKS = {
    "missing_customer:customer_id": ("customer_id is null", ""),
    "missing:order_id": ("order_id is null", ""),
    "missing:product_id": ("product_id is null", ""),
    "missing:product": ("product is null", ""),
    "missing:country": ("country is null", ""),
    "missing:quantity": ("quantity_text is null", ""),
    "missing:unit_price": ("price_text is null", ""),
    "missing_date:ordered_at": ("date_text is null", ""),
    "not_a_number:quantity": ("quantity_text is not null and quantity is null", "quantity_text"),
    "not_a_number:unit_price": ("price_text is not null and unit_price is null", "price_text"),
    "not_a_date:ordered_at": ("date_text is not null and ordered_at is null", "date_text"),
    "future_dates:ordered_at": ("future", "ordered_at::date"),
    "early_dates:ordered_at": ("early", "ordered_at::date"),
    "duplicate_rows:": ("identity", "order_id"),
    "repeated_rows:": ("not identity", ""),
    "cancellations:order_id": ("cancelled", "order_id"),
    "reversals_matched:order_id": ("original in (from originals)", ""),
    "cancellation_without_original:order_id": ("original is not null and original not in (from originals)", "order_id"),
    "quantity_not_positive:quantity": ("quantity <= 0", "quantity"),
    "outlier_quantity:quantity": ("abs(quantity) > (select most from usual_quantity)", "quantity"),
    "negative_price:unit_price": ("unit_price < 0", "product"),
    "zero_price:unit_price": ("unit_price = 0", "product"),
    "service_codes:product_id": ("service", "product_id"),
    "unit_jump:unit_price": ("not service and (product_id, unit_price) in (from jumps)", "product_id"),
    "order_twice:order_id": ("order_id in (from twice)", "order_id"),
    "test_accounts:customer_id": ("customer_id in (from test_ids)", "customer_id"),
    "spelling_variants:product": ("product in (select value from spellings where field = 'product')", ""),
    "spelling_variants:country": ("country in (select value from spellings where field = 'country')", ""),
}
# How often a line counts: where it stands in the file, but for what is about repeats, or about the lines kept.
TIMES = {
    "duplicate_rows:": "(n - 1)",
    "repeated_rows:": "(n - 1)",
    "reversals_matched:order_id": "case when identity then 1 else n end",
    "cancellation_without_original:order_id": "case when identity then 1 else n end",
}


def generate(path: Path, n_rows: int, seed: int = 7) -> None:
    """A shop's export with a little of everything that ``CHECKS`` looks for; exactly ``n_rows`` lines."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    n_made = int(n_rows * 0.955)
    n_orders = max(n_made // 10, 2)
    order = np.sort(rng.integers(0, n_orders, n_made))
    minute = np.sort(rng.integers(0, 700 * 24 * 60, n_orders))
    buyer = np.where(rng.random(n_orders) < 0.2, -1, rng.integers(0, max(n_orders // 6, 1), n_orders))
    product = rng.zipf(1.3, n_made) % 3000
    cents = 50 + product * 97 % 5000 + np.where(product % 200 == 7, 120_000, 0)
    countries = np.array(["United Kingdom", "Germany", "France", "Norway", "Japan"])

    def some(share: float) -> pl.Series:
        return pl.Series(rng.random(n_made) < share)

    cents = np.where(some(0.0002), cents * 100, np.where(some(0.0005), 0, cents))
    cents = np.where(some(0.00002), -cents, cents)
    quantity = np.where(some(0.0001), 5000, rng.integers(1, 25, n_made))
    moment = np.datetime64("2024-01-01", "us") + minute[order].astype("timedelta64[m]")
    moment = np.where(some(0.00001), np.datetime64("2032-03-01T09:00:00", "us"), moment)
    moment = np.where(some(0.00001), np.datetime64("1970-01-01T01:00:00", "us"), moment)
    euros, whole = pl.col("cents").abs() // 100, pl.col("cents").abs() % 100
    price = pl.concat_str(
        pl.when(pl.col("cents") < 0).then(pl.lit("-")).otherwise(pl.lit("")),
        pl.when(euros >= 1000).then(pl.format("{},", euros // 1000)).otherwise(pl.lit("")),
        pl.when(euros >= 1000).then((euros % 1000).cast(pl.String).str.zfill(3)).otherwise(euros.cast(pl.String)),
        pl.lit("."),
        whole.cast(pl.String).str.zfill(2),
    )
    country = pl.Series(countries[(buyer % 5)[order]])
    lines = pl.DataFrame({"order": order, "buyer": buyer[order], "product": product, "cents": cents}).select(
        (pl.col("order") + 500_000).cast(pl.String).alias("InvoiceNo"),
        pl.when(some(0.002)).then(pl.lit("POST")).otherwise(pl.format("{}A", pl.col("product") + 20_000))
        .alias("StockCode"),
        pl.when(~some(0.001)).then(pl.format("ARTICLE NUMBER {}", "product")).alias("Description"),
        pl.when(some(0.00005)).then(pl.lit("many")).otherwise(pl.Series(quantity).cast(pl.String)).alias("Quantity"),
        pl.when(some(0.00002)).then(pl.lit("soon"))
        .otherwise(pl.Series(moment).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S"))
        .alias("InvoiceDate"),
        pl.when(some(0.0002)).then(pl.lit("on request")).otherwise(price).alias("UnitPrice"),
        pl.when(pl.col("buyer") % 50_000 == 7).then(pl.format("test-{}", pl.col("buyer")))
        .when(pl.col("buyer") >= 0).then((pl.col("buyer") + 12_000).cast(pl.String))
        .alias("CustomerID"),
        pl.when(some(0.001)).then(country.str.to_uppercase()).otherwise(country).alias("Country"),
    )  # fmt: skip
    number = pl.col("InvoiceNo").cast(pl.Int64)
    later = pl.col("InvoiceDate").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    # Cancelled two days after, a few of them under numbers that no order has; and submitted again after two minutes.
    cancelled = lines.filter(number % 50 == 0).with_columns(
        InvoiceNo=pl.format("C{}", number + pl.when(number % 1000 == 0).then(90_000_000).otherwise(0)),
        Quantity=pl.concat_str(pl.lit("-"), "Quantity"),
        InvoiceDate=(later + pl.duration(days=2)).dt.strftime("%Y-%m-%d %H:%M:%S"),
    )
    again = lines.filter(number % 200 == 1).with_columns(
        InvoiceNo=(number + 50_000_000).cast(pl.String),
        InvoiceDate=(later + pl.duration(minutes=2)).dt.strftime("%Y-%m-%d %H:%M:%S"),
    )
    made = pl.concat([lines, cancelled, again]).head(n_rows)
    repeated = made.sample(n_rows - made.height, seed=seed)
    pl.concat([made, repeated]).write_csv(path)


def run(n_rows: int, n_repeats: int) -> Iterator[dict[str, object]]:
    """The one comparison."""
    OUT.mkdir(parents=True, exist_ok=True)
    data = OUT / f"ingest-{n_rows}.csv"
    apart(generate, data, n_rows)

    ours, theirs = contestant(__file__, "regulars", data), contestant(__file__, "duckdb", data)
    result = compare(ours, theirs, n_repeats)
    data.unlink()
    told = json.loads(ours.out.with_suffix(".json").read_text())
    yield {
        "benchmark": "ingest",
        "n_rows": n_rows,
        "equal": _equal(ours.out, theirs.out),
        **result,
        "counts": {name: told[name] for name in BALANCE} | {name: found["n"] for name, found in told["found"].items()},
        "not_by_peer": _not_by_peer(),
    }


def _not_by_peer() -> list[str]:
    """Codes of our findings, in tables of any kind, that DuckDB does not look for here."""
    from analytics.i18n import phrases

    named = {key.split(".")[1] for key in phrases.load() if key.startswith("issue.")}
    return sorted(named - {name.partition(":")[0] for name in CHECKS})


def _equal(ours: Path, peers: Path) -> bool:
    """The balance, every finding that both look for (rows, money, examples), and every cell of the kept lines."""
    import polars as pl

    mine, theirs = (json.loads(path.with_suffix(".json").read_text()) for path in (ours, peers))
    differ = [(name, mine[name], theirs[name]) for name in BALANCE if mine[name] != theirs[name]]
    for name in CHECKS:
        found, wanted = mine["found"].get(name, {}), theirs["found"].get(name, {})
        differ += [(name, found, wanted)] * any(found.get(known) != wanted[known] for known in wanted or found)
    frames = [pl.scan_parquet(path) for path in (ours, peers)]
    types = frames[0].collect_schema()
    # Counts and the wrapping sum of the rows' hashes: equal rows in any order, without sorting ten million of them.
    sums = [
        frame.select(pl.col(name).cast(dtype) for name, dtype in types.items())
        .select(pl.len(), pl.struct(pl.all()).hash().sum().alias("rows"), pl.all().null_count().name.prefix("no "))
        .collect(engine="streaming")
        for frame in frames
    ]
    if not sums[0].equals(sums[1]):
        differ.append(("kept", sums[0].to_dicts(), sums[1].to_dicts()))
    for difference in differ:
        print(*difference, sep="\n  ", file=sys.stderr)
    return not differ


def regulars(data: Path, out: Path) -> None:
    """This project: a file of the server -> RawTable -> suggested mapping -> MappedTable -> Dataset and report."""
    import os
    import tempfile

    from app_pages.ui.worker import ALLOCATOR

    os.environ.update(ALLOCATOR)  # as in the app's workers; read when Polars is loaded

    import rapidfuzz  # noqa: F401  # loaded on first use; imports are no work
    import scipy.optimize  # noqa: F401  # as above

    from analytics.connecting import LocalFile, digest_file, read_file
    from analytics.mapped import keeping
    from analytics.mapping import apply_mapping, suggest_mapping
    from analytics.quality import validate
    from analytics.reading import ReadSpec

    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        with measured():
            file = LocalFile(str(data), digest_file(data), data.stat().st_size)
            raw = read_file(file, data.name, ReadSpec(), folder)
            with keeping(folder):
                result = validate([apply_mapping(raw, suggest_mapping(raw).spec)])
            _by_pieces(result.dataset.tables["transactions"]).sink_parquet(out, compression="snappy")  # as DuckDB
            result.quarantine.write_parquet(out.with_suffix(".quarantine.parquet"))
            result.merged.write_parquet(out.with_suffix(".merged.parquet"))
        balance = result.report.balances[0]
        found = {
            f"{issue.code}:{issue.field}": {
                "n": issue.n_rows,
                "touched": round(issue.revenue_share or 0.0, 12),
                "examples": list(issue.examples),
            }
            for issue in result.report.issues
        }
        counts = {name: getattr(balance, name) for name in BALANCE} | {"found": found}
    out.with_suffix(".json").write_text(json.dumps(counts))


def _by_pieces(frame: Any) -> Any:
    """``frame`` for the streaming engine, which writes each piece away before it sees the next."""
    from polars.io.plugins import register_io_source

    from analytics.mapped import pieces

    def parts(
        columns: list[str] | None, _predicate: Any, _n_rows: int | None, _batch_size: int | None
    ) -> Iterator[Any]:
        yield from pieces(frame if columns is None else frame.select(columns))

    return register_io_source(parts, schema=frame.schema)


def duckdb(data: Path, out: Path) -> None:
    """DuckDB: ``ingest.sql``, then each of ``CHECKS``."""
    import duckdb as engine

    from analytics.quality import order_lines

    words = {
        "service_codes": ", ".join(f"'{code}'" for code in order_lines._SERVICE_CODES),
        "single_letters": ", ".join(f"'{code}'" for code in order_lines._SINGLE_LETTERS),
        "service_names": order_lines._SERVICE_NAMES,
        "test_pattern": order_lines.TEST_PATTERN,
        "data": str(data),
        "out": str(out),
        "quarantine": str(out.with_suffix(".quarantine.parquet")),
    }
    script = Path(__file__).with_suffix(".sql").read_text()
    for name, word in words.items():
        script = script.replace(f"{{{name}}}", word)
    with engine.connect() as connection:
        connection.execute(f"set threads = {THREADS}")
        connection.execute("set preserve_insertion_order = false")
        with measured():
            connection.execute(script)
            counts = _count_in(connection)
    out.with_suffix(".json").write_text(json.dumps(counts))


def _count_in(connection: Any) -> dict[str, Any]:
    """The balance and ``CHECKS`` from the table ``checked``, a query each: cheaper here than one of eighty sums."""
    kept = "sum(case when identity then 1 else n end) filter (reason is null)"
    balance = connection.execute(
        f"select sum(n), {kept}, sum(n - 1) filter (reason is null and identity), sum(n) filter (reason is not null), "  # nosec B608 # constants of benchmarks and its own path
        "any_value(gross) from checked"
    ).fetchone()
    found: dict[str, dict[str, Any]] = {}
    for name, (condition, shown) in CHECKS.items():
        times = TIMES.get(name, "n")
        n, up, down = connection.execute(
            f"select sum({times}), sum({times} * amount) filter (amount > 0), "  # nosec B608 # constants above
            f"-sum({times} * amount) filter (amount < 0) from checked where {condition}"
        ).fetchone()
        if not n:
            continue
        found[name] = {"n": int(n), "touched": round(max(int(up or 0), int(down or 0)) / int(balance[4]), 12)}
        if shown:
            examples = connection.execute(
                f"select ({shown})::varchar as shown from checked where {condition} and {times} > 0 "  # nosec B608 # constants of benchmarks and its own path
                f"group by shown order by sum({times}) desc, shown limit 5"
            )
            found[name]["examples"] = [value for (value,) in examples.fetchall() if value is not None]
    return {name: int(value or 0) for name, value in zip(BALANCE, balance, strict=False)} | {"found": found}


if __name__ == "__main__":
    contestants = {each.__name__: each for each in (regulars, duckdb)}
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=contestants)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    contestants[chosen.contestant](chosen.data, chosen.out)
