"""Whether parts add up to their wholes: forecasts by themselves, sums of the parts, and what they agree on."""

from __future__ import annotations

import altair as alt
import polars as pl

from analytics.charts.demand_outlook.wording import Names
from analytics.charts.forecasting.marks import values
from analytics.charts.forecasting.wording import amount
from analytics.charts.theme import Spec, finish, neutral, plain_axis, tooltip, value_axis
from analytics.demand import DemandPanel
from analytics.forecasting.spec import PanelForecast
from analytics.i18n import Words

MOST = 14
ROW = 26


def adds_up(result: PanelForecast) -> bool:
    """Whether there is a hierarchy."""
    return bool(result.reconciled.height)


def wholes(panel: DemandPanel, result: PanelForecast) -> pl.DataFrame:
    """unique_id, own, parts, agreed (sums over the horizon), parts_off, agreed_off (shares of own).

    ``own``: forecast by itself; ``parts``: the sum of its parts' own forecasts, null where it has none; ``agreed``:
    reconciled. Wholes first, then their parts, the largest of each first.
    """
    own = result.forecasts.group_by("unique_id").agg(own=pl.col("forecast").sum())
    agreed = result.reconciled.group_by("unique_id").agg(agreed=pl.col("forecast").sum())
    parts = panel.parents.join(own, on="unique_id").group_by(unique_id="parent").agg(parts=pl.col("own").sum())
    found = own.join(agreed, on="unique_id").join(parts, on="unique_id", how="left")
    share = {name: pl.when(pl.col("own") > 0).then(pl.col(name) / pl.col("own") - 1) for name in ("parts", "agreed")}
    return (
        found.select("unique_id", "own", "parts", "agreed", parts_off=share["parts"], agreed_off=share["agreed"])
        .with_columns(whole=pl.col("parts").is_not_null())
        .sort("whole", "own", "unique_id", descending=[True, True, False])
        .drop("whole")
    )


def wholes_table(panel: DemandPanel, result: PanelForecast, names: Names) -> pl.DataFrame:
    """``wholes`` with the names of the series, for the download."""
    return wholes(panel, result).select(
        pl.col("unique_id").replace(dict(names)).alias("demand_series"),
        own_forecast="own",
        sum_of_parts="parts",
        agreed_forecast="agreed",
    )


def wholes_chart(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> Spec:
    """For each whole how far the sum of its parts, and what was agreed, lie from its own forecast."""
    found = wholes(panel, result).drop_nulls("agreed_off").head(MOST)
    labels = [names[unique_id] for unique_id in found["unique_id"]]
    series = [_("Sum of the parts"), _("Agreed")]
    told = found.with_columns(
        label=pl.Series(labels, dtype=pl.String),
        **{
            f"{name}_told": pl.Series([amount(result, value, _) for value in found[name]], dtype=pl.String)
            for name in ("own", "parts", "agreed")
        },
    )
    dots = pl.concat(
        [
            told.with_columns(off=pl.col(column), series=pl.lit(name))
            for column, name in zip(("parts_off", "agreed_off"), series, strict=True)
        ]
    ).drop_nulls("off")
    reach = max(float(dots["off"].abs().max() or 0.0) * 1.15, 0.01)  # type: ignore[arg-type]  # a scalar: Polars types any literal
    axis = value_axis(_, percent=True)
    axis["labelExpr"] = alt.Undefined
    axis["format"] = "+.1%" if reach < 0.1 else "+.0%"
    x = alt.X("off:Q", axis=axis, scale=alt.Scale(domain=[-reach, reach], nice=False), title=None)
    y = alt.Y("label:N", sort=labels, axis=plain_axis(labelLimit=170))
    colors = alt.Scale(domain=series, range=[neutral("muted"), neutral("accent")])
    tips = [
        tooltip("label", _("Series")),
        tooltip("own_told", _("Its own forecast")),
        tooltip("parts_told", _("Sum of the parts")),
        tooltip("agreed_told", _("Agreed")),
    ]
    layers = [
        alt.Chart(values(pl.DataFrame({"off": [0.0]}))).mark_rule(color=neutral("muted")).encode(x=x),
        alt.Chart(values(dots))
        .mark_point(filled=True, size=80, opacity=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color("series:N", scale=colors, legend=alt.Legend(values=series, title=None)),
            tooltip=tips,
        ),
    ]
    return finish(alt.layer(*layers), _, height=max(112, 60 + ROW * found.height))


def wholes_finding(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """What adding up took."""
    before = result.incoherence[0]
    if before < 0.0005:
        return _("Parts and wholes agree by themselves")
    return _("Parts and wholes differed by up to {share}; now they add up", share=_.percent(before, 1))


def wholes_note(panel: DemandPanel, result: PanelForecast, names: Names, _: Words) -> str:
    """What is drawn and how it was made to add up."""
    return _(
        "Distance from each own forecast. All forecasts give way a little, the uncertain ones most, until "
        "every part adds up to its whole: what is left is {left} of the mean. This buys totals that add up, not "
        "accuracy.",
        left=_("less than a billionth") if result.incoherence[1] < 1e-9 else f"{result.incoherence[1]:.0e}",
    )
