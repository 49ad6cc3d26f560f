"""A CSV of order lines to a validated table, against pandas and DuckDB.

All three end with the same values: the kept lines with typed columns (money in minor units), each line's kind, and the
counts of rows in, kept, merged (exact repeats), set aside (price that cannot be read), and of lines without a customer,
with a quantity of zero or less, and of cancellations.

It is not a race between equals: the peers are told the columns, their types and the form of dates, and check nothing
else. This project finds encoding, delimiter, header, fields and date format by itself, looks for a dozen further
defects, keeps every set-aside row as it stood, sorts the table and takes its digest. The ratio is the price of that.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import OUT, THREADS, Contestant, compare, measured

COUNTS = (
    "rows_in",
    "kept",
    "merged",
    "quarantined",
    "missing_customer",
    "quantity_not_positive",
    "cancellations",
)


def generate(path: Path, n_rows: int, seed: int = 7) -> None:
    """A shop's export: a fifth of the lines anonymous, 2 percent cancelled, some repeated, some prices in words."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    n_made = n_rows - n_rows // 100
    n_orders = max(n_made // 10, 2)
    order = np.sort(rng.integers(0, n_orders, n_made))
    minute = np.sort(rng.integers(0, 700 * 24 * 60, n_orders))
    buyer = np.where(rng.random(n_orders) < 0.2, -1, rng.integers(0, max(n_orders // 6, 1), n_orders))
    cancelled = (rng.random(n_orders) < 0.02)[order]
    product = rng.zipf(1.3, n_made) % 3000
    cents = 50 + product * 97 % 5000 + np.where(product % 200 == 7, 120_000, 0)
    quantity = np.where(cancelled, -1, 1) * rng.integers(1, 25, n_made)
    countries = np.array(["United Kingdom", "Germany", "France", "Norway", "Japan"])
    made = pl.DataFrame(
        {"order": order, "customer": buyer[order], "product": product, "cents": cents, "cancelled": cancelled}
    )
    euros = pl.col("cents") // 100
    thousands = (
        pl.when(euros < 1000)
        .then(euros.cast(pl.String))
        .otherwise(pl.format("{},{}", euros // 1000, (euros % 1000).cast(pl.String).str.zfill(3)))
    )
    lines = made.select(
        pl.concat_str(
            pl.when("cancelled").then(pl.lit("C")).otherwise(pl.lit("")), (pl.col("order") + 500_000).cast(pl.String)
        ).alias("InvoiceNo"),
        pl.format("{}A", pl.col("product") + 20_000).alias("StockCode"),
        pl.format("ARTICLE NUMBER {}", "product").alias("Description"),
        pl.Series("Quantity", quantity),
        pl.Series("InvoiceDate", np.datetime64("2024-01-01", "us") + minute[order].astype("timedelta64[m]"))
        .cast(pl.Datetime("us"))
        .dt.strftime("%Y-%m-%d %H:%M:%S"),
        pl.when(pl.Series(rng.random(n_made) < 0.0002))
        .then(pl.lit("on request"))
        .otherwise(pl.format("{}.{}", thousands, (pl.col("cents") % 100).cast(pl.String).str.zfill(2)))
        .alias("UnitPrice"),
        pl.when(pl.col("customer") >= 0).then((pl.col("customer") + 12_000).cast(pl.String)).alias("CustomerID"),
        pl.Series("Country", countries[(buyer % 5)[order]]),
    )
    repeated = lines.sample(n_rows - n_made, seed=seed)
    pl.concat([lines, repeated]).write_csv(path)


def run(n_rows: int, n_repeats: int) -> Iterator[dict[str, object]]:
    """One comparison per peer."""
    OUT.mkdir(parents=True, exist_ok=True)
    data = OUT / f"ingest-{n_rows}.csv"
    generate(data, n_rows)

    def contestant(name: str) -> Contestant:
        out = OUT / f"ingest-{name}.parquet"
        return Contestant(name, (sys.executable, __file__, name, "--data", str(data), "--out", str(out)), out)

    for peer in ("duckdb", "pandas"):
        ours, theirs = contestant("regulars"), contestant(peer)
        result = compare(ours, theirs, n_repeats)
        counts = json.loads(ours.out.with_suffix(".json").read_text())
        yield {
            "benchmark": "ingest",
            "n_rows": n_rows,
            "equal": _equal(ours.out, theirs.out),
            **result,
            "counts": counts,
        }


def _equal(ours: Path, peers: Path) -> bool:
    """Every count and every cell of the kept lines."""
    import polars as pl

    counts = [json.loads(path.with_suffix(".json").read_text()) for path in (ours, peers)]
    mine, theirs = pl.read_parquet(ours), pl.read_parquet(peers)
    theirs = theirs.select(mine.columns).cast(dict(mine.schema))
    mine, theirs = (frame.sort(frame.columns, nulls_last=True) for frame in (mine, theirs))
    if counts[0] == counts[1] and mine.equals(theirs):
        return True
    print(counts, mine, theirs, file=sys.stderr)
    return False


def regulars(data: Path, out: Path) -> None:
    """This project: bytes -> RawTable -> suggested mapping -> MappedTable -> Dataset and report."""
    import rapidfuzz  # noqa: F401  # loaded on first use; imports are no work
    import scipy.optimize  # noqa: F401

    from analytics.mapping import apply_mapping, suggest_mapping
    from analytics.quality import validate
    from analytics.reading import read

    with measured():
        raw = read(data.read_bytes(), data.name)
        result = validate([apply_mapping(raw, suggest_mapping(raw).spec)])
    report, balance = result.report, result.report.balances[0]
    found = {issue.code: issue.n_rows for issue in report.issues}
    counts = {
        "rows_in": balance.rows_in,
        "kept": balance.kept,
        "merged": balance.merged,
        "quarantined": balance.quarantined,
        **{name: found.get(name, 0) for name in COUNTS[4:]},
    }
    out.with_suffix(".json").write_text(json.dumps(counts))
    result.dataset.tables["transactions"].write_parquet(out)


_DUCKDB = """
create table read as
select * from read_csv('{data}', header = true, columns = {{
    'InvoiceNo': 'VARCHAR', 'StockCode': 'VARCHAR', 'Description': 'VARCHAR', 'Quantity': 'BIGINT',
    'InvoiceDate': 'TIMESTAMP', 'UnitPrice': 'VARCHAR', 'CustomerID': 'VARCHAR', 'Country': 'VARCHAR'}});
create table once as select *, count(*) as n from read group by all;
create table priced as
select *, (try_cast(replace(UnitPrice, ',', '') as decimal(18, 2)) * 100)::bigint as price from once;
create table kept as
select CustomerID as customer_id, InvoiceNo as order_id, InvoiceDate as ordered_at, StockCode as product_id,
       Description as product, Quantity as quantity, price as unit_price, Quantity * price as amount,
       Country as country, case when regexp_matches(InvoiceNo, '^[Cc]-?[0-9]') then 'cancellation'
       when Quantity < 0 or Quantity * price < 0 then 'return' else 'sale' end as kind
from priced where price is not null
"""
_DUCKDB_COUNTS = """
select sum(n)::bigint as rows_in, count(price) as kept,
       (sum(n) filter (price is not null) - count(price))::bigint as merged,
       (sum(n) filter (price is null))::bigint as quarantined,
       (sum(n) filter (CustomerID is null))::bigint as missing_customer,
       (sum(n) filter (Quantity <= 0))::bigint as quantity_not_positive,
       (sum(n) filter (regexp_matches(InvoiceNo, '^[Cc]-?[0-9]')))::bigint as cancellations
from priced
"""


def duckdb(data: Path, out: Path) -> None:
    """DuckDB: told every type, repeats found by grouping."""
    import duckdb as engine

    with engine.connect() as connection:
        connection.execute(f"set threads = {THREADS}")
        connection.execute("set preserve_insertion_order = false")
        with measured():
            connection.execute(_DUCKDB.format(data=data))
            counts = connection.execute(_DUCKDB_COUNTS).fetchall()
        out.with_suffix(".json").write_text(json.dumps(dict(zip(COUNTS, counts[0], strict=True))))
        connection.table("kept").write_parquet(str(out))


def pandas(data: Path, out: Path) -> None:
    """pandas: told every type, read by its multi-threaded engine."""
    import pandas as pd

    text = ("InvoiceNo", "StockCode", "Description", "UnitPrice", "CustomerID", "Country")
    with measured():
        lines = pd.read_csv(data, engine="pyarrow", dtype=dict.fromkeys(text, "str") | {"Quantity": "int64"})
        lines["InvoiceDate"] = pd.to_datetime(lines["InvoiceDate"], format="%Y-%m-%d %H:%M:%S")
        price = pd.to_numeric(lines["UnitPrice"].str.replace(",", "", regex=False), errors="coerce")
        cancelled = lines["InvoiceNo"].str.match(r"[Cc]-?[0-9]")
        unread, twice = price.isna(), lines.duplicated()
        kept = lines[~unread & ~twice].copy()
        kept["unit_price"] = (price[kept.index] * 100).round().astype("int64")
        kept["amount"] = kept["Quantity"] * kept["unit_price"]
        kept["kind"] = "sale"
        kept.loc[(kept["Quantity"] < 0) | (kept["amount"] < 0), "kind"] = "return"
        kept.loc[cancelled[kept.index], "kind"] = "cancellation"
        counts = {
            "rows_in": len(lines),
            "kept": len(kept),
            "merged": int((twice & ~unread).sum()),
            "quarantined": int(unread.sum()),
            "missing_customer": int(lines["CustomerID"].isna().sum()),
            "quantity_not_positive": int((lines["Quantity"] <= 0).sum()),
            "cancellations": int(cancelled.sum()),
        }
    out.with_suffix(".json").write_text(json.dumps(counts))
    names = {
        "InvoiceNo": "order_id",
        "StockCode": "product_id",
        "Description": "product",
        "Quantity": "quantity",
        "InvoiceDate": "ordered_at",
        "CustomerID": "customer_id",
        "Country": "country",
    }
    kept.drop(columns="UnitPrice").rename(columns=names).to_parquet(out)


if __name__ == "__main__":
    contestants = {each.__name__: each for each in (regulars, duckdb, pandas)}
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=contestants)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    contestants[chosen.contestant](chosen.data, chosen.out)
