"""Odd weeks, turns and ratings in words: what happened, how large, what coincides with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from analytics.charts.forecasting.wording import event_name
from analytics.charts.product_life.wording import bare, change, name_of, stage_name, stage_names
from analytics.charts.theme import Spec, category_scale, chart_of, finish, neutral, plain_axis, tooltip
from analytics.i18n import Words
from analytics.product_life import EvidenceResult, ProductLifeResult, StageFeedback

MOST_ROWS = 10


def cause_text(row: Mapping[str, Any], _: Words) -> str:
    """What coincides with an odd stretch or a turn, with its size."""
    match row["cause"]:
        case "no_sale" if row["none_from"] is not None:
            return _(
                "No sale at all from {first} to {last}: out of stock?", first=row["none_from"], last=row["none_until"]
            )
        case "no_sale":
            return _("No sale at all: out of stock?")
        case "one_order":
            return _("One order of {share} of the items", share=_.percent(row["order_share"]))
        case "promotion":
            return _(
                "{share} sold at a discount, {usual} as a rule",
                share=_.percent(row["promoted_share"]),
                usual=_.percent(row["usual_promoted"]),
            )
        case "price_down" | "price_up":
            return _("List price {change}", change=change(row["price_change"], _))
        case "event":
            return _("{event}, as at other times", event=event_name(row["event"], _))
        case _unknown:
            event = row.get("event", "")
            if event:
                return _("Nothing known; {event} fell in it", event=event_name(event, _))
            return _("Nothing known")


def odd_rows(
    result: ProductLifeResult, evidence: EvidenceResult, _: Words, most: int = MOST_ROWS
) -> list[dict[str, str]]:
    """The most recent odd weeks of products still on sale."""
    told = evidence.odd.sort("last_on", "p_value", descending=[True, False]).head(most)
    return [
        {
            _.label("field", "product"): bare(name_of(result, row["unique_id"])),
            _("When"): _.span(_.day(row["first_on"]), _.day(row["last_on"])),
            _("Sold"): _.number(row["sold"]),
            _("Expected"): _.number(row["expected"], 0 if row["expected"] >= 10 else 1),
            # Only an event may carry a person's own words.
            _("Coincides with"): bare(cause_text(row, _)) if row["event"] else cause_text(row, _),
        }
        for row in told.iter_rows(named=True)
    ]


def odd_finding(result: ProductLifeResult, evidence: EvidenceResult, _: Words) -> str:
    n = evidence.odd.height
    if not n:
        return _("No odd weeks")
    known = evidence.odd.filter(evidence.odd["cause"] != "unexplained").height
    return _("{n} odd stretches of weeks; for {known} something coincides", n=n, known=known)


def odd_note(result: ProductLifeResult, evidence: EvidenceResult, _: Words) -> str:
    return _(
        "One to four weeks in which a product sold far from what its level, the season and the whole shop of those "
        "weeks let expect; about one in twenty may be chance. What coincides need not be the cause. The latest first."
    )


def turn_rows(
    result: ProductLifeResult, evidence: EvidenceResult, _: Words, most: int = MOST_ROWS
) -> list[dict[str, str]]:
    """The most recent turns."""
    return [
        {
            _.label("field", "product"): bare(name_of(result, row["unique_id"])),
            _("Since"): _.month(row["turn_on"]),
            _("Before"): stage_name(row["stage_before"], _),
            _("Then"): f"**{stage_name(row['stage'], _)}**",
            _("Certainty"): _.percent(row["chance"]),
            _("Coincides with"): "–" if row["cause"] == "unexplained" else cause_text(row, _),
        }
        for row in evidence.turns.head(most).iter_rows(named=True)
    ]


def turn_finding(result: ProductLifeResult, evidence: EvidenceResult, _: Words) -> str:
    n = evidence.turns.height
    return _("{n} changes of stage since {day}", n=n, day=_.month(result.first_day)) if n else _("No turns")


def turn_note(result: ProductLifeResult, evidence: EvidenceResult, _: Words) -> str:
    return _(
        "From which period on a product is in another stage, as it looks today; prices and discounts over 8 weeks "
        "after against 8 before. The latest first."
    )


# ---- ratings -----------------------------------------------------------------------------------------------------


def has_ratings(feedback: StageFeedback) -> bool:
    return feedback.frame["mean_rating"].count() > 1


def ratings(feedback: StageFeedback, _: Words) -> Spec:
    """Mean rating by stage with its interval; the rule is the mean of all."""
    names = stage_names(_)
    rows = [
        {
            "stage": names[row["stage"]],
            "mean": row["mean_rating"],
            "lo": row["rating_lo"],
            "hi": row["rating_hi"],
            "text": _.number(row["mean_rating"], 2),
            "interval": _.span(_.number(row["rating_lo"], 2), _.number(row["rating_hi"], 2)),
            "n": _.number(row["n_ratings"]),
        }
        for row in feedback.frame.drop_nulls("mean_rating").iter_rows(named=True)
    ]
    axis = alt.Axis(title=None, grid=True, tickCount=5)
    x = alt.X("mean:Q", scale=alt.Scale(zero=False, padding=16), axis=axis)
    colour = alt.Color("stage:N", scale=category_scale(list(names.values())), legend=None)
    base = chart_of(rows).encode(
        y=alt.Y("stage:N", sort=None, axis=plain_axis()),
        tooltip=[
            tooltip("stage", _("Stage")),
            tooltip("text", _("Mean rating")),
            tooltip("interval", _("95% interval")),
            tooltip("n", _("Ratings")),
        ],
    )
    mean = chart_of([{"mean": feedback.mean_rating}])
    layers = [
        mean.mark_rule(color=neutral("muted"), strokeDash=[4, 3]).encode(x=x),
        base.mark_rule(strokeWidth=7, opacity=0.35).encode(x=alt.X("lo:Q", axis=axis), x2="hi:Q", color=colour),
        base.mark_circle(size=90, opacity=1).encode(x=x, color=colour),
        base.mark_text(dy=-13, color=neutral("ink")).encode(x=x, text="text:N"),
    ]
    return finish(alt.layer(*layers), _, height=64 + 44 * len(rows))


def ratings_finding(feedback: StageFeedback, _: Words) -> str:
    """The stage that differs most from all, or that none does."""
    told = feedback.frame.drop_nulls("rating_difference")
    beyond = told.filter((told["rating_difference_lo"] > 0) | (told["rating_difference_hi"] < 0))
    if beyond.is_empty():
        return _("Ratings do not differ between stages beyond chance")
    row = beyond.sort("rating_difference").row(0, named=True)
    if row["rating_difference"] > 0:
        row = beyond.sort("rating_difference", descending=True).row(0, named=True)
    return _(
        "{stage}: rated {mean}, all {overall}",
        stage=stage_name(row["stage"], _),
        mean=_.number(row["mean_rating"], 2),
        overall=_.number(feedback.mean_rating, 2),
    )


def ratings_note(feedback: StageFeedback, _: Words) -> str:
    return _(
        "{placed} of {all} ratings: each spread over what its author bought last, within {days} days before it, by the "
        "stage of that time. Bars: 95%; dashed: all.",
        placed=feedback.n_placed,
        all=feedback.n_ratings,
        days=feedback.within_days,
    )
