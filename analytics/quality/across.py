"""Checks that need whole tables or two of them: the same customer twice, spellings, test accounts, orphans."""

from __future__ import annotations

import polars as pl

from analytics.mapped import beside, count_values, rowwise
from analytics.quality.findings import IssueBook, examples
from analytics.quality.ledger import Tables, alive
from analytics.quality.order_lines import TEST_PATTERN
from analytics.quality.report import Issue, QualitySpec
from analytics.quality.spelling import find_variants
from analytics.schema import TABLES

_MOST_GROUPS = 50
_ACROSS_SCRIPTS = frozenset({"city", "country", "category", "channel", "payment_method", "brand", "tier", "gender"})


def settle_customers(tables: Tables, spec: QualitySpec) -> tuple[Tables, list[Issue]]:
    """One row per customer id: the fullest, the latest to join among equals, then the greatest by its values."""
    frame = tables.get("customers")
    if frame is None or "customer_id" not in frame.columns:
        return tables, []
    own = [name for name in frame.columns if not name.startswith(("#", "?")) and name != "row_number"]
    filled = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.UInt32) for name in own)
    joined = [pl.col("joined_at")] if "joined_at" in own else []
    text = [pl.col(name).cast(pl.String, strict=False) for name in own]
    held = (
        frame.filter(alive() & pl.col("customer_id").is_not_null())
        .with_columns(filled.alias("#filled"))
        .filter(pl.len().over("customer_id") > 1)
        .sort(["#filled", *joined, *text, "#source", "row_number"], descending=True, nulls_last=True)
    )
    if not held.height:
        return tables, []
    ranked = held.with_columns(
        pl.int_range(pl.len()).over("customer_id").alias("#rank"),
        pl.col("row_number").first().over("customer_id").alias("#best"),
        pl.col("#source").first().over("customer_id").alias("#best_source"),
    ).filter(pl.col("#rank") > 0)
    book = IssueBook("customers", "", frame)
    merge = spec.same_customer == "merge"
    book.add_count(
        "customer_twice",
        "repaired" if merge else "check",
        "customer_id",
        ranked.height,
        "merge" if merge else "keep",
        examples(ranked["customer_id"]),
    )
    if merge:
        frame = frame.join(
            ranked.select("#source", "row_number", "#best", "#best_source"),
            on=["#source", "row_number"],
            how="left",
            maintain_order="left",
        )
        into = {"#into": pl.coalesce("#into", "#best"), "#into_source": pl.col("#best_source")}
        frame = frame.with_columns(**into).drop("#best", "#best_source")
    return {**tables, "customers": frame}, book.issues


def settle_test_accounts(tables: Tables, spec: QualitySpec) -> tuple[Tables, list[Issue]]:
    """Customers whose id, name or account type says that they are a test."""
    test_ids = _test_ids(tables)
    if not len(test_ids):
        return tables, []
    issues: list[Issue] = []
    settled = dict(tables)
    for name in ("customers", "transactions"):
        frame = settled.get(name)
        if frame is None or "customer_id" not in frame.columns:
            continue
        mask = rowwise(frame, pl.col("customer_id").is_in(test_ids.implode()).fill_null(False))
        book = IssueBook(name, "", frame)
        book.add("test_accounts", "note", "customer_id", mask, spec.test_accounts, frame["customer_id"])
        issues += book.issues
        if spec.test_accounts == "quarantine":
            reason = pl.when(mask).then(pl.lit("test_account"))
            settled[name] = frame.with_columns(pl.coalesce("#reason", reason).alias("#reason"))
    if spec.test_accounts == "mark" and "customers" in settled and "customer_id" in settled["customers"].columns:
        frame = settled["customers"]
        type_now = pl.col("account_type") if "account_type" in frame.columns else pl.lit(None, pl.String)
        is_test = pl.col("customer_id").is_in(test_ids.implode())
        settled["customers"] = frame.with_columns(
            pl.when(is_test.fill_null(False)).then(pl.lit("test")).otherwise(type_now).alias("account_type")
        )
    return settled, issues


def _test_ids(tables: Tables) -> pl.Series:
    found: list[pl.Series] = [pl.Series("customer_id", [], dtype=pl.String)]
    for name in ("customers", "transactions"):
        frame = tables.get(name)
        if frame is None or "customer_id" not in frame.columns:
            continue
        ids = count_values(frame["customer_id"])["value"]
        found.append(ids.filter(ids.str.contains(TEST_PATTERN)))
        if name == "customers":
            says = [
                pl.col(column).str.to_lowercase().str.strip_chars().str.contains(TEST_PATTERN).fill_null(False)
                for column in ("name", "account_type")
                if column in frame.columns
            ]
            if says:
                found.append(frame.filter(pl.any_horizontal(says))["customer_id"].drop_nulls())
    return pl.concat(found).unique().sort()


def settle_spelling(tables: Tables, spec: QualitySpec) -> tuple[Tables, list[Issue]]:
    """Spellings of one category value; the same place in another script is only reported."""
    issues: list[Issue] = []
    settled: Tables = {}
    for name, frame in tables.items():
        book = IssueBook(name, "", frame)
        for field in TABLES[name].fields:
            if field.role != "category" or field.name not in frame.columns:
                continue
            column = frame[field.name]
            found = find_variants(column, across_scripts=field.name in _ACROSS_SCRIPTS)
            merge = spec.spelling_variants == "merge"
            if found.mapping:
                mask = rowwise(frame, pl.col(field.name).is_in(list(found.mapping)).fill_null(False))
                severity, remedy = ("repaired", "merge") if merge else ("check", "keep")
                book.add("spelling_variants", severity, field.name, mask, remedy, found.examples)  # type: ignore[arg-type]  # one of the literals, by the line above
            # All of them: a step of the recipe can unify them.
            others = tuple(" / ".join(group) for group in found.other_scripts[:_MOST_GROUPS])
            book.add_count("other_spellings", "check", field.name, found.n_other_rows, "keep", others)
            if merge and found.mapping:
                frame = beside(frame, rowwise(frame, pl.col(field.name).replace(found.mapping)))
        settled[name] = frame
        issues += book.issues
    return settled, issues


def note_orphans(tables: Tables) -> list[Issue]:
    """Rows of other tables whose customer is not in the customers table, and customers without an order."""
    people = tables.get("customers")
    if people is None or "customer_id" not in people.columns:
        return []
    known = people.filter(alive())["customer_id"].drop_nulls().unique()
    if not len(known):
        return []
    issues: list[Issue] = []
    for name, frame in tables.items():
        if name == "customers" or "customer_id" not in frame.columns:
            continue
        ids = frame["customer_id"]
        orphan = ids.is_not_null() & ~ids.is_in(known.implode()).fill_null(False)
        book = IssueBook(name, "", frame)
        book.add("orphans", "check", "customer_id", orphan, "keep", ids)
        issues += book.issues
    orders = tables.get("transactions")
    if orders is not None and "customer_id" in orders.columns:
        buyers = orders.filter(alive())["customer_id"].drop_nulls().unique()
        idle = people.select(alive().alias("alive"))["alive"] & ~people["customer_id"].is_in(buyers.implode())
        book = IssueBook("customers", "", people)
        book.add(
            "customers_without_orders", "note", "customer_id", idle.fill_null(False), "keep", people["customer_id"]
        )
        issues += book.issues
    return issues
