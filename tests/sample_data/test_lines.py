from __future__ import annotations

import polars as pl

from sample_data.marketplace import Marketplace

CENTS = {c: (pl.col(c) * 100).cast(pl.Int64) for c in ("unit_price", "discount_amount", "amount")}


def test_amounts_are_exact(market: Marketplace) -> None:
    cents = market.tables["transactions"].select("quantity", **CENTS)
    wrong = cents.filter(pl.col("amount") != pl.col("quantity") * pl.col("unit_price") - pl.col("discount_amount"))
    assert wrong.height == 0
    assert cents["discount_amount"].min() == 0
    assert cents["unit_price"].min() > 0
    assert (cents["amount"] % 100 != 0).sum() > 1000  # discounts reach into the cents, so rounding would show


def test_signs_follow_the_order_number(market: Marketplace) -> None:
    lines = market.tables["transactions"]
    back = pl.col("order_id").str.head(1).is_in(["R", "C"])
    assert (lines.filter(back)["quantity"] < 0).all()
    assert (lines.filter(back)["amount"] < 0).all()
    assert (lines.filter(~back)["quantity"] > 0).all()
    assert (lines.filter(~back)["amount"] > 0).all()
    assert lines.filter(~back)["order_id"].str.contains(r"^\d{12}$").all()
    assert set(lines.filter(back)["order_id"].str.head(1)) == {"R", "C"}


def test_returns_follow_their_order_and_never_exceed_it(market: Marketplace) -> None:
    lines = market.tables["transactions"]
    sold = lines.filter(pl.col("quantity") > 0).select(
        "order_id", "product_id", "ordered_at", "quantity", "amount", "customer_id"
    )
    back = lines.filter(pl.col("quantity") < 0).with_columns(pl.col("order_id").str.slice(1))
    both = back.join(sold, on=["order_id", "product_id"], how="left", suffix="_sold")
    assert both["quantity_sold"].is_not_null().all()
    assert both["customer_id"].eq_missing(both["customer_id_sold"]).all()
    assert (both["ordered_at"] > both["ordered_at_sold"]).all()
    once = both.group_by("order_id", "product_id").len()
    assert once["len"].max() == 1
    assert (-both["quantity"] <= both["quantity_sold"]).all()
    whole = both.filter(-pl.col("quantity") == pl.col("quantity_sold"))
    assert (whole.select((pl.col("amount") + pl.col("amount_sold")).cast(pl.Float64)).to_series() == 0).all()


def test_cancellations_take_back_the_whole_order(market: Marketplace) -> None:
    lines = market.tables["transactions"]
    cancelled = lines.filter(pl.col("order_id").str.starts_with("C"))
    numbers = cancelled["order_id"].str.slice(1).unique()
    assert len(numbers) > 100
    sold = lines.filter(pl.col("order_id").is_in(numbers.implode()))
    assert (cancelled["amount"].sum() or 0) + (sold["amount"].sum() or 0) == 0


def test_fashion_comes_back_most_often(large: Marketplace) -> None:
    lines = large.tables["transactions"]
    by_category = lines.group_by("category").agg(
        (pl.col("order_id").str.starts_with("R").sum() / (pl.col("quantity") > 0).sum()).alias("share")
    )  # fmt: skip
    assert by_category.sort("share")["category"].to_list()[-1] == "Fashion"
    assert by_category.sort("share")["category"].to_list()[0] == "Groceries"


def test_sales_carry_the_list_price_of_their_day(market: Marketplace) -> None:
    sold = market.tables["transactions"].filter(pl.col("quantity") > 0).sort("ordered_at")
    prices = market.truth["prices"].with_columns(pl.col("from_date").cast(pl.Datetime("us"))).sort("from_date")
    both = sold.join_asof(prices, left_on="ordered_at", right_on="from_date", by="product_id", check_sortedness=False)
    assert (both["unit_price"].cast(pl.Float64) == both["unit_price_right"].cast(pl.Float64)).all()


def test_a_product_stands_once_in_an_order(market: Marketplace) -> None:
    assert not market.tables["transactions"].select("order_id", "product_id").is_duplicated().any()


def test_products_of_an_affinity_meet_more_often_than_by_chance(large: Marketplace, large_sales: pl.DataFrame) -> None:
    n_orders = large_sales["order_id"].n_unique()
    for affinity in large.parameters["affinities"]:
        first, *partners = affinity["products"]
        baskets = large_sales.filter(pl.col("product_id") == first)["order_id"]
        for partner in partners:
            with_partner = large_sales.filter(pl.col("product_id") == partner)["order_id"]
            together = with_partner.is_in(baskets.implode()).sum()
            confidence = together / len(baskets)
            lift = confidence / (len(with_partner) / n_orders)
            assert lift > 2, (first, partner, lift)
            # the planted probability, plus meetings by chance
            assert affinity["probability"] - 0.04 < confidence < affinity["probability"] + 0.12


def test_wholesale_accounts_buy_by_the_dozen(large_sales: pl.DataFrame) -> None:
    means = dict(large_sales.group_by("kind").agg(pl.col("quantity").mean()).iter_rows())
    assert means["wholesale"] > 10
    assert max(v for k, v in means.items() if k not in ("wholesale",)) < 2.5


def test_bargain_hunters_buy_reduced(large_sales: pl.DataFrame) -> None:
    reduced = large_sales.group_by("kind").agg((pl.col("discount_amount") > 0).mean().alias("share")).sort("share")
    assert reduced["kind"].to_list()[-1] == "bargain_hunters"
