"""Segmentation charts: map, profile, differences, evidence for their number. Colour i belongs to segment i."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import (
    BAR_OPACITY,
    BASELINE_DASH,
    FONT_SIZE,
    MAP,
    STANDARD,
    Spec,
    category_scale,
    cell_text_color,
    diverging_scale,
    finish,
    neutral,
    plain_axis,
    tooltip,
    value_axis,
)
from analytics.i18n import Words
from analytics.segmentation import SegmentationResult

MONEY = frozenset({"revenue", "mean_order_value"})
MAP_COLUMNS, MAP_ROWS = 48, 26
STABLE, SWAPPING = 0.7, 0.1
DIFFERENCE = 340  # as high as the flow beside it

Names = Sequence[tuple[str, str]]


def segment_names(names: Names, _: Words) -> dict[str, str]:
    """Label -> its number, a dot and its name ("2 · Loyal"), as on every chart and table."""
    return {label: f"{i} · {_.label('segment', code)}" for i, (label, code) in enumerate(names, start=1)}


def field_value(field: str, value: float | None, currency: str, _: Words) -> str:
    """A value of a customer field as the language writes it: money, percent, or a number."""
    if value is None:
        return "–"
    if field in MONEY:
        return _.compact(value, currency)
    if field.endswith("_share"):
        return _.percent(value)
    return _.number(value, 0 if abs(value) >= 10 or float(value).is_integer() else 1)


def short_name(field: str, _: Words) -> str:
    """A field in one word where there is one."""
    return _.phrase(f"short.{field}") if _.has_phrase(f"short.{field}") else _.label("field", field)


# ---- the answer card


def headline(result: SegmentationResult, _: Words) -> Headline:
    """The segment that counts most, whether the cut can be trusted, and four figures."""
    names = dict(result.names)
    rows = [row for row in result.sizes.iter_rows(named=True) if row["n_customers"]]
    top = max(rows, key=lambda row: (row["revenue_share"] or 0.0) / row["customer_share"])
    metrics = [Metric(_("Customers"), _.number(result.n_customers))]
    if top["revenue_share"] is None:
        largest = max(rows, key=lambda row: row["n_customers"])
        share = _.percent(largest["customer_share"])
        finding = _("The largest of {n} segments holds {share} of customers", n=len(rows), share=share)
        metrics.append(
            Metric(_("Largest segment"), share, f"{largest['label']} · {_.label('segment', names[largest['label']])}")
        )
    else:
        share, revenue_share = _.percent(top["customer_share"]), _.percent(top["revenue_share"])
        finding = _("{share} of customers bring {revenue} of revenue", share=share, revenue=revenue_share)
        total = float(result.sizes["revenue"].sum())
        divisor, unit = _.compact_unit(total)
        metrics.append(
            Metric(_("Revenue ({unit})", unit=unit), _.money(total / divisor, result.currency))
            if unit
            else Metric(_("Revenue"), _.compact(total, result.currency))
        )
        metrics.append(Metric(_("Top segment's share"), revenue_share, _("from {share} of customers", share=share)))
    metrics.append(_stability_metric(result.stability, _))
    return Headline(finding, _trust(result, len(rows), _), tuple(metrics))


def _stability_metric(stability: float | None, _: Words) -> Metric:
    if stability is None:
        return Metric(_("Stability"), "–", _("too few customers"))
    if stability >= STABLE:
        note, tone = _("good: at least {least}", least=_.number(STABLE, 2)), "good"
    else:
        note, tone = _("low: under {least}", least=_.number(STABLE, 2)), "watch"
    return Metric(_("Stability"), _.number(stability, 2), note, "good" if tone == "good" else "watch")


def _trust(result: SegmentationResult, n: int, _: Words) -> str:
    if result.stability is None:
        return _("{n} segments; too few customers to resample them.", n=n)
    stability = _.number(result.stability, 2)
    if result.spec.method == "rfm":
        return _("{n} RFM segments; their quintile cuts repeat on resampled data (stability {s}).", n=n, s=stability)
    if result.reason == "no_clear_structure":
        return _("{n} segments cut a continuum: there are no clear groups (stability {s}).", n=n, s=stability)
    if result.stability < STABLE:
        return _("{n} segments do not hold together when the data is resampled (stability {s}).", n=n, s=stability)
    return _("{n} segments hold together when the data is resampled (stability {s}).", n=n, s=stability)


# ---- map


def segment_map(result: SegmentationResult, _: Words) -> Spec:
    """Binned customers on two principal components: colour of the majority, depth by the root of the count."""
    names = segment_names(result.names, _)
    most = result.map_cells["n"].max() or 1
    cells = result.map_cells.with_columns(
        pl.col("label").replace_strict(names).alias("name"),
        (0.16 + 0.84 * (pl.col("n") / most).sqrt()).round(3).alias("depth"),
        (pl.col("x") + 1).alias("x2"),
        (pl.col("y") + 1).alias("y2"),
        pl.col("purity").map_elements(_.percent, return_dtype=pl.String).alias("share"),
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, MAP_COLUMNS], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-1.6, MAP_ROWS + 1.6], nice=False))
    rects = (
        alt.Chart(cells.select("x", "y", "x2", "y2", "name", "n", "depth", "share"))
        .mark_rect(strokeWidth=0)
        .encode(
            x=x,
            y=y,
            x2="x2:Q",
            y2="y2:Q",
            color=alt.Color("name:N", scale=category_scale(list(names.values())), legend=None),
            opacity=alt.Opacity("depth:Q", scale=None),
            tooltip=[
                tooltip("name", _("Majority")),
                tooltip("share", _("Share of the majority")),
                tooltip("n", _("Customers"), kind="quantitative", format=",d"),
            ],
        )
    )
    bare = {label: _.label("segment", code) for label, code in result.names}
    places = _spread_centres(result.map_centres).with_columns(
        pl.col("label").replace_strict(bare).alias("name"), (pl.col("x") > 0.8 * MAP_COLUMNS).alias("left")
    )
    spot = alt.Chart(places).encode(x=x, y=alt.Y("y:Q", axis=None))
    layers = [
        rects,
        spot.mark_point(
            shape="circle",
            size=230,
            filled=True,
            opacity=1,
            fill=neutral("paper"),
            stroke=neutral("ink"),
            strokeWidth=1.2,
        ),
        spot.mark_text(fontSize=11, fontWeight=600).encode(text="label:N"),
    ]
    sides: tuple[tuple[bool, Literal["left", "right"], int], ...] = ((False, "left", 14), (True, "right", -14))
    for left, align, dx in sides:
        side = alt.Chart(places.filter(pl.col("left") == left)).encode(x=x, y=alt.Y("y:Q", axis=None), text="name:N")
        text: dict[str, Any] = {"align": align, "dx": dx, "fontWeight": 600, "fontSize": FONT_SIZE}
        layers += [
            side.mark_text(**text, stroke=neutral("paper"), strokeWidth=4, strokeJoin="round", color=neutral("paper")),
            side.mark_text(**text, color=neutral("ink")),
        ]
    corners: list[tuple[str, int, float, Literal["left", "right"]]] = [
        ("↑ " + _towards(result, "y", _), 0, MAP_ROWS + 1.0, "left"),
        ("→ " + _towards(result, "x", _), MAP_COLUMNS, -1.0, "right"),
    ]
    for said, at_x, at_y, edge in corners[1 if len(result.features) < 2 else 0 :]:
        corner = alt.Chart(pl.DataFrame({"x": [float(at_x)], "y": [at_y], "said": [said]}))
        layers.append(
            corner.mark_text(align=edge, color=neutral("muted"), fontSize=FONT_SIZE).encode(
                x=x, y=alt.Y("y:Q", axis=None), text="said:N"
            )
        )
    return finish(alt.layer(*layers), _, height=MAP)


def _spread_centres(centres: pl.DataFrame) -> pl.DataFrame:
    """Centres moved apart up and down where their labels would cover each other."""
    placed: list[tuple[str, float, float]] = []
    for label, x, y in sorted(centres.iter_rows(), key=lambda row: -row[2]):
        clash = [other for _, at, other in placed if abs(at - x) < 9 and other - y < 1.9]
        y = min(y, min(clash) - 1.9) if clash else y
        placed.append((label, x, max(y, 0.8)))
    return pl.DataFrame(placed, schema=centres.schema, orient="row")


def _towards(result: SegmentationResult, axis: str, _: Words) -> str:
    strong = result.map_axes.filter((pl.col("axis") == axis) & (pl.col("loading").abs() >= 0.4)).head(2)
    words = []
    for feature, loading in strong.select("feature", "loading").iter_rows():
        more = (loading > 0) != (feature == "recency_days")
        phrase = f"towards.{feature}" if more else f"towards.{feature}.less"
        if _.has_phrase(phrase):
            words.append(_.phrase(phrase))
        else:
            field = _.label("field", feature)
            words.append(_("higher: {field}", field=field) if loading > 0 else _("lower: {field}", field=field))
    return _.listing(words)


def segment_map_finding(result: SegmentationResult, _: Words) -> str:
    bare = {label: _.label("segment", code) for label, code in result.names}
    if not result.overlaps.height:
        return _("No customer changes segment on resampling")
    worst = result.overlaps.row(0, named=True)
    if worst["moved_share"] < SWAPPING:
        return _("No two segments swap over {share} of customers", share=_.percent(worst["moved_share"], 1))
    return _(
        "{a} and {b} overlap: {share} change sides",
        a=bare[worst["label_a"]],
        b=bare[worst["label_b"]],
        share=_.percent(worst["moved_share"]),
    )


def segment_map_note(result: SegmentationResult, _: Words) -> str:
    return _(
        "Each cell: customers with a similar profile. Colour = majority segment, depth = how many. "
        "The first two principal components keep {share} of the variance.",
        share=_.percent(sum(result.map_shares)),
    )


# ---- profile


def profile(result: SegmentationResult, _: Words) -> Spec:
    """Segment medians; colour = distance from the median of all customers."""
    names = segment_names(result.names, _)
    currency = result.currency
    cells = result.profiles.with_columns(
        pl.col("label").replace_strict(names).alias("name"),
        pl.Series("short", [short_name(field, _) for field in result.profiles["field"]], dtype=pl.String),
        pl.Series("text", _texts(result.profiles, "median", "", _), dtype=pl.String),
        pl.Series("value", _texts(result.profiles, "median", currency, _), dtype=pl.String),
        pl.Series("everyone", _texts(result.profiles, "median_all", currency, _), dtype=pl.String),
        pl.Series("middle", _spans(result.profiles, "q25", "q75", currency, _), dtype=pl.String),
        pl.Series("title", [_.label("field", field) for field in result.profiles["field"]], dtype=pl.String),
        pl.col("z").round(3),
    )
    order = [names[label] for label in cells["label"].unique(maintain_order=True)]
    columns = cells["short"].unique(maintain_order=True).to_list()
    lower, middle, upper = _("2 sd below"), _("median"), _("2 sd above")
    legend = alt.Legend(
        orient="bottom",
        direction="horizontal",
        gradientLength=180,
        gradientThickness=8,
        values=[-2, 0, 2],
        labelExpr=f"datum.value < 0 ? '{lower}' : datum.value > 0 ? '{upper}' : '{middle}'",
        title=None,
    )
    chart = alt.Chart(cells.select("name", "short", "title", "text", "value", "everyone", "middle", "z")).encode(
        x=alt.X(
            "short:N", sort=columns, axis=plain_axis(orient="top", labelAngle=0, labelLimit=80, labelOverlap=False)
        ),
        y=alt.Y("name:N", sort=order, axis=plain_axis(labelLimit=160)),
    )
    heat = chart.mark_rect(stroke=neutral("paper"), strokeWidth=2).encode(
        color=alt.Color("z:Q", scale=diverging_scale(2.0), legend=legend),
        tooltip=[
            tooltip("name", _("Segment")),
            tooltip("title", _("Field")),
            tooltip("value", _("Median")),
            tooltip("middle", _("Middle half")),
            tooltip("everyone", _("All customers")),
        ],
    )
    return finish(heat + chart.mark_text(color=cell_text_color("z")).encode(text="text:N"), _, height=MAP)


def _texts(frame: pl.DataFrame, column: str, currency: str, _: Words) -> list[str]:
    return [field_value(field, value, currency, _) for field, value in frame.select("field", column).iter_rows()]


def _spans(frame: pl.DataFrame, low: str, high: str, currency: str, _: Words) -> list[str]:
    return [
        _.span(a, b) for a, b in zip(_texts(frame, low, currency, _), _texts(frame, high, currency, _), strict=True)
    ]


def _separation(result: SegmentationResult) -> list[str]:
    """Profile fields by how far apart the segments' medians lie, in standard deviations; furthest first."""
    spread = result.profiles.group_by("field", maintain_order=True).agg(
        (pl.col("z").clip(-3, 3).max() - pl.col("z").clip(-3, 3).min()).alias("reach")
    )
    return spread.sort("reach", descending=True, maintain_order=True)["field"].to_list()


def profile_finding(result: SegmentationResult, _: Words) -> str:
    fields = _separation(result)
    if result.profiles["label"].n_unique() < 2:
        return _("One segment holds every customer")
    if len(fields) < 2:
        return _("{field} is what separates the segments", field=_.label("field", fields[0]))
    return _(
        "{field} separates them more than {other}",
        field=short_name(fields[0], _),
        other=short_name(fields[-1], _).lower(),
    )


def profile_note(result: SegmentationResult, _: Words) -> str:
    return _(
        "Segment medians ({unit}). Colour = distance from the median of all customers, in standard deviations.",
        unit=_.listing(
            [*([_.symbol(result.currency).strip()] if _.symbol(result.currency) else []), _("days"), _("counts")]
        ),
    )


# ---- difference in one field


def difference(result: SegmentationResult, _: Words, field: str | None = None) -> Spec:
    """Dots with the 95 % interval of the median; the rule is the median of all customers."""
    field = field or _separation(result)[0]
    names = segment_names(result.names, _)
    rows = result.profiles.filter(pl.col("field") == field).with_columns(
        pl.col("label").replace_strict(names).alias("name"),
        pl.Series(
            "text",
            _texts(result.profiles.filter(pl.col("field") == field), "median", result.currency, _),
            dtype=pl.String,
        ),
        pl.Series(
            "interval",
            _spans(result.profiles.filter(pl.col("field") == field), "lo", "hi", result.currency, _),
            dtype=pl.String,
        ),
    )
    order = rows["name"].to_list()
    everyone = float(rows["median_all"][0])
    money = result.currency if field in MONEY else None
    axis = value_axis(_, currency=money, percent=field.endswith("_share"))
    low = min(0.0, float(rows["lo"].min() or 0.0))  # type: ignore[arg-type]
    x = alt.X("median:Q", axis=axis, scale=alt.Scale(domainMin=low, nice=True))
    y = alt.Y("name:N", sort=order, axis=plain_axis(labelLimit=160))
    colour = alt.Color("name:N", scale=category_scale(list(names.values())), legend=None)
    chart = alt.Chart(rows.select("name", "median", "lo", "hi", "median_all", "text", "interval"))
    told = [
        tooltip("name", _("Segment")),
        tooltip("text", _.label("field", field)),
        tooltip("interval", _("95% interval")),
    ]
    rule = alt.Chart(
        pl.DataFrame(
            {"x": [everyone], "said": [_("all {value}", value=field_value(field, everyone, result.currency, _))]}
        )
    )
    layers = [
        rule.mark_rule(color=neutral("muted"), strokeWidth=1.5).encode(x="x:Q"),
        rule.mark_text(align="left", dx=4, color=neutral("muted")).encode(x="x:Q", y=alt.value(-8), text="said:N"),
        chart.mark_rule(color=neutral("quiet"), strokeWidth=1.5).encode(x=x, x2="median_all:Q", y=y),
        chart.mark_bar(height=7, opacity=BAR_OPACITY, cornerRadius=3).encode(
            x=alt.X("lo:Q"), x2="hi:Q", y=y, color=colour
        ),
        chart.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=colour, tooltip=told),
        chart.mark_text(dy=-14, fontWeight=600, stroke=neutral("paper"), strokeWidth=5, strokeJoin="round").encode(
            x=x, y=y, text="text:N"
        ),
        chart.mark_text(dy=-14, fontWeight=600).encode(x=x, y=y, text="text:N"),
    ]
    return finish(alt.layer(*layers), _, height=DIFFERENCE)


def difference_finding(result: SegmentationResult, _: Words, field: str | None = None) -> str:
    field = field or _separation(result)[0]
    rows = result.profiles.filter(pl.col("field") == field).sort("median")
    low, high = rows.row(0, named=True), rows.row(-1, named=True)
    if low["hi"] >= high["lo"]:
        return _("No segment differs in {field}", field=_.label("field", field).lower())
    bare = {label: _.label("segment", code) for label, code in result.names}
    return _(
        "{field}: {high} for {a}, {low} for {b}",
        field=short_name(field, _),
        high=field_value(field, high["median"], result.currency, _),
        low=field_value(field, low["median"], result.currency, _),
        a=bare[high["label"]],
        b=bare[low["label"]],
    )


def difference_note(result: SegmentationResult, _: Words, field: str | None = None) -> str:
    field = field or _separation(result)[0]
    return _("{field}: median and its 95% interval; rule = all customers.", field=_.label("field", field))


# ---- evidence for the number of segments


def number_of_segments(result: SegmentationResult, _: Words) -> Spec:
    """Stability and silhouette for each number; the least stability and the number shown are marked."""
    stability, silhouette = _("Stability"), _("Silhouette")
    measures = {"stability": stability, "silhouette": silhouette}
    long = (
        result.evidence.select("n_segments", "min_share", *measures)
        .unpivot(index=["n_segments", "min_share"], variable_name="code", value_name="value")
        .drop_nulls("value")
        .with_columns(
            pl.col("code").replace_strict(measures).alias("measure"),
            pl.col("min_share").map_elements(_.percent, return_dtype=pl.String).alias("least"),
        )
    )
    low = min(0.0, float(long["value"].min() or 0.0))  # type: ignore[arg-type]
    x = alt.X("n_segments:O", axis=plain_axis(_("Number of segments"), labelAngle=0))
    y = alt.Y("value:Q", axis=value_axis(_), scale=alt.Scale(domain=[low, 1]))
    colour = alt.Color(
        "measure:N",
        scale=alt.Scale(domain=[stability, silhouette], range=[neutral("accent"), neutral("muted")]),
        legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=2),
    )
    chart = alt.Chart(long.select("n_segments", "value", "measure", "least")).encode(x=x, y=y, color=colour)
    told = [
        tooltip("n_segments", _("Segments"), kind="ordinal"),
        tooltip("measure", _("Measure")),
        tooltip("value", _("Value"), kind="quantitative", format=".2f"),
        tooltip("least", _("Smallest segment")),
    ]
    said = {result.n_segments: _("shown")}
    if result.recommended is not None:
        both = result.recommended == result.n_segments
        said[result.recommended] = _("shown, recommended") if both else _("recommended")
    known = long["n_segments"].unique().to_list()
    marks = pl.DataFrame(
        [(n, text) for n, text in said.items() if n in known],
        schema={"n_segments": pl.Int64, "text": pl.String},
        orient="row",
    )
    chosen = alt.Chart(marks).encode(x=alt.X("n_segments:O"))
    least = alt.Chart(pl.DataFrame({"y": [STABLE], "text": [_("least stability {s}", s=_.number(STABLE, 2))]}))
    layers = [
        chosen.mark_rule(color=neutral("quiet"), strokeWidth=1.5),
        chosen.mark_text(color=neutral("muted"), align="center").encode(text="text:N", y=alt.value(-8)),
        least.mark_rule(color=neutral("accent"), strokeDash=BASELINE_DASH, strokeWidth=1.5).encode(y="y:Q"),
        chart.mark_line(strokeWidth=2),
        chart.mark_point(filled=True, size=55, opacity=1).encode(tooltip=told),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def number_of_segments_finding(result: SegmentationResult, _: Words) -> str:
    if result.recommended is None:
        return _("RFM fixes its segments by rule")
    if result.reason == "no_clear_structure":
        return _("No number of segments stands out")
    if result.recommended != result.n_segments:
        return _("The evidence speaks for {n}; {shown} are shown", n=result.recommended, shown=result.n_segments)
    return _("{n} segments separate best and are stable ({s})", n=result.recommended, s=_.number(result.stability, 2))


def number_of_segments_note(result: SegmentationResult, _: Words) -> str:
    return _(
        "Stability: agreement (adjusted Rand) with cuts of resampled data, 1 = the same; dotted = the least asked for. "
        "Silhouette: how much nearer customers are to their own segment. From {n} customers.",
        n=result.n_evidence,
    )


# ---- exact values


def sizes_table(result: SegmentationResult, _: Words) -> pl.DataFrame:
    """The sizes for a table: segment (shown name) and the columns of ``SegmentationResult.sizes`` that hold values."""
    names = segment_names(result.names, _)
    frame = result.sizes.with_columns(pl.col("label").replace_strict(names).alias("segment"))
    kept = [name for name in result.sizes.columns if name not in ("label", "name") and frame[name].count()]
    return frame.select("segment", *kept)
