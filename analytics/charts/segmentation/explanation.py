"""Explanations in words: each segment's short rule with how well it holds, typical and border customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from analytics.charts.segmentation.wording import field_value, level_name, segment_names, spoken_names
from analytics.i18n import Words, escape_markdown
from analytics.segmentation import SegmentationResult
from analytics.segmentation.explaining import Explanation

MARKS = {"good": ":material/check_circle:", "rough": ":material/warning:", "poor": ":material/block:"}
COUNTED = 30  # from here on a whole number is a measure rather than a count
COLOURS = {"good": "green", "rough": "orange", "poor": "red"}


def explained(explanation: Explanation) -> tuple[str, ...]:
    """Labels of the segments that are large enough to be told of."""
    held = set(explanation.contrasts["label"])
    return tuple(label for label, _code in explanation.names if label in held)


def card_title(result: SegmentationResult, label: str, _: Words) -> str:
    """A segment's number and name, as Markdown."""
    return escape_markdown(segment_names(result.names, _)[label])


def card_note(result: SegmentationResult, label: str, _: Words) -> str:
    """How many customers, and their shares."""
    row = result.sizes.row(by_predicate=pl.col("label") == label, named=True)
    if row["revenue_share"] is None:
        return _("{n} customers, {share} of all", n=row["n_customers"], share=_.percent(row["customer_share"]))
    return _(
        "{n} customers: {share} of all, {revenue} of revenue",
        n=row["n_customers"],
        share=_.percent(row["customer_share"]),
        revenue=_.percent(row["revenue_share"]),
    )


def rule_card(explanation: Explanation, label: str, _: Words) -> str:
    """The rule of a segment and how well it holds, as two lines of Markdown."""
    rule = rule_sentence(explanation, label, _)
    held = fidelity(explanation, label, _)
    first = _("In short: {rule}", rule=rule)
    return f"{first}\n\n{held}" if held else first


def rule_sentence(explanation: Explanation, label: str, _: Words) -> str:
    """The rule of a segment as conditions; says so when there is none. May stand in Markdown."""
    rows = explanation.conditions.filter(pl.col("label") == label)
    if not rows.height:
        return _("No short rule tells it from the others.")
    said = [escape_markdown(condition_words(row, explanation.currency, _)) for row in rows.iter_rows(named=True)]
    return " · ".join(said)


def condition_words(row: Mapping[str, Any], currency: str, _: Words) -> str:
    """One condition in words; plain text."""
    field, level = _.label("field", row["field"]), row["level"]
    if row["kind"] == "flag":
        return _("{field}: yes", field=field) if row["has"] else _("{field}: no", field=field)
    if row["kind"] == "category":
        level = level_name(row["field"], level, _)
        return (
            _("{field} is {level}", field=field, level=level)
            if row["has"]
            else _("{field} is not {level}", field=field, level=level)
        )
    if row["kind"] == "counts":
        field = _.phrase("field.of_trait", trait=field, level=level_name(row["field"], level, _))
    low, high = (_bound(row, name, currency, _) for name in ("lo", "hi"))
    if row["lo"] is not None and row["hi"] is not None:
        return _("{field} {span}", field=field, span=_.span(low, high))
    if row["lo"] is not None:
        if _counted(row):
            return _("{field} at least {n}", field=field, n=low)
        return _("{field} over {n}", field=field, n=low)
    return _("{field} at most {n}", field=field, n=high)


def _counted(row: Mapping[str, Any]) -> bool:
    """Small whole numbers are counted ("at least 8"), larger ones are cut ("over 480")."""
    return bool(row["whole"]) and row["lo"] < COUNTED


def _bound(row: Mapping[str, Any], name: str, currency: str, _: Words) -> str:
    value = row[name]
    if value is None:
        return ""
    if row["kind"] == "counts":
        return _.percent(value)
    if name == "lo" and (_counted(row) or (row["whole"] and row["hi"] is not None)):
        value += 1  # "more than 7" is "at least 8", and from there a span begins
    return field_value(row["field"], value, currency, _)


def fidelity(explanation: Explanation, label: str, _: Words) -> str:
    """How well the rule of a segment holds, as one short sentence with its mark; Markdown."""
    rows = explanation.rules.filter(pl.col("label") == label)
    if not rows.height or rows["precision"][0] is None:
        return ""
    row = rows.row(0, named=True)
    said = _(
        "finds {recall} of the segment; {precision} of those it finds are in it",
        recall=_.percent(row["recall"]),
        precision=_.percent(row["precision"]),
    )
    word = _.phrase(f"rule.{row['verdict']}")
    return f":{COLOURS[row['verdict']]}-badge[{MARKS[row['verdict']]} {word}] :small[:gray[{said}]]"


def rules_table(explanation: Explanation, _: Words) -> list[dict[str, str]]:
    """Rows for a table in Markdown: segment, rule, how many of the segment it finds, how many it finds rightly."""
    names = segment_names(explanation.names, _)
    rows = []
    for row in explanation.rules.iter_rows(named=True):
        known = row["precision"] is not None
        mark = (
            f":{COLOURS[row['verdict']]}[{MARKS[row['verdict']]} {_.phrase('rule.' + row['verdict'])}]"
            if known
            else "–"
        )
        rows.append(
            {
                _("Segment"): escape_markdown(names[row["label"]]),
                _("Short rule"): rule_sentence(explanation, row["label"], _),
                _("Of the segment found"): _measured(row, "recall", _) if known else "–",
                _("Right when it says yes"): _measured(row, "precision", _) if known else "–",
                _("Without rule"): _.percent(row["base_share"]),
                _("The rule is"): mark,
            }
        )
    return rows


def _measured(row: Mapping[str, Any], name: str, _: Words) -> str:
    interval = _.span(_.percent(row[f"{name}_lo"]), _.percent(row[f"{name}_hi"]))
    return _("{share} ({interval})", share=_.percent(row[name]), interval=interval)


def rules_finding(explanation: Explanation, _: Words) -> str:
    if explanation.accuracy is None or explanation.baseline is None:
        return _("There are no rules to tell the segments by")
    good = explanation.rules.filter(pl.col("verdict") == "good").height
    k = explanation.rules.height
    if explanation.accuracy - explanation.baseline < 0.05:
        return _("Short rules hardly tell these segments apart")
    if good == k:
        return _("A short rule describes each of the {k} segments well", k=k)
    return _("A short rule describes {n} of {k} segments well", n=good, k=k)


def rules_note(explanation: Explanation, _: Words) -> str:
    if explanation.accuracy is None:
        return ""
    return _(
        "Measured on {n} customers that the rules were not made from, with 95% intervals. Three questions tell the "
        "segment of {accuracy} of them; always naming the largest segment would get {baseline}.",
        n=explanation.n_held_out,
        accuracy=_.percent(explanation.accuracy),
        baseline=_.percent(explanation.baseline),
    )


# ---- examples


def typical_table(explanation: Explanation, _: Words) -> pl.DataFrame:
    """segment, customer_id, then the fields: the customers nearest the centre of their segment."""
    names = segment_names(explanation.names, _)
    return explanation.typical.select(
        pl.col("label").replace_strict(names, return_dtype=pl.String).alias("segment"),
        "customer_id",
        *explanation.fields,
    )


def border_table(explanation: Explanation, _: Words) -> pl.DataFrame:
    """segment, near (where they nearly are), customer_id, then the fields."""
    names = segment_names(explanation.names, _)
    return explanation.border.select(
        pl.col("label").replace_strict(names, return_dtype=pl.String).alias("segment"),
        pl.col("near").replace_strict(names, return_dtype=pl.String),
        "customer_id",
        *explanation.fields,
    )


def border_finding(explanation: Explanation, _: Words) -> str:
    rows = explanation.borders.drop_nulls("n_customers")
    if not rows.height:
        return _("Hardly anybody stands on a border")
    first = rows.sort("n_customers", descending=True).row(0, named=True)
    names = spoken_names(explanation.names, _)
    return _("{n} of {a} are nearly {b}", n=first["n_customers"], a=names[first["label"]], b=names[first["near"]])


def example_kinds(explanation: Explanation) -> dict[str, str]:
    """Column -> kind of each field that stands beside an example."""
    schema = explanation.typical.schema
    return {
        name: "int" if schema[name].is_integer() else "number" if schema[name].is_numeric() else "text"
        for name in explanation.fields
    }
