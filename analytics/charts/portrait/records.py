"""The rows behind figures: what happened, texts, campaigns, the person."""

from __future__ import annotations

from datetime import date

import polars as pl

from analytics.charts.portrait.wording import word
from analytics.i18n import Words, escape_markdown
from analytics.portrait import Condition, CustomerList, Portrait, Rows


def rows_note(rows: Rows, _: Words) -> str:
    """Which rows of which table: its conditions in words."""
    said = [_condition(condition, _) for condition in rows.conditions]
    table = _.label("table", rows.table)
    return f"{table}: {_.listing(said)}" if said else table


def _condition(condition: Condition, _: Words) -> str:
    field = _.label("field", condition.column)
    values = _.listing(word(value, _) for value in condition.values)
    match condition.operator:
        case "in":
            return _("{field} is {values}", field=field, values=values)
        case "not_in":
            return _("{field} is not {values}", field=field, values=values)
        case "above":
            return _("{field} above {values}", field=field, values=values)
        case "ordered":
            return _("not wholly returned or cancelled")
        case "on":
            return _("{field} on {day}", field=field, day=date.fromisoformat(condition.values[0]))
    return _("{field} is known", field=field)


def moments_of(portrait: Portrait, _: Words) -> pl.DataFrame:
    """The timeline for a download."""
    return portrait.moments.select(pl.lit(portrait.customer_id).alias("customer_id"), pl.all()).with_columns(
        lane=pl.Series([_.label("lane", lane) for lane in portrait.moments["lane"]], dtype=pl.String)
    )


def row_kinds(rows: pl.DataFrame) -> dict[str, str]:
    """How the columns of rows behind a figure are shown; amounts by rows keep their decimals."""
    kinds = {}
    for name, dtype in rows.schema.items():
        kinds[name] = "int" if dtype.is_integer() else "number" if dtype.is_float() else "text"
    return kinds


def texts_finding(portrait: Portrait, _: Words) -> str:
    """How much the customer wrote, and what they gave on average."""
    rated = portrait.texts["value"].drop_nulls()
    n = portrait.texts.height
    if not len(rated):
        return _.ngettext("{n} text by this customer", "{n} texts by this customer", n)
    mean = _.number(float(rated.mean()), 1)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    return _.ngettext(
        "{n} text by this customer, rating {mean}", "{n} texts by this customer, mean rating {mean}", n, mean=mean
    )


def campaigns_finding(portrait: Portrait, _: Words) -> str:
    """How many campaigns, and how many were answered."""
    n = portrait.campaigns.height
    answered = int(portrait.campaigns["responded"].fill_null(False).sum())
    if not portrait.campaigns["responded"].count():
        return _.ngettext("{n} campaign", "{n} campaigns", n)
    return _.ngettext(
        "{n} campaign, {answered} with a response", "{n} campaigns, {answered} with a response", n, answered=answered
    )


def campaign_table(portrait: Portrait, _: Words) -> pl.DataFrame:
    """Campaigns with their answer in words."""
    answers = {True: _("responded"), False: _("no response"), None: "–"}
    held = portrait.campaigns
    return held.with_columns(
        day=pl.col("at").dt.date(),
        campaign=pl.Series([word(one, _) for one in held["campaign"]], dtype=pl.String),
        channel=pl.Series([word(one, _) for one in held["channel"]], dtype=pl.String),
        arm=pl.Series([word(one, _) for one in held["arm"]], dtype=pl.String),
        answer=pl.Series([answers[one] for one in held["responded"]], dtype=pl.String),
    )


def person_rows(portrait: Portrait, _: Words) -> dict[str, list[str]]:
    """What is known about the person: a table of two columns for the page, Markdown made harmless."""
    held = portrait.attributes.filter(~pl.col("name").str.starts_with("top_")).head(14)
    said = [
        escape_markdown(
            _.label(row["name"], row["value"])
            if _.has_phrase(f"{row['name']}.{row['value']}")
            else word(row["value"], _)
        )
        for row in held.iter_rows(named=True)
    ]
    return {
        _("Attribute"): [escape_markdown(_.label("field", name)) for name in held["name"]],
        _("Value"): [_("yes") if one == "true" else _("no") if one == "false" else one for one in said],
    }


def text_rows(portrait: Portrait, _: Words) -> dict[str, list[str]]:
    """What the customer wrote, latest first."""
    held = portrait.texts.head(12)
    return {
        _("Day"): [_.day(at.date()) for at in held["at"]],
        _("Where"): [
            _.listing(
                part
                for part in (
                    _.label("table", row["table"]),
                    escape_markdown(word(row["what"], _)) if row["what"] else "",
                    "" if row["value"] is None else _("rating {n}", n=_.number(row["value"])),
                )
                if part
            )
            for row in held.iter_rows(named=True)
        ],
        _("Words"): [escape_markdown(text) for text in held["text"]],
    }


def list_labels(listed: CustomerList, currency: str, _: Words) -> dict[str, str]:
    """Customers of a list with what it is sorted by: id -> text."""
    named: dict[str, str] = {}
    for row in listed.frame.iter_rows(named=True):
        value = row["value"]
        match listed.measure if value is not None else "":
            case "revenue":
                text = _.compact(value, currency)
            case "lost":
                text = "−" + _.compact(value, currency)
            case "n_orders":
                text = _("{n} orders", n=round(value))
            case "margin":
                text = _("margin {n}", n=_.number(value, 2))
            case _measure:
                text = "" if row["n_orders"] is None else _("{n} orders", n=row["n_orders"])
        named[row["customer_id"]] = f"{row['customer_id']} · {text}" if text else row["customer_id"]
    return named
