"""How long subscribers stay: observed, and projected by the share who leave less and less."""

from __future__ import annotations

from typing import Any

import altair as alt

from analytics.charts.lifecycle.parts import space
from analytics.charts.theme import BAND_95, STANDARD, Spec, chart_of, finish, neutral, tooltip, value_axis
from analytics.i18n import Words
from analytics.lifecycle import LifecycleResult, Projection


def has_projection(result: LifecycleResult) -> bool:
    """Whether there is a curve to show."""
    return result.projection is not None and result.projection.n_seen > 0


def projection(result: LifecycleResult, _: Words) -> Spec:
    """Share still subscribed by tenure: points observed (hollow: held out), line and band projected."""
    told = _projection(result)
    rows: list[dict[str, Any]] = []
    for row in told.frame.iter_rows(named=True):
        rows.append(
            {
                **{name: row[name] for name in ("period", "observed", "projected", "lo", "hi", "held_out")},
                "seen": "–" if row["observed"] is None else _.percent(row["observed"], 1),
                "expected": "–" if row["projected"] is None else _.percent(row["projected"], 1),
                "range": "–"
                if row["lo"] is None
                else _("{lo} to {hi}", lo=_.percent(row["lo"], 1), hi=_.percent(row["hi"], 1)),
                "risk": _.number(row["n_subscribers"]) if row["n_subscribers"] else "–",
            }
        )
    x = alt.X(
        "period:Q",
        axis=alt.Axis(
            title=_("Periods of {days} days since joining", days=told.period_days),
            grid=False,
            tickMinStep=1,
            tickCount=8,
        ),
        scale=alt.Scale(nice=False, padding=6),
    )
    base = chart_of(rows)
    layers: list[Any] = []
    if told.failed is None:
        band = base.mark_area(color=neutral("accent"), opacity=BAND_95)
        layers.append(band.encode(x=x, y=alt.Y("lo:Q", axis=value_axis(_, percent=True)), y2="hi:Q"))
        line = base.mark_line(color=neutral("accent"), strokeWidth=2)
        layers.append(line.encode(x=x, y=alt.Y("projected:Q", scale=alt.Scale(domain=[0, 1]))))
        if told.n_seen > told.n_fitted:
            edge = chart_of([{"period": told.n_fitted + 0.5, "text": _("held out")}])
            layers.append(edge.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x=x))
            layers.append(
                edge.mark_text(color=neutral("muted"), align="left", dx=5).encode(x=x, y=alt.value(8), text="text:N")
            )
    points = base.transform_filter("isValid(datum.observed)").encode(
        x=x,
        y=alt.Y("observed:Q", scale=alt.Scale(domain=[0, 1])),
        tooltip=[
            tooltip("period", _("Period")),
            tooltip("seen", _("Observed")),
            tooltip("expected", _("Projected")),
            tooltip("range", _("90% interval")),
            tooltip("risk", _("Subscribers at risk")),
        ],
    )
    layers += [
        points.transform_filter("!datum.held_out").mark_point(filled=True, size=42, opacity=1, color=neutral("ink")),
        points.transform_filter("datum.held_out").mark_point(
            filled=True, size=42, opacity=1, color=neutral("paper"), stroke=neutral("ink"), strokeWidth=1.5
        ),
    ]
    return finish(alt.layer(*layers), _, height=STANDARD)


def projection_finding(result: LifecycleResult, _: Words) -> str:
    """The share that stays for twelve periods more, or why nothing is projected."""
    told = _projection(result)
    if told.failed is not None:
        return _("How long subscribers stay cannot be projected from these data")
    last = told.frame.row(-1, named=True)
    return _(
        "{share} stay for {n} periods, by projection ({lo} to {hi})",
        share=_.percent(last["projected"]),
        n=last["period"],
        lo=_.percent(last["lo"]),
        hi=_.percent(last["hi"]),
    )


def projection_note(result: LifecycleResult, _: Words) -> str:
    """What was fitted on what, and how well it met the rest."""
    told = _projection(result)
    note = _("Points: share still subscribed, with those who are censored today.")
    if told.failed is not None:
        return note + space(_) + _.phrase(f"error.{told.failed}", **_counts(told))
    fitted = _(
        "Line and 90% band: shifted-beta-geometric, fitted on the first {n} periods only.",
        n=told.n_fitted,
    )
    if told.error is None or told.naive_error is None:
        return note + space(_) + fitted
    met = _(
        "Over the {n} held-out periods (hollow) it was {error} points off on average; a constant rate of leaving "
        "{naive}.",
        n=told.n_seen - told.n_fitted,
        error=_.number(100 * told.error, 1),
        naive=_.number(100 * told.naive_error, 1),
    )
    return note + space(_) + fitted + space(_) + met


def _counts(told: Projection) -> dict[str, Any]:
    return {"n_customers": told.n_customers, "n_left": told.n_left}


def _projection(result: LifecycleResult) -> Projection:
    assert result.projection is not None
    return result.projection
