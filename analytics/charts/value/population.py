"""Value by segment and by cohort, and how many customers are probably still alive."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import polars as pl

from analytics.charts.behaviour.parts import Rows
from analytics.charts.theme import (
    BAR_OPACITY,
    Spec,
    category_scale,
    chart_of,
    finish,
    neutral,
    plain_axis,
    tooltip,
    value_axis,
)
from analytics.charts.value.card import knows_alive
from analytics.charts.value.wording import amount, between, each, level, months, worth, worth_axis, worth_title
from analytics.contrasts import PRIVACY_LIMIT
from analytics.i18n import Words
from analytics.value import ValueResult

BINS = 20
HEIGHT = 300
MOST_COHORTS = 16
Names = Mapping[str, str]


# --- by segment -----------------------------------------------------------------------------------------------------


def segments(result: ValueResult, by_label: pl.DataFrame, names: Names, _: Words) -> Spec:
    """Mean value of a customer by segment, with its interval; the rule is the mean of all."""
    held = told(by_label).filter(pl.col("label").is_in(list(names)))
    order = {label: i for i, label in enumerate(names)}
    held = held.sort(pl.col("label").replace_strict(order, return_dtype=pl.Int64))
    rows = _dots(result, held, [names[label] for label in held["label"]], _)
    return _dotted(result, rows, list(names.values()), _, colour=category_scale(list(names.values())))


def segments_finding(result: ValueResult, by_label: pl.DataFrame, names: Names, _: Words) -> str:
    """The segment that holds most of what is to come."""
    stem = worth(result)
    held = told(by_label).filter(pl.col("label").is_in(list(names)))
    if held.is_empty():
        return _("Too few customers in every segment")
    first = held.sort(stem, descending=True).row(0, named=True)
    total = float(by_label[stem].sum())
    if total <= 0:
        return _("No segment is expected to bring anything")
    return _(
        "{name} hold {share} of what is to come",
        name=names[first["label"]].partition(" · ")[2],
        share=_.percent(first[stem] / total),
    )


def segments_note(result: ValueResult, by_label: pl.DataFrame, names: Names, _: Words) -> str:
    return _(
        "Expected value of a customer by present segment, with the {level} interval of the mean. Rule: all customers. "
        "Figure: the whole segment.",
        level=level(result, _),
    )


# --- by cohort ------------------------------------------------------------------------------------------------------


def cohorts(result: ValueResult, _: Words) -> Spec:
    """Mean value of a customer by quarter of the first purchase."""
    held = told(result.cohorts).sort("cohort").tail(MOST_COHORTS)
    names = [quarter_name(row["cohort"].year, row["cohort"].month, _) for row in held.iter_rows(named=True)]
    return _dotted(result, _dots(result, held, names, _), names, _)


def quarter_name(year: int, month: int, _: Words) -> str:
    return _("{quarter} {year}", quarter=f"Q{(month + 2) // 3}", year=str(year))


def cohorts_finding(result: ValueResult, _: Words) -> str:
    """How many of the oldest and of the newest shown are alive."""
    held = told(result.cohorts).sort("cohort").tail(MOST_COHORTS)
    if held.height < 2:
        return _("One cohort only")
    if not knows_alive(result):
        newest = held.row(-1, named=True)
        worth_each = each(result, newest[worth(result)] / newest["n_customers"], _)
        return _("A customer of the newest cohort is worth {amount}", amount=worth_each)
    first, last = held.row(0, named=True), held.row(-1, named=True)
    return _(
        "{old} of the oldest cohort are active, {new} of the newest",
        old=_.percent(first["p_alive"]),
        new=_.percent(last["p_alive"]),
    )


def cohorts_note(result: ValueResult, _: Words) -> str:
    if not knows_alive(result):
        return _(
            "Expected value of a customer by quarter of the first purchase, with the {level} interval of the mean. "
            "Rule: all customers. Figure: the whole cohort.",
            level=level(result, _),
        )
    return _(
        "Expected value of a customer by quarter of the first purchase, with the {level} interval of the mean. Rule: "
        "all customers. Figure: share probably active.",
        level=level(result, _),
    )


def told(frame: pl.DataFrame) -> pl.DataFrame:
    """Groups of so many customers that they may be told."""
    return frame.filter(pl.col("n_customers") >= PRIVACY_LIMIT)


def _dots(result: ValueResult, held: pl.DataFrame, names: list[str], _: Words) -> Rows:
    stem = worth(result)
    tells_alive = "cohort" in held.columns and knows_alive(result)
    rows: Rows = []
    for name, row in zip(names, held.iter_rows(named=True), strict=True):
        n = row["n_customers"]
        low, high = row.get(f"{stem}_lo"), row.get(f"{stem}_hi")
        rows.append(
            {
                "name": name,
                "mean": row[stem] / n,
                "lo": None if low is None else low / n,
                "hi": None if high is None else high / n,
                "each": each(result, row[stem] / n, _),
                "total": amount(result, row[stem], _),
                "interval": between(result, low, high, _),
                "n": _.number(n),
                "alive": _.percent(row["p_alive"]),
                "text": _.percent(row["p_alive"]) if tells_alive else amount(result, row[stem], _),
            }
        )
    return rows


def _dotted(result: ValueResult, rows: Rows, names: list[str], _: Words, *, colour: alt.Scale | None = None) -> Spec:
    total = result.total_clv if result.has_values else result.total_orders
    base = chart_of(rows).encode(
        y=alt.Y("name:N", sort=names, axis=plain_axis(labelLimit=150, labelOverlap=False)),
        tooltip=[
            tooltip("name", _("Group")),
            tooltip("each", _("Expected value of a customer") if result.has_values else _("Expected purchases of one")),
            tooltip("total", _("Of the whole group")),
            tooltip("interval", _("{level} interval", level=level(result, _))),
            tooltip("n", _("Customers")),
        ],
    )
    if colour is not None:
        painted = base.encode(color=alt.Color("name:N", scale=colour, legend=None))
    axis = worth_axis(result, _, worth_title(result, _))
    bars, dots = (base, base) if colour is None else (painted, painted)
    plain = {"color": neutral("accent")} if colour is None else {}
    most = max((row["hi"] or row["mean"] for row in rows), default=1.0) or 1.0
    room = alt.Scale(domain=[0, most * 1.22], nice=False)
    mean = chart_of([{"mean": (total or 0.0) / max(result.n_customers, 1)}])
    layers = [
        mean.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x=alt.X("mean:Q", axis=axis, scale=room)),
        bars.transform_filter("isValid(datum.lo)")
        .mark_bar(height=7, opacity=BAR_OPACITY, **plain)
        .encode(x=alt.X("lo:Q", axis=axis, scale=room), x2="hi:Q"),
        dots.mark_point(filled=True, size=70, opacity=1, **plain).encode(x=alt.X("mean:Q", axis=axis, scale=room)),
        base.transform_calculate(end="isValid(datum.hi) ? datum.hi : datum.mean")
        .mark_text(align="left", dx=8, color=neutral("ink"))
        .encode(x="end:Q", text="text:N"),
    ]
    return finish(alt.layer(*layers), _, height=max(HEIGHT, 60 + 24 * len(rows)))


# --- probably alive -------------------------------------------------------------------------------------------------


def alive(result: ValueResult, _: Words) -> Spec:
    """Customers by P(alive), in twentieths."""
    at = (result.customers["p_alive"].fill_nan(None).drop_nulls() * BINS).floor().clip(0, BINS - 1).cast(pl.Int64)
    counted = dict(at.value_counts().iter_rows())
    total = max(result.n_customers, 1)
    rows: Rows = [
        {
            "lo": i / BINS,
            "hi": (i + 1) / BINS,
            "n": counted.get(i, 0),
            "count": _.number(counted.get(i, 0)),
            "share": _.percent(counted.get(i, 0) / total, 1),
            "band": _.span(_.percent(i / BINS), _.percent((i + 1) / BINS)),
            "side": "in" if i / BINS >= result.p_alive_threshold else "out",
        }
        for i in range(BINS)
    ]
    axis = alt.Axis(title=_.label("field", "p_alive"), grid=False, tickCount=5, format=".0%")
    base = chart_of(rows).encode(
        x=alt.X("lo:Q", axis=axis, scale=alt.Scale(domain=[0, 1])),
        x2="hi:Q",
        y=alt.Y("n:Q", axis=value_axis(_), scale=alt.Scale(domainMin=0)),
        y2=alt.datum(0),
        tooltip=[
            tooltip("band", _.label("field", "p_alive")),
            tooltip("count", _("Customers")),
            tooltip("share", _("Share of customers")),
        ],
    )
    bars = base.mark_bar(color=neutral("accent"), binSpacing=1).encode(
        opacity=alt.condition("datum.side == 'in'", alt.value(1), alt.value(0.45))
    )
    mark = chart_of([{"at": result.p_alive_threshold}]).mark_rule(color=neutral("muted"), strokeDash=[4, 3])
    return finish(alt.layer(bars, mark.encode(x="at:Q")), _, height=HEIGHT)


def alive_finding(result: ValueResult, _: Words) -> str:
    sure = result.customers.filter(pl.col("p_alive") >= result.p_alive_threshold).height
    share = _.percent(result.p_alive_threshold)
    return _("{n} of {all} are active with {share} or more", n=sure, all=result.n_customers, share=share)


def alive_note(result: ValueResult, _: Words) -> str:
    return _(
        "Customers by the probability that they have not left unseen; these add up to {n} active ones. Darker: from "
        "{share}. A one-time buyer counts by how others went on.",
        n=round(float(result.customers["p_alive"].sum())),
        share=_.percent(result.p_alive_threshold),
    )


# --- every customer -------------------------------------------------------------------------------------------------

LISTED = (
    *("customer_id", "clv", "clv_lo", "clv_hi", "p_alive", "expected_orders", "expected_order_value"),
    *("n_purchases", "last_purchase_on", "value_last_year", "repeats_x", "t_x_weeks", "T_weeks", "mean_repeat_value"),
    *("expected_orders_lo", "expected_orders_hi", "group", "cohort", "first_purchase_on"),
)


def customer_table(result: ValueResult) -> pl.DataFrame:
    """All customers, the most valuable first, without columns that these data do not give."""
    held = result.customers.sort([worth(result), "customer_id"], descending=[True, False], nulls_last=True)
    held = held.rename({"x": "repeats_x"})
    return held.select(name for name in LISTED if held[name].null_count() < max(held.height, 1))


def customers_note(result: ValueResult, _: Words) -> str:
    if not result.has_values:
        return _("Without amounts there is no value; customers are ordered by expected purchases.")
    return _(
        "Expected over {months}, with the {level} interval of one customer: it holds the luck of single orders.",
        months=months(result.horizon_days, _),
        level=level(result, _),
    )
