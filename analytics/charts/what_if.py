"""What-if charts: the answer, changed profiles, borders, payoff against break-even, and migration between two days."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.segmentation import field_value, segment_names, short_name, spoken_names
from analytics.charts.theme import (
    STANDARD,
    Spec,
    category_scale,
    cell_text_color,
    finish,
    neutral,
    plain_axis,
    ramp_scale,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.segmentation import BORDER, ComparisonResult, MigrationResult, PayoffResult, SegmentationResult

MOST_CHANGES = 10  # rows of the dumbbell chart
SAME = 0.05  # a median that moves by less, in standard deviations, stays


def headline(result: ComparisonResult, _: Words) -> Headline:
    """How many change segment, with what revenue, and how many stand on a border."""
    near = result.borders.filter(pl.col("scenario") == "b")
    known = near["border_share"].count() > 0
    n_border, n_b = int(near["n_border"].sum()), int(near["n_customers"].sum())
    metrics = [
        Metric(_("Change segment"), _.number(result.n_moved), _("of {n} customers", n=result.n_common)),
        Metric(_("Stay"), _.number(result.n_common - result.n_moved)),
    ]
    if result.moved_revenue is not None:
        divisor, unit = _.compact_unit(result.moved_revenue)
        metrics.append(
            Metric(_("Revenue of movers ({unit})", unit=unit), _.money(result.moved_revenue / divisor, result.currency))
            if unit
            else Metric(_("Revenue of movers"), _.compact(result.moved_revenue, result.currency))
        )
    share = n_border / n_b if known and n_b else None
    metrics.append(Metric(_("On a border in B"), _.percent(share) if known else "–"))
    return Headline(_finding(result, _), _said(result, n_border, known, _), tuple(metrics))


def _finding(result: ComparisonResult, _: Words) -> str:
    if not result.n_common:
        return _("The two scenarios share no customer")
    if not result.n_moved:
        return _("Nobody changes segment")
    n = _.number(result.n_moved)
    if result.moved_revenue is None:
        return _("{n} customers change segment", n=n)
    revenue = _.compact(result.moved_revenue, result.currency)
    return _("{n} customers with {revenue} of revenue change segment", n=n, revenue=revenue)


def _said(result: ComparisonResult, n_border: int, known: bool, _: Words) -> str:
    gone = result.kept.filter(pl.col("label_b").is_null() & (pl.col("n_customers") > 0)).height
    matched = result.kept["label_b"].drop_nulls().to_list()
    new = result.flows.filter(~pl.col("label_b").is_in(matched))["label_b"].n_unique()
    kept = result.kept.filter(pl.col("label_b").is_not_null() & (pl.col("n_customers") > 0)).height
    said = [
        _("Of A's segments {kept} remain and {gone} dissolve; B has {new} new ones.", kept=kept, gone=gone, new=new)
    ]
    if known:
        said.append(_("{n} customers of B stand on a border and could as well be in the next segment.", n=n_border))
    return (" " if _.language == "en" else "").join(said)


# ---- changed profiles


def _largest_changes(result: ComparisonResult) -> pl.DataFrame:
    changed = result.profiles.filter(pl.col("change").abs() >= SAME)
    order = pl.col("change").abs()
    return changed.sort(order, descending=True, maintain_order=True).head(MOST_CHANGES)


def profile_changes(result: ComparisonResult, _: Words) -> Spec:
    """Dumbbells: a hollow dot is the median in A, a full one in B; the largest changes first."""
    names = segment_names(result.names_a, _)
    rows = _largest_changes(result)
    values = [
        (field_value(field, a, result.currency, _), field_value(field, b, result.currency, _))
        for field, a, b in rows.select("field", "median_a", "median_b").iter_rows()
    ]
    shown = rows.select(
        pl.col("label_a").replace_strict(names, return_dtype=pl.String).alias("name"),
        pl.Series("field", [_.label("field", field) for field in rows["field"]], dtype=pl.String),
        pl.col("z_a").clip(-4, 4).round(3),
        pl.col("z_b").clip(-4, 4).round(3),
        pl.Series("before", [a for a, _b in values], dtype=pl.String),
        pl.Series("after", [b for _a, b in values], dtype=pl.String),
        pl.Series("said", [f"{a} → {b}" for a, b in values], dtype=pl.String),
        pl.Series(
            "row",
            [
                f"{names[label]} · {short_name(field, _)}"
                for label, field in rows.select("label_a", "field").iter_rows()
            ],
            dtype=pl.String,
        ),
    ).with_columns(at=pl.max_horizontal("z_a", "z_b"))
    y = alt.Y("row:N", sort=shown["row"].to_list(), axis=plain_axis(labelLimit=190))
    title = _("Distance from the median of all customers of A, in standard deviations")
    x = alt.X("z_a:Q", axis=value_axis(_, title), scale=alt.Scale(padding=40))
    colour = alt.Color("name:N", scale=category_scale(list(names.values())), legend=None)
    told = [
        tooltip("name", _("Segment")),
        tooltip("field", _("Field")),
        tooltip("before", _("Median in A")),
        tooltip("after", _("Median in B")),
    ]
    chart = alt.Chart(shown)
    layers = [
        chart.mark_rule(strokeWidth=2.5, opacity=0.6).encode(x=x, x2="z_b:Q", y=y, color=colour),
        chart.mark_point(filled=True, size=70, opacity=1, fill=neutral("paper"), strokeWidth=2).encode(
            x=x, y=y, stroke=colour, tooltip=told
        ),
        chart.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("z_b:Q"), y=y, color=colour, tooltip=told),
        chart.mark_text(align="left", dx=9).encode(x=alt.X("at:Q"), y=y, text="said:N"),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def profile_changes_finding(result: ComparisonResult, _: Words) -> str:
    rows = _largest_changes(result)
    if not rows.height:
        return _("What stays keeps its profile")
    row = rows.row(0, named=True)
    return _(
        "{segment}: {field} from {a} to {b}",
        segment=spoken_names(result.names_a, _)[row["label_a"]],
        field=short_name(row["field"], _).lower() if _.language == "en" else short_name(row["field"], _),
        a=field_value(row["field"], row["median_a"], result.currency, _),
        b=field_value(row["field"], row["median_b"], result.currency, _),
    )


def profile_changes_note(result: ComparisonResult, _: Words) -> str:
    n = _largest_changes(result).height
    if not n:
        return _("No median of a segment that is in both moves by {least} standard deviations or more.", least=SAME)
    return _("The {n} largest changes of medians of segments in both; hollow = A, full = B.", n=n)


# ---- borders


def borders(result: ComparisonResult, _: Words) -> Spec:
    """Share of each segment of B on a border; the tick is the same segment in A."""
    names = segment_names(result.names_b, _)
    in_b = result.borders.filter((pl.col("scenario") == "b") & pl.col("border_share").is_not_null())
    in_a = result.borders.filter(pl.col("scenario") == "a").select("label", share_a="border_share")
    match = {b: a for a, b in result.kept.select("label_a", "label_b").iter_rows() if b is not None}
    rows = in_b.with_columns(
        pl.col("label").replace_strict(match, default=None, return_dtype=pl.String).alias("label_a"),
        pl.col("label").replace_strict(names, return_dtype=pl.String).alias("name"),
    ).join(in_a, left_on="label_a", right_on="label", how="left", maintain_order="left")
    shown = rows.select(
        "name",
        share=pl.col("border_share"),
        share_a=pl.col("share_a"),
        n=pl.col("n_border"),
        text=pl.Series([_.percent(share) for share in rows["border_share"]], dtype=pl.String),
        revenue=pl.Series([_.compact(value, result.currency) for value in rows["border_revenue"]], dtype=pl.String),
    )
    y = alt.Y("name:N", sort=shown["name"].to_list(), axis=plain_axis(labelLimit=160))
    x = alt.X("share:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domainMin=0, nice=True))
    colour = alt.Color("name:N", scale=category_scale(list(names.values())), legend=None)
    told = [
        tooltip("name", _("Segment")),
        tooltip("text", _("On a border")),
        tooltip("n", _("Customers"), kind="quantitative", format=",d"),
        *([tooltip("revenue", _("Revenue"))] if rows["border_revenue"].count() else []),
    ]
    chart = alt.Chart(shown)
    layers: list[Any] = [
        chart.mark_bar(height={"band": 0.6}, opacity=0.85).encode(x=x, y=y, color=colour, tooltip=told),
        chart.transform_filter("isValid(datum.share_a)")
        .mark_tick(thickness=3, height={"band": 0.75}, color=neutral("ink"))
        .encode(x=alt.X("share_a:Q"), y=y),
        chart.mark_text(align="left", dx=6, fontWeight=600)
        .encode(x=alt.X("end:Q"), y=y, text="text:N")
        .transform_calculate(end="max(datum.share, isValid(datum.share_a) ? datum.share_a : 0)"),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def borders_finding(result: ComparisonResult, _: Words) -> str:
    known = result.borders.filter((pl.col("scenario") == "b") & pl.col("border_share").is_not_null())
    if not known.height:
        return _("This method draws no borders to stand on")
    n = int(known["n_border"].sum())
    if not n:
        return _("No customer stands on a border")
    worst = known.sort("border_share", descending=True).row(0, named=True)
    return _(
        "{share} of {segment} stand on a border",
        share=_.percent(worst["border_share"]),
        segment=spoken_names(result.names_b, _)[worst["label"]],
    )


def border_table(result: ComparisonResult, _: Words) -> pl.DataFrame:
    """The customers of B on a border with the names of their segments in both."""
    here, there = segment_names(result.names_b, _), segment_names(result.names_a, _)
    return result.border_customers.select(
        pl.col("label").replace_strict(here, return_dtype=pl.String).alias("segment"),
        "customer_id",
        "margin",
        "revenue",
        pl.col("other_label").replace_strict(there, default=None, return_dtype=pl.String).alias("other"),
    )


def borders_note(result: ComparisonResult, _: Words) -> str:
    return _(
        "Share of each segment of B with a margin under {least} (0 = as near to the next segment as to its own). "
        "Tick = the same segment in A.",
        least=BORDER,
    )


# ---- payoff


def named(result: SegmentationResult, _: Words) -> dict[str, str]:
    """Label -> name of the segments that hold customers."""
    held = set(result.sizes.filter(pl.col("n_customers") > 0)["label"])
    return {label: name for label, name in segment_names(result.names, _).items() if label in held}


def break_even(result: PayoffResult, _: Words) -> Spec:
    """The response rate at which contacting each segment pays for itself, beside the one that is assumed."""
    names = segment_names(result.names, _)
    known = result.segments.filter(pl.col("break_even_rate").is_not_null())
    rates = [known[name].drop_nulls().to_list() for name in ("response_rate", "break_even_rate", "break_even_hi")]
    least = 1.15 * max(0.001, *(rate for column in rates for rate in column))
    shown = known.select(
        pl.col("label").replace_strict(names, return_dtype=pl.String).alias("name"),
        rate="break_even_rate",
        lo=pl.col("break_even_lo").fill_null(pl.col("break_even_rate")),
        hi=pl.col("break_even_hi").fill_null(pl.col("break_even_rate")),
        assumed="response_rate",
        # The label stands behind the interval, and behind the tick where that would cross it.
        end=pl.when((pl.col("response_rate") - pl.col("break_even_hi")).is_between(0, 0.12 * least))
        .then("response_rate")
        .otherwise(pl.max_horizontal("break_even_rate", "break_even_hi")),
        text=pl.Series([_rate(rate, _) for rate in known["break_even_rate"]], dtype=pl.String),
        interval=pl.Series(
            [
                _.span(_rate(low, _), _rate(high, _))
                for low, high in known.select("break_even_lo", "break_even_hi").iter_rows()
            ],
            dtype=pl.String,
        ),
        rate_said=pl.Series([_.percent(rate, 1) for rate in known["response_rate"]], dtype=pl.String),
        gain=pl.Series([_.money(gain, result.currency, 2) for gain in known["return_per_contact"]], dtype=pl.String),
    )
    y = alt.Y("name:N", sort=shown["name"].to_list(), axis=plain_axis(labelLimit=160))
    axis = value_axis(_, _("Response rate"))
    axis.labelExpr = "format(datum.value, '.1~%')"
    x = alt.X("rate:Q", axis=axis, scale=alt.Scale(domain=[0, least], clamp=True))
    colour = alt.Color("name:N", scale=category_scale(list(names.values())), legend=None)
    told = [
        tooltip("name", _("Segment")),
        tooltip("text", _("Break-even response rate")),
        tooltip("interval", _("95% interval")),
        tooltip("rate_said", _("Response rate (assumed)")),
        tooltip("gain", _("Return of one contact")),
    ]
    chart = alt.Chart(shown)
    layers = [
        chart.mark_bar(height={"band": 0.55}, opacity=0.85).encode(x=x, y=y, color=colour, tooltip=told),
        chart.mark_rule(strokeWidth=1.5, color=neutral("ink")).encode(x=alt.X("lo:Q"), x2="hi:Q", y=y),
        chart.mark_tick(thickness=3, height={"band": 0.8}, color=neutral("ink")).encode(x=alt.X("assumed:Q"), y=y),
        chart.mark_text(
            align="left", dx=8, fontWeight=600, stroke=neutral("paper"), strokeWidth=4, strokeJoin="round"
        ).encode(x=alt.X("end:Q"), y=y, text="text:N"),
        chart.mark_text(align="left", dx=8, fontWeight=600).encode(x=alt.X("end:Q"), y=y, text="text:N"),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def _rate(rate: float | None, _: Words) -> str:
    return "–" if rate is None else _.percent(rate, 1 if rate >= 0.005 else 2)


def break_even_finding(result: PayoffResult, _: Words) -> str:
    n, pays = result.segments.height, int(result.segments["pays"].sum())
    if not pays:
        return _("No segment pays under these assumptions")
    if pays == n:
        return _("All {n} segments pay under these assumptions", n=n)
    return _("{pays} of {n} segments pay under these assumptions", pays=pays, n=n)


def break_even_note(result: PayoffResult, _: Words) -> str:
    return _(
        "Bar = response rate at which a contact pays for itself, with the 95% interval of the measured order value; "
        "tick = the response rate you assume. A tick to the right of its bar pays."
    )


def payoff_sentence(result: PayoffResult, _: Words) -> str:
    """What the plan brings, with its interval."""
    if not result.n_contacted:
        return _("Nobody is contacted: no segment pays, or the budget is too small.")
    return _(
        "Contact {n} customers for {cost}: expected return {gain} ({lo} to {hi}).",
        n=result.n_contacted,
        cost=_.compact(result.contact_costs, result.currency),
        gain=_.compact(result.expected_return, result.currency),
        lo=_.compact(result.expected_lo, result.currency),
        hi=_.compact(result.expected_hi, result.currency),
    )


def payoff_table(result: PayoffResult, _: Words) -> pl.DataFrame:
    """The segments with their names, for the table of exact values."""
    names = segment_names(result.names, _)
    return result.segments.with_columns(
        segment=pl.col("label").replace_strict(names, return_dtype=pl.String),
    )


# ---- migration


def migration_matrix(result: MigrationResult, _: Words, part: str) -> Spec:
    """From which segment to which, as a share of the segment they came from."""
    names = segment_names(result.names, _)
    rows = result.moves.filter(pl.col("part") == part).with_columns(
        share=pl.col("n_customers") / pl.col("n_customers").sum().over("label_from")
    )
    shown = rows.select(
        pl.col("label_from").replace_strict(names, return_dtype=pl.String).alias("from"),
        pl.col("label_to").replace_strict(names, return_dtype=pl.String).alias("to"),
        pl.col("label_to").alias("number"),
        "share",
        n="n_customers",
        text=pl.Series([_.percent(share) if share >= 0.005 else "" for share in rows["share"]], dtype=pl.String),
        said=pl.Series([_.percent(share, 1) for share in rows["share"]], dtype=pl.String),
    )
    numbers = [label for label, _code in result.names]
    x = alt.X("number:N", sort=numbers, axis=plain_axis(_("to segment"), orient="top", labelAngle=0))
    y = alt.Y("from:N", sort=list(names.values()), axis=plain_axis(labelLimit=150))
    chart = alt.Chart(shown)
    heat = chart.mark_rect(stroke=neutral("paper"), strokeWidth=2).encode(
        x=x,
        y=y,
        color=alt.Color("share:Q", scale=ramp_scale(0.0, 1.0), legend=None),
        tooltip=[
            tooltip("from", _("From segment")),
            tooltip("to", _("To segment")),
            tooltip("n", _("Customers"), kind="quantitative", format=",d"),
            tooltip("said", _("Share of the segment")),
        ],
    )
    text = chart.mark_text(color=cell_text_color("share")).encode(x=x, y=y, text="text:N")
    return finish(heat + text, _, height=STANDARD)


def people_matrix(result: MigrationResult, _: Words) -> Spec:
    return migration_matrix(result, _, "people")


def definition_matrix(result: MigrationResult, _: Words) -> Spec:
    return migration_matrix(result, _, "definition")


def _moved(result: MigrationResult, part: str) -> int:
    counts = dict(result.ways.select("way", "n_customers").iter_rows())
    return int(counts[part] + counts["both"] + counts["back"])


def people_matrix_finding(result: MigrationResult, _: Words) -> str:
    share = _moved(result, "people") / result.n_common if result.n_common else 0.0
    return _("{share} moved because they changed", share=_.percent(share))


def people_matrix_note(result: MigrationResult, _: Words) -> str:
    return _("The earlier definition, on the data of then and of now. Share of each segment, from row to column.")


def definition_matrix_finding(result: MigrationResult, _: Words) -> str:
    share = _moved(result, "definition") / result.n_common if result.n_common else 0.0
    return _("{share} moved because the segments did", share=_.percent(share))


def definition_matrix_note(result: MigrationResult, _: Words) -> str:
    return _("The earlier definition and the one of now, both on the data of now. Share, from row to column.")


_BALANCE = (
    ("people", "people_in", "people_out"),
    ("definition", "definition_in", "definition_out"),
    ("passing", "n_new", "n_left"),
)


def migration_balance(result: MigrationResult, _: Words) -> Spec:
    """Who came into each segment (right) and who went (left), by the reason."""
    names = segment_names(result.names, _)
    reasons = {
        "people": _("People moved"),
        "definition": _("Definition moved"),
        "passing": _("New or left"),
    }
    rows = []
    for row in result.balance.iter_rows(named=True):
        for reason, come, go in _BALANCE:
            rows.append((names[row["label"]], reasons[reason], row[come], _("came"), row[come]))
            rows.append((names[row["label"]], reasons[reason], -row[go], _("went"), row[go]))
    schema = {"name": pl.String, "reason": pl.String, "n": pl.Int64, "way": pl.String, "size": pl.Int64}
    shown = pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("size") > 0)
    scale = alt.Scale(domain=list(reasons.values()), range=[neutral("accent"), neutral("muted"), neutral("quiet")])
    chart = (
        alt.Chart(shown)
        .mark_bar(height={"band": 0.6})
        .encode(
            x=alt.X("n:Q", axis=value_axis(_, _("Customers who went (left) and came (right)")), stack="zero"),
            y=alt.Y("name:N", sort=list(names.values()), axis=plain_axis(labelLimit=160)),
            color=alt.Color("reason:N", scale=scale, sort=list(reasons.values())),
            tooltip=[
                tooltip("name", _("Segment")),
                tooltip("reason", _("Reason")),
                tooltip("way", _("Direction")),
                tooltip("size", _("Customers"), kind="quantitative", format=",d"),
            ],
        )
    )
    zero = alt.Chart(pl.DataFrame({"x": [0]})).mark_rule(color=neutral("ink")).encode(x=alt.X("x:Q"))
    return finish(chart + zero, _, height=STANDARD)


def migration_balance_finding(result: MigrationResult, _: Words) -> str:
    if not result.n_common:
        return _("The two days share no customer")
    stayed = float(result.ways.filter(pl.col("way") == "stayed")["share"].item())
    return _("{share} are still where they were", share=_.percent(stayed))


def migration_balance_note(result: MigrationResult, _: Words) -> str:
    return _(
        "{n} customers of both days; {new} are new and {left} have left, who are no movers.",
        n=result.n_common,
        new=result.n_new,
        left=result.n_left,
    )
