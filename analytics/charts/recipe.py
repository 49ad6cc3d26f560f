"""The recipe of repairs on the Validation page: each step in words, and what it found and left."""

from __future__ import annotations

import polars as pl

from analytics.dataset import Dataset
from analytics.i18n import Words
from analytics.mapped import count_values
from analytics.quality import QualitySpec, Step, ValidationResult, proposed_steps
from analytics.quality.recipe import MOST_VALUES
from analytics.schema import TABLES

MOST_NAMED = 3  # values named in the words of a step


def ledger(result: ValidationResult, spec: QualitySpec, _: Words) -> pl.DataFrame:
    """One row per repair in words: step, repair, where, rows_touched, and before and after: rows_left, revenue_left (in
    whole currency units)."""
    entries, scale = result.ledger, 10**result.dataset.money_digits
    texts, places = [], []
    for own, action, reason, table, field in entries.select("own", "action", "reason", "table", "field").rows():
        if own is not None:
            texts.append(_sentence(spec.steps[own], _))
        elif action == "quarantine" and _.has_phrase(f"reason.{reason}"):
            texts.append(_("Set aside: {reason}", reason=_.phrase(f"reason.{reason}")))
        else:
            texts.append(f"{_.phrase(f'remedy.{action}')}{_(': ')}{_.phrase(f'issue.{reason}')}")
        name = _.phrase(f"table.{table}")
        places.append(f"{name} · {_.label('field', field)}" if field else name)
    worth = entries.select(pl.col("revenue_before", "revenue_after") / scale).rows()
    money = [_change(before, after, _) for before, after in worth]
    rows = [_change(before, after, _) for before, after in entries.select("rows_before", "rows_after").rows()]
    return entries.select(
        "step",
        pl.Series("repair", texts, dtype=pl.String),
        pl.Series("where", places, dtype=pl.String),
        pl.col("n_rows").alias("rows_touched"),
        pl.Series("rows_left", rows, dtype=pl.String),
        pl.Series("revenue_left", money, dtype=pl.String),
    )


def _change(before: float | None, after: float | None, _: Words) -> str:
    """Before and after; one figure where nothing changed."""
    return _.number(after) if before == after else f"{_.number(before)} → {_.number(after)}"


def ledger_finding(result: ValidationResult, _: Words) -> str:
    """How many repairs were made."""
    made = result.ledger.filter(pl.col("n_rows") > 0).height
    if not made:
        return _("No repair was needed")
    return _.ngettext("{n} repair was made", "{n} repairs were made, in this order", made)


def steps(spec: QualitySpec, _: Words) -> list[str]:
    """The person's own steps in words."""
    return [step_words(step, _) for step in spec.steps]


def proposals(result: ValidationResult, spec: QualitySpec, _: Words) -> dict[str, Step]:
    """What could be done about the findings: words -> step."""
    return {step_words(step, _): step for step in proposed_steps(result.report) if step not in spec.steps}


def step_words(step: Step, _: Words) -> str:
    """One step as a sentence, its table first."""
    return f"{_.phrase(f'table.{step.table}')} · {_sentence(step, _)}"


def _sentence(step: Step, _: Words) -> str:
    field, rows = _.label("field", step.field), _rows(step, _)
    match step.action:
        case "set_aside":
            return _("Set aside rows {rows}", rows=rows)
        case "empty":
            return _("Empty {field} in rows {rows}", field=field, rows=rows)
        case "replace":
            return _("Write {value} into {field} in rows {rows}", value=_.quote(step.to), field=field, rows=rows)
        case "scale":
            return _("Multiply {field} by {factor} in rows {rows}", field=field, factor=step.to, rows=rows)
        case "recode":
            named = [f"{_.quote(old)} → {_.quote(new)}" for old, new in step.pairs[:MOST_NAMED]]
            more = len(step.pairs) - len(named)
            pairs = _.listing([*named, _("{n} more", n=more)] if more else named)
            return _("Unify {field}: {pairs}", field=field, pairs=pairs)
        case _other:
            texts = _.listing(_.quote(text) for text in step.prefixes)
            return _("Take {texts} off the beginning of {field} in rows {rows}", texts=texts, field=field, rows=rows)


def _rows(step: Step, _: Words) -> str:
    field = _.label("field", step.of)
    value = _.quote(step.values[0]) if step.values else ""
    timed = step.of in TABLES[step.table] and TABLES[step.table][step.of].role == "time"
    match step.where:
        case "flagged":
            return _("with the finding {finding}", finding=_.quote(_.phrase(f"issue.{step.of}")))
        case "one_of":
            named = [_.quote(text) for text in step.values[:MOST_NAMED]]
            more = len(step.values) - len(named)
            values = _.listing([*named, _("{n} more", n=more)] if more else named)
            return _("where {field} is {values}", field=field, values=values)
        case "contains":
            return _("where {field} contains {value}", field=field, value=value)
        case "below" if timed:
            return _("where {field} is before {value}", field=field, value=value)
        case "above" if timed:
            return _("where {field} is after {value}", field=field, value=value)
        case "below":
            return _("where {field} is below {value}", field=field, value=value)
        case "above":
            return _("where {field} is above {value}", field=field, value=value)
        case "missing":
            return _("where {field} is empty", field=field)
        case _other:
            return _("without exception")


def findings(result: ValidationResult, table: str, _: Words) -> dict[str, str]:
    """The findings of a table's files whose rows a step can name: code -> words."""
    codes = dict.fromkeys(issue.code for issue in result.report.issues if issue.table == table and issue.source)
    return {code: _.phrase(f"issue.{code}") for code in codes if code not in ("two_date_formats", "date_order_mixed")}


def columns(dataset: Dataset, table: str, action: str, _: Words) -> dict[str, str]:
    """The columns that an action can change: code -> label."""
    frame = dataset.tables[table]

    def fits(dtype: pl.DataType) -> bool:
        return (
            dtype.is_numeric() if action == "scale" else action not in ("strip_start", "recode") or dtype == pl.String
        )

    return {name: _.label("field", name) for name, dtype in frame.schema.items() if fits(dtype) and name != "kind"}


def common_values(dataset: Dataset, table: str, column: str) -> list[str]:
    """The commonest values of a column as text."""
    counted = count_values(dataset.tables[table][column]).with_columns(pl.col("value").cast(pl.String)).drop_nulls()
    return counted.sort("n", "value", descending=[True, False])["value"].head(MOST_VALUES).to_list()
