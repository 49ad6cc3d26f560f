from __future__ import annotations

import ast
import json
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sample_data import marketplace
from sample_data.marketplace import TABLES, TRUTH_TABLES, Marketplace, generate, write

MONEY = pl.Decimal(12, 2)
MOMENT = pl.Datetime("us")
SCHEMAS = {
    "transactions": {
        "customer_id": pl.String, "order_id": pl.String, "ordered_at": MOMENT, "product_id": pl.String,
        "product": pl.String, "category": pl.String, "brand": pl.String, "quantity": pl.Int64, "unit_price": MONEY,
        "discount_amount": MONEY, "amount": MONEY, "channel": pl.String, "payment_method": pl.String,
        "city": pl.String, "country": pl.String,
    },
    "customers": {
        "customer_id": pl.String, "account_type": pl.String, "name": pl.String, "email": pl.String,
        "phone": pl.String, "gender": pl.String, "birth_year": pl.Int64, "city": pl.String, "country": pl.String,
        "joined_at": pl.Date, "acquisition_channel": pl.String, "tier": pl.String, "marketing_consent": pl.Boolean,
    },
    "events": {
        "customer_id": pl.String, "occurred_at": MOMENT, "event": pl.String, "item": pl.String,
        "channel": pl.String, "duration_s": pl.Int64,
    },
    "contacts": {
        "customer_id": pl.String, "contacted_at": MOMENT, "channel": pl.String, "reason": pl.String,
        "resolved": pl.Boolean, "wait_s": pl.Int64, "text": pl.String,
    },
    "feedback": {
        "feedback_id": pl.String, "customer_id": pl.String, "written_at": MOMENT, "source": pl.String,
        "rating": pl.Int64, "text": pl.String, "language": pl.String,
    },
    "survey": {
        "customer_id": pl.String, "answered_at": MOMENT, "nps": pl.Int64, "satisfaction": pl.Int64,
        "price_sensitivity": pl.Int64, "brand_loyalty": pl.Int64, "novelty_seeking": pl.Int64,
        "convenience": pl.Int64, "sustainability": pl.Int64, "reasons_to_buy": pl.String, "comment": pl.String,
        "duration_s": pl.Int64,
    },
    "campaigns": {
        "customer_id": pl.String, "sent_at": MOMENT, "campaign": pl.String, "channel": pl.String, "arm": pl.String,
        "responded": pl.Boolean, "revenue": MONEY, "cost": MONEY,
    },
}  # fmt: skip
ALL_TRUTH = (
    *TRUTH_TABLES, "uplift_by_segment", "products", "prices", "product_stages", "demand_by_day",
    "demand_by_category_day", "demand_by_segment_day",
)  # fmt: skip


def digest(frames: dict[str, pl.DataFrame]) -> dict[str, list[int]]:
    return {name: frame.hash_rows(seed=0).to_list() for name, frame in frames.items()}


def test_same_seed_and_size_give_the_same_rows() -> None:
    first, second = generate(300, 5), generate(300, 5)
    assert digest(first.tables) == digest(second.tables)
    assert digest(first.truth) == digest(second.truth)
    assert first.parameters == second.parameters


def test_another_seed_is_another_truth() -> None:
    first, second = generate(200, 5), generate(200, 6)
    for name in TABLES:
        assert not first.tables[name].equals(second.tables[name]), name
    for planted in (
        "segments",
        "seasons",
        "promotions",
        "elasticities",
        "affinities",
        "stock_out",
        "campaigns",
        "topics",
    ):
        assert first.parameters[planted] != second.parameters[planted], planted
    assert not first.truth["product_stages"].equals(second.truth["product_stages"])


def test_the_size_does_not_change_what_the_seed_plants() -> None:
    small, larger = generate(60, 5), generate(400, 5)
    for planted in ("segments", "seasons", "elasticities", "affinities", "stock_out", "campaigns", "topics"):
        assert small.parameters[planted] == larger.parameters[planted], planted
    assert small.truth["prices"].equals(larger.truth["prices"])


@pytest.mark.parametrize("name", TABLES)
def test_tables_have_their_columns(market: Marketplace, name: str) -> None:
    assert dict(market.tables[name].schema) == SCHEMAS[name]
    assert market.tables[name].height > 100


@pytest.mark.parametrize("name", TABLES)
def test_committed_tables_come_from_the_generator(market: Marketplace, folder: Path, name: str) -> None:
    assert_frame_equal(
        pl.read_parquet(folder / "marketplace" / f"{name}.parquet"), market.tables[name], check_exact=True
    )


@pytest.mark.parametrize("name", ALL_TRUTH)
def test_committed_truth_comes_from_the_generator(market: Marketplace, folder: Path, name: str) -> None:
    # planted figures are rounded to six digits and more, so a last-bit difference between machines may show there
    assert_frame_equal(
        pl.read_parquet(folder / "truth" / "marketplace" / f"{name}.parquet"), market.truth[name], abs_tol=2e-4
    )


def test_committed_parameters_come_from_the_generator(market: Marketplace, folder: Path) -> None:
    text = (folder / "truth" / "marketplace" / "truth.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(market.parameters))


def test_committed_folders_hold_nothing_else(folder: Path) -> None:
    assert {p.name for p in (folder / "marketplace").iterdir()} == {f"{n}.parquet" for n in TABLES}
    apart = {p.name for p in (folder / "truth" / "marketplace").iterdir()}
    assert apart == {f"{n}.parquet" for n in ALL_TRUTH} | {"truth.json"}


def test_committed_files_stay_small(folder: Path) -> None:
    sizes = [p.stat().st_size for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert sum(sizes) < 8_000_000


def test_blocks_written_one_by_one_are_one_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marketplace, "BLOCK_SIZE", 100)
    written = write(330, 3, tmp_path)
    assert all(path.exists() for path in written)
    assert {p.name for p in tmp_path.iterdir()} == {"marketplace", "truth"}
    whole = generate(330, 3)
    for name in TABLES:
        read = pl.read_parquet(tmp_path / "marketplace" / f"{name}.parquet")
        assert_frame_equal(read, whole.tables[name], check_exact=True)
    customers, lines = whole.tables["customers"], whole.tables["transactions"]
    assert customers["customer_id"].n_unique() == 330 == customers["email"].n_unique()
    owners = lines.filter(pl.col("quantity") > 0).group_by("order_id").agg(
        pl.struct("customer_id", "ordered_at").n_unique().alias("n")
    )  # fmt: skip
    assert owners["n"].max() == 1
    assert whole.tables["feedback"]["feedback_id"].is_unique().all()


def test_a_small_remainder_joins_the_block_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marketplace, "BLOCK_SIZE", 100)
    assert generate(207, 3).tables["customers"]["customer_id"].n_unique() == 207


def test_the_smallest_world_is_complete() -> None:
    tiny = generate(50, 1)
    assert {name: frame.height > 0 for name, frame in tiny.tables.items()} == dict.fromkeys(TABLES, True)
    assert set(tiny.tables["customers"]["account_type"]) == {"consumer", "wholesale", "test"}


def test_fewer_than_fifty_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 50"):
        generate(49, 1)


def test_ids_point_to_somebody(market: Marketplace) -> None:
    known = set(market.tables["customers"]["customer_id"])
    for name in TABLES:
        assert set(market.tables[name]["customer_id"].drop_nulls()) <= known, name
    products = set(market.truth["products"]["product_id"])
    assert len(products) == 120
    assert set(market.tables["events"]["item"].drop_nulls()) <= products
    assert set(market.tables["transactions"]["product_id"]) == products
    assert set(market.truth["feedback"]["feedback_id"]) == set(market.tables["feedback"]["feedback_id"])


def test_nothing_happens_outside_the_window(market: Marketplace) -> None:
    times = {
        "transactions": "ordered_at", "events": "occurred_at", "contacts": "contacted_at", "feedback": "written_at",
        "survey": "answered_at", "campaigns": "sent_at",
    }  # fmt: skip
    for name, column in times.items():
        dates = market.tables[name][column].dt.date()
        assert dates.min() >= pl.Series(["2023-01-01"]).str.to_date()[0], name
        assert dates.max() <= pl.Series(["2026-06-30"]).str.to_date()[0], name


def test_the_generator_imports_no_analysis(folder: Path) -> None:
    allowed = {"numpy", "polars", "sample_data"}
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or top in __import__("sys").stdlib_module_names, (path.name, name)
