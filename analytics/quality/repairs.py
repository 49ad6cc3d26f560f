"""The steps of a recipe, made one after the other on the rows that are still there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import polars as pl

from analytics.errors import AnalysisError, Caveat
from analytics.quality.ledger import Ledger, Tables, alive
from analytics.quality.order_lines import expected_amount
from analytics.quality.recipe import LONGEST, MOST_VALUES, Action, Step, typed
from analytics.quality.report import QualityReport
from analytics.schema import TABLES

# Finding -> what is usually done about it: action, field, new value or factor.
_PROPOSED: dict[str, tuple[Action, str, str]] = {
    "unit_jump": ("scale", "unit_price", "0.01"),
    "order_twice": ("set_aside", "", ""),
    "outlier_quantity": ("set_aside", "", ""),
    "outlier_amount": ("set_aside", "", ""),
    "cancellation_without_original": ("set_aside", "", ""),
    "invalid_email": ("empty", "email", ""),
    "left_before_joined": ("empty", "left_at", ""),
}
_MONEY = frozenset({"quantity", "unit_price", "discount_amount", "discount_share", "amount"})


def apply_steps(
    tables: Tables, steps: Sequence[Step], money_digits: int, zero_is_service: bool, ledger: Ledger
) -> tuple[Tables, list[Caveat]]:
    """Every step in its order on the rows that are still there; each is entered in the ledger.

    Findings are the Boolean columns ``!<code>``. A step whose table or field these data do not have changes nothing and
    says so (``step_without_field``), so that a recipe serves files that differ a little.
    """
    caveats: list[Caveat] = []
    settled = dict(tables)
    for i, step in enumerate(steps):
        before = settled.get(step.table)
        missing = _missing(step, before)
        if before is None or missing:
            caveats.append(Caveat("step_without_field", params={"n": i + 1, "field": missing or step.table}))
            ledger.enter(settled, step.action, "own_step", step.table, step.field, 0, own=i)
            continue
        try:
            after, n_rows = _applied(before, step, money_digits, zero_is_service)
        except AnalysisError as error:
            # Only an attribute can be of another type in these data.
            caveats.append(Caveat(error.code, params={"n": i + 1, **error.params}))
            after, n_rows = before, 0
        settled[step.table] = after
        ledger.enter(settled, step.action, "own_step", step.table, step.field, n_rows, own=i)
    return settled, caveats


def proposed_steps(report: QualityReport) -> tuple[Step, ...]:
    """Steps that would mend what was found and is not repaired yet; whether they should is a person's decision."""
    found: dict[Step, None] = {}
    for issue in report.issues:
        if issue.code in _PROPOSED:
            action, field, to = _PROPOSED[issue.code]
            found[Step(action, issue.table, field, "flagged", issue.code, to=to)] = None
        elif issue.code in ("other_spellings", "category_renamed"):
            pairs = tuple(pair for example in issue.examples for pair in _recoded(example, issue.code))
            fitting = tuple(pair for pair in pairs if all(0 < len(text) <= LONGEST for text in pair))
            if fitting:
                found[Step("recode", issue.table, issue.field, "always", pairs=fitting[:MOST_VALUES])] = None
        elif issue.code == "ids_written_otherwise":
            ids = [example.partition(" → ") for example in issue.examples]
            if prefixes := _in_front([(own, known) for own, _arrow, known in ids]):
                found[Step("strip_start", issue.table, issue.field, "always", prefixes=prefixes)] = None
            elif prefixes := _in_front([(known, own) for own, _arrow, known in ids]):
                others = dict.fromkeys(balance.table for balance in report.balances if balance.table != issue.table)
                for table in others:
                    if issue.field in TABLES[table]:
                        found[Step("strip_start", table, issue.field, "always", prefixes=prefixes)] = None
    return tuple(found)


def _recoded(example: str, code: str) -> list[tuple[str, str]]:
    """(as it is, as it shall be) of "Taipei / 台北" (the commonest first) or "Web → Online (2025-03-01)"."""
    if code == "other_spellings":
        common, *others = example.split(" / ")
        return [(other, common) for other in others]
    old, _arrow, new = re.sub(r" \([0-9-]{10}\)$", "", example).partition(" → ")
    return [(old, new)]


def _in_front(pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What all the first have in front of the second: ("C-000377", "377") gives ("C-", "0"); nothing if they differ."""
    fronts = {long.removesuffix(short).rstrip("0") if long.endswith(short) else None for long, short in pairs}
    if len(fronts) != 1 or None in fronts:
        return ()
    zeros = any(long.removesuffix(short).endswith("0") for long, short in pairs)
    return tuple(text for text in (*fronts, "0" if zeros else "") if text)


def _missing(step: Step, frame: pl.DataFrame | None) -> str:
    if frame is None:
        return ""
    if step.field and step.field not in frame.columns:
        return step.field
    return step.of if step.of and step.where != "flagged" and step.of not in frame.columns else ""


def _applied(frame: pl.DataFrame, step: Step, digits: int, zero_is_service: bool) -> tuple[pl.DataFrame, int]:
    rows = frame.select((alive() & _condition(frame, step, digits)).fill_null(False).alias("rows"))["rows"]
    if step.action == "set_aside":
        reason = pl.when(rows).then(pl.lit("own_step"))
        return frame.with_columns(pl.coalesce("#reason", reason).alias("#reason")), int(rows.sum())
    column = frame[step.field]
    changed = _changed(frame, step, digits)
    touched = rows & column.ne_missing(changed)
    n_rows = int(touched.sum())
    if not n_rows:
        return frame, 0
    frame = frame.with_columns(changed.zip_with(touched, column).alias(step.field))
    if step.table == "transactions" and step.field in _MONEY:
        frame = _with_consequences(frame, touched, step.field, zero_is_service)
    return frame, n_rows


def _condition(frame: pl.DataFrame, step: Step, digits: int) -> pl.Expr:
    if step.where == "always":
        return pl.lit(True)
    if step.where == "flagged":
        return pl.col(f"!{step.of}") if f"!{step.of}" in frame.columns else pl.lit(False)
    column, dtype = pl.col(step.of), frame.schema[step.of]
    if step.where == "missing":
        return column.is_null()
    if step.where == "contains":
        return column.cast(pl.String).str.contains(step.values[0], literal=True)
    # A bound of 2.5 items or of half a cent is one, too: numbers are compared as they are written.
    if dtype.is_numeric():
        column, dtype = column.cast(pl.Float64), pl.Float64()
    elif dtype.is_temporal():
        column, dtype = column.cast(pl.Date), pl.Date()  # a whole day: its evening is not above it
    values = [typed(text, dtype, digits if _is_money(step.table, step.of) else 0) for text in step.values]
    if step.where == "one_of":
        return column.is_in(pl.Series(values, dtype=dtype).implode())
    return column < pl.lit(values[0]) if step.where == "below" else column > pl.lit(values[0])


def _changed(frame: pl.DataFrame, step: Step, digits: int) -> pl.Series:
    """The whole column as the action would leave it."""
    column, dtype = frame[step.field], frame.schema[step.field]
    if step.action == "empty":
        return column.clear(len(column))
    if step.action == "replace":
        value = typed(step.to, dtype, digits if _is_money(step.table, step.field) else 0)
        return pl.Series(column.name, [value], dtype=dtype).new_from_index(0, len(column))
    if step.action == "scale":
        if not dtype.is_numeric():
            raise AnalysisError("step_not_a_number", value=step.field)
        return _scaled(column, Decimal(step.to))
    if dtype != pl.String:
        return column
    if step.action == "recode":
        return column.replace(dict(step.pairs))
    together = "|".join(_literal(prefix) for prefix in step.prefixes)
    bare = column.str.replace(f"^(?:{together})+", "")
    return bare.zip_with(bare.str.len_chars() > 0, column)  # "000" stays: nothing would be left of it


def _scaled(column: pl.Series, factor: Decimal) -> pl.Series:
    """column x factor; whole numbers exactly, rounded half away from zero."""
    if column.dtype.is_float():
        return column * float(factor)
    over, under = factor.as_integer_ratio()
    product = pl.col("number").cast(pl.Int128) * over
    rounded = (product.abs() * 2 + under) // (2 * under) * product.sign()
    scaled = column.alias("number").to_frame().select(rounded.cast(column.dtype, strict=False))
    return scaled["number"].alias(column.name)


def _with_consequences(frame: pl.DataFrame, touched: pl.Series, field: str, zero_is_service: bool) -> pl.DataFrame:
    """Amounts that were derived follow their parts; the kind follows the signs."""
    if field == "quantity" and "quantity_exact" in frame.columns:
        exact = pl.when(touched).then(pl.col("quantity").cast(pl.Float64)).otherwise("quantity_exact")
        frame = frame.with_columns(exact.alias("quantity_exact"))
    if field != "amount" and "#derived" in frame.columns:
        follows = touched & frame["#derived"]
        parts = set(frame.columns) - {"amount"}
        frame = frame.with_columns(
            pl.when(follows).then(expected_amount(parts)).otherwise("amount").alias("amount"),
        )
    signs = [pl.col(name) < 0 for name in ("quantity", "amount") if name in frame.columns]
    zero = pl.lit(False)
    if zero_is_service and "unit_price" in frame.columns:
        zero = (pl.col("unit_price") == 0).fill_null(False)
    kind = (
        pl.when(zero)
        .then(pl.lit("service"))
        .when(pl.any_horizontal(*signs).fill_null(False) if signs else pl.lit(False))
        .then(pl.lit("return"))
        .otherwise(pl.lit("sale"))
    )
    follows_signs = pl.lit(touched) & pl.col("kind").is_in(["sale", "return"])
    return frame.with_columns(pl.when(follows_signs).then(kind).otherwise("kind").alias("kind"))


def _is_money(table: str, name: str) -> bool:
    return name in TABLES[table] and TABLES[table][name].role == "amount"


def _literal(text: str) -> str:
    return "".join(f"\\x{{{ord(letter):x}}}" for letter in text)
