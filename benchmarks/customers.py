"""Order lines to a customer table, against DuckDB, pandas and the lifetimes package.

Two sets of columns. *The customer table*, for DuckDB and pandas: first and last order day, orders, order days, revenue,
items, different products and categories, average discount, share returned, and the most frequent category, channel and
payment method. *The columns of lifetimes*: frequency (order days less one), recency (days from the first to the last),
T (days from the first to the end of observation), monetary value (mean of a repeat day's total, 0 without one).

Definitions, the same for all: days are calendar days; an order is an order id with a sale line that stands: a return
takes back from the line of the same order and product, else from the customer's latest earlier sale of the product, and
an order with nothing left is none. Ties are broken by name; returns are subtracted from revenue and items. lifetimes
knows no returns, so both sides of that comparison start from the sale lines alone. Each contestant starts from the
order lines in memory in its own form (a Dataset, a DuckDB table, a pandas frame; all sorted by customer). ``process``
figures include imports and loading, for us the sorting and the digest that ``Dataset.build`` makes once per file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import OUT, THREADS, apart, compare, contestant, environment, measured

AS_OF = "2026-01-31"
LIFETIMES = ("lifetimes==0.11.3", "pandas==1.5.3", "numpy==1.26.4", "pyarrow==19.0.1", "psutil==7.2.2")


def generate(path: Path, n_rows: int, seed: int = 7) -> None:
    """Order lines of about ``n_rows`` / 10 customers over three years, in the order in which they happened."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    n_customers, n_orders = max(n_rows // 10, 5), max(n_rows // 3, 5)
    pace = rng.gamma(0.8, size=n_customers)
    buyer = rng.choice(n_customers, n_orders, p=pace / pace.sum())
    second = np.sort(rng.integers(0, 1100 * 86_400, n_orders))
    order = np.sort(rng.integers(0, n_orders, n_rows))
    product = rng.zipf(1.3, n_rows) % 800
    price = 100 + product * 37 % 9000
    back = rng.random(n_rows) < 0.03
    sign = np.where(back, -1, 1)
    quantity = rng.integers(1, 5, n_rows)
    discount = np.where(rng.random(n_rows) < 0.2, quantity * price // 10, 0)
    names = pl.DataFrame({"name": [f"C{i:07d}" for i in range(n_customers)]})["name"]
    usual = rng.integers(0, 3, n_customers)
    channel = np.where(rng.random(n_orders) < 0.7, usual[buyer], rng.integers(0, 3, n_orders))
    pl.DataFrame(
        {
            "customer_id": names.gather(buyer[order]),
            "order_id": pl.select(pl.format("O{}", pl.lit(pl.Series(order)).cast(pl.String).str.zfill(8))).to_series(),
            "ordered_at": np.datetime64("2023-01-01", "us") + (second[order] * 1_000_000).astype("timedelta64[us]"),
            "product_id": pl.Series([f"P{i:04d}" for i in range(800)]).gather(product),
            "category": pl.Series([f"category {i:02d}" for i in range(20)]).gather(product % 20),
            "quantity": sign * quantity,
            "unit_price": price,
            "discount_amount": sign * discount,
            "amount": sign * (quantity * price - discount),
            "channel": pl.Series(["app", "store", "web"]).gather(channel[order]),
            "payment_method": pl.Series(["card", "cash", "transfer", "wallet"]).gather(order * 7 % 4),
            "kind": pl.Series(["sale", "return"]).gather(back.astype(int)),
        }
    ).write_parquet(path)


def run(n_rows: int, n_repeats: int) -> Iterator[dict[str, object]]:
    """One comparison per peer."""
    OUT.mkdir(parents=True, exist_ok=True)
    data = OUT / f"customers-{n_rows}.parquet"
    apart(generate, data, n_rows)

    pairs = [("regulars", "duckdb", sys.executable), ("regulars", "pandas", sys.executable)]
    try:
        pairs.append(("regulars_clv", "lifetimes", str(environment("lifetimes", *LIFETIMES))))
    except RuntimeError as error:
        yield {"benchmark": "customers", "peer": "lifetimes", "skipped": str(error)}
    for mine, peer, python in pairs:
        ours, theirs = contestant(__file__, mine, data), contestant(__file__, peer, data, python)
        result = compare(ours, theirs, n_repeats)
        yield {"benchmark": "customers", "n_rows": n_rows, "equal": _equal(ours.out, theirs.out), **result}


def _equal(ours: Path, peers: Path) -> bool:
    """Every value of the peer's table: text and whole numbers exactly, fractions to nine digits (discounts to six)."""
    import polars as pl
    from polars.testing import assert_frame_equal

    theirs = pl.read_parquet(peers).sort("customer_id")
    mine = pl.read_parquet(ours).sort("customer_id").select(theirs.columns)
    typed = theirs.cast(dict(mine.schema))
    try:
        # A discount is kept to a millionth of each line.
        loose = [name for name in ("discount_share",) if name in mine.columns]
        assert_frame_equal(mine.drop(loose), typed.drop(loose), rel_tol=1e-9, abs_tol=1e-9)
        assert_frame_equal(mine.select(loose), typed.select(loose), rel_tol=0, abs_tol=1e-6)
    except AssertionError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _dataset(data: Path, *, sales_only: bool = False):
    from datetime import date

    import polars as pl

    from analytics.dataset import Dataset

    lines = pl.read_parquet(data)
    if sales_only:
        lines = lines.filter(pl.col("kind") == "sale")
    return Dataset.build({"transactions": lines}, as_of=date.fromisoformat(AS_OF), money_digits=2)


def regulars(data: Path, out: Path) -> None:
    """This project: Dataset -> CustomerTable."""
    import narwhals  # noqa: F401  # loaded on first use in the analysis; imports are no work

    from analytics.customers import summarise_customers

    dataset = _dataset(data)
    with measured():
        table = summarise_customers(dataset)
    table.frame.write_parquet(out)


def regulars_clv(data: Path, out: Path) -> None:
    """This project, the columns of lifetimes: from its purchase days."""
    from datetime import date

    import narwhals  # noqa: F401  # as above
    import polars as pl

    from analytics import reductions

    dataset = _dataset(data, sales_only=True)
    with measured():
        days = reductions.collect(reductions.purchase_days(reductions.project(dataset, encode=["customer_id"])))
        as_of = (dataset.as_of - date(1970, 1, 1)).days
        first, last = pl.col("day").min().cast(pl.Int64), pl.col("day").max().cast(pl.Int64)
        on_first = pl.col("amount").get(pl.col("day").arg_min())
        repeats = pl.len().cast(pl.Int64) - 1
        table = days.group_by("customer_id").agg(
            frequency=repeats,
            recency=last - first,
            T=as_of - first,
            monetary_value=pl.when(repeats > 0)
            .then((pl.col("amount").sum() - on_first) / repeats / 10**dataset.money_digits)
            .otherwise(0.0),
        )
        ids = reductions.values(dataset, "customer_id")
        table = table.with_columns(ids.gather(table["customer_id"]).alias("customer_id"))
    table.write_parquet(out)


# The sale lines of orders that stand.
STANDING = """
with back as (select *, row_number() over () as id from lines where customer_id is not null
              and kind in ('return', 'cancellation')),
sold as (select customer_id, order_id, product_id, ordered_at::date as day, min(ordered_at) as at,
                sum(quantity) as sold
         from lines semi join (select distinct customer_id, product_id from back) using (customer_id, product_id)
         where kind = 'sale' group by all),
same as (select b.id, -b.quantity as n, s.customer_id, s.order_id, s.product_id, s.day
         from back b join sold s using (customer_id, order_id, product_id) where s.at <= b.ordered_at
         qualify row_number() over (partition by b.id order by s.at desc) = 1),
late as (select b.id, -b.quantity as n, s.customer_id, s.order_id, s.product_id, s.day
         from (select * from back anti join same using (id)) b join sold s using (customer_id, product_id)
         where s.at <= b.ordered_at
         qualify row_number() over (partition by b.id order by s.at desc, s.order_id desc) = 1),
taken as (select customer_id, order_id, product_id, day, sum(n) as n
          from (from same union all from late) group by all),
undone as (select customer_id, order_id, count(*) as n
           from sold join taken using (customer_id, order_id, product_id, day) where taken.n >= sold.sold group by all),
parts as (select distinct customer_id, order_id, product_id, ordered_at::date as day
          from lines semi join undone using (customer_id, order_id) where kind = 'sale'),
gone as (select customer_id, order_id from (select customer_id, order_id, count(*) as n from parts group by all)
         join undone using (customer_id, order_id, n)),
sales as (select * from lines anti join gone using (customer_id, order_id)
          where customer_id is not null and kind = 'sale')
"""
_DUCKDB = (
    STANDING  # nosec B608 # constants of benchmarks
    + """,
orders as (select customer_id, order_id, min(ordered_at::date) as day from sales group by all),
days as (select customer_id, day, count(*) as n from orders group by all),
counts as (select customer_id, sum(n)::bigint as n_orders, count(*) as n_order_days, min(day) as first_order_on,
           max(day) as last_order_on from days group by all),
sums as (
    select customer_id, sum(amount)::bigint as amount, sum(quantity)::bigint as n_items,
           sum(case when kind = 'sale' then amount else 0 end) as sold,
           sum(case when kind in ('return', 'cancellation') then amount else 0 end) as returned
    from lines where customer_id is not null and kind <> 'service' group by all),
products as (select customer_id, count(distinct product_id) as n_products,
                    avg(discount_amount / (quantity * unit_price)) as discount_share from sales group by all),
by_category as (select customer_id, category, count(*) as n from sales group by all),
categories as (select customer_id, arg_min(category, (-n, category)) as top_category, count(*) as n_categories
               from by_category group by all),
by_channel as (select customer_id, channel, count(*) as n from sales group by all),
channels as (select customer_id, arg_min(channel, (-n, channel)) as top_channel from by_channel group by all),
by_payment as (select customer_id, payment_method, count(*) as n from sales group by all),
payments as (select customer_id, arg_min(payment_method, (-n, payment_method)) as top_payment_method
             from by_payment group by all)
select customer_id, first_order_on, last_order_on, date '{as_of}' - last_order_on as recency_days,
       date '{as_of}' - first_order_on as tenure_days, n_orders, n_order_days,
       case when n_order_days > 1 then (last_order_on - first_order_on) / (n_order_days - 1) end as mean_gap_days,
       amount / 100 as revenue, amount / 100 / n_orders as mean_order_value, n_items, n_products, n_categories,
       discount_share, least(greatest(-returned / sold, 0), 1) as return_share, top_category, top_channel,
       top_payment_method
from counts join sums using (customer_id) join products using (customer_id) join categories using (customer_id)
join channels using (customer_id) join payments using (customer_id)
"""
)


def duckdb(data: Path, out: Path) -> None:
    """DuckDB: a table in memory, sorted by customer and order as ours is; the fastest wording of each part we found."""
    import duckdb as engine

    with engine.connect() as connection:
        connection.execute(f"set threads = {THREADS}")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"create table lines as select * from read_parquet('{data}') order by customer_id, order_id")  # nosec B608 # constants of benchmarks and its own path
        with measured():
            table = connection.sql(_DUCKDB.format(as_of=AS_OF)).to_arrow_table()
        connection.from_arrow(table).write_parquet(str(out))


def pandas(data: Path, out: Path) -> None:
    """pandas: grouped sums and counts, modes by counting and sorting."""
    import pandas as pd

    lines = pd.read_parquet(data).sort_values(["customer_id", "order_id"], ignore_index=True)
    with measured():
        lines["day"] = lines["ordered_at"].dt.normalize()
        is_sale = lines["kind"] == "sale"
        lines["sold"] = lines["amount"].where(is_sale, 0)
        lines["returned"] = lines["amount"].where(lines["kind"].isin(["return", "cancellation"]), 0)
        sales = lines[is_sale].copy()
        back = lines[lines["kind"].isin(["return", "cancellation"]) & lines["customer_id"].notna()]
        pair, number = ["customer_id", "product_id"], ["customer_id", "order_id", "product_id"]
        candidates = sales.merge(back[pair].drop_duplicates(), on=pair)
        sold = candidates.groupby([*number, "day"], sort=False).agg(at=("ordered_at", "min"), sold=("quantity", "sum"))
        sold = sold.reset_index().sort_values(["at", "order_id"]).rename_axis("line").reset_index()
        takes = back[[*number, "ordered_at", "quantity"]].sort_values("ordered_at")
        found = []
        for by in (number, pair):
            right = sold[["line", "at", *by]]
            match = pd.merge_asof(takes, right, left_on="ordered_at", right_on="at", by=by)
            found.append(match[match["line"].notna()])
            takes = match[match["line"].isna()].drop(columns=["line", "at"])
        taken = -pd.concat(found).groupby("line")["quantity"].sum()
        undone = sold[sold["line"].map(taken).fillna(0) >= sold["sold"]]
        order = ["customer_id", "order_id"]
        touched = undone.groupby(order).size().rename("n").reset_index()
        parts = sales.merge(touched[order], on=order).drop_duplicates([*number, "day"])
        gone = parts.groupby(order).size().rename("n").reset_index().merge(touched, on=[*order, "n"])
        sales = sales.merge(gone[order].assign(gone=True), on=order, how="left")
        sales = sales[sales["gone"].isna()].drop(columns="gone")
        sales["discount_share"] = sales["discount_amount"] / (sales["quantity"] * sales["unit_price"])
        order_day = sales.groupby(["customer_id", "order_id"], sort=False)["day"].min().reset_index()
        per_day = order_day.groupby(["customer_id", "day"], sort=False).size().rename("n").reset_index()
        grouped = per_day.groupby("customer_id", sort=False)
        table = grouped.agg(
            first_order_on=("day", "min"),
            last_order_on=("day", "max"),
            n_orders=("n", "sum"),
            n_order_days=("n", "size"),
        )
        goods = lines[lines["kind"] != "service"].groupby("customer_id", sort=False)
        table = table.join(goods[["amount", "quantity", "sold", "returned"]].sum())
        by_customer = sales.groupby("customer_id", sort=False)
        table["n_products"] = by_customer["product_id"].nunique()
        table["discount_share"] = by_customer["discount_share"].mean()
        for column in ("category", "channel", "payment_method"):
            counted = sales.groupby(["customer_id", column], sort=False).size().rename("n").reset_index()
            if column == "category":
                table["n_categories"] = counted.groupby("customer_id", sort=False).size()
            first = counted.sort_values(["n", column], ascending=[False, True]).drop_duplicates("customer_id")
            table[f"top_{column}"] = first.set_index("customer_id")[column]
        as_of = pd.Timestamp(AS_OF)
        table["recency_days"] = (as_of - table["last_order_on"]).dt.days
        table["tenure_days"] = (as_of - table["first_order_on"]).dt.days
        span = (table["last_order_on"] - table["first_order_on"]).dt.days
        table["mean_gap_days"] = (span / (table["n_order_days"] - 1)).where(table["n_order_days"] > 1)
        table["revenue"] = table["amount"] / 100
        table["mean_order_value"] = table["revenue"] / table["n_orders"]
        table["return_share"] = (-table["returned"] / table["sold"]).clip(0, 1)
        table = table.rename(columns={"quantity": "n_items"}).drop(columns=["amount", "sold", "returned"]).reset_index()
    table.to_parquet(out)


def lifetimes(data: Path, out: Path) -> None:
    """The lifetimes package, in its own environment: sale lines only, since it knows no returns."""
    import pandas as pd
    from lifetimes import utils

    lines = pd.read_parquet(data, columns=["customer_id", "ordered_at", "amount", "kind"])
    sales = lines[(lines["kind"] == "sale") & (lines["amount"] > 0)].sort_values("customer_id", ignore_index=True)
    sales["amount"] = sales["amount"] / 100
    with measured():
        table = utils.summary_data_from_transaction_data(
            sales, "customer_id", "ordered_at", monetary_value_col="amount", observation_period_end=AS_OF
        )
    table.reset_index().to_parquet(out)


if __name__ == "__main__":
    contestants = {each.__name__: each for each in (regulars, regulars_clv, duckdb, pandas, lifetimes)}
    parser = argparse.ArgumentParser()
    parser.add_argument("contestant", choices=contestants)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    contestants[chosen.contestant](chosen.data, chosen.out)
