"""The answer card: where the sales come from, how many products moved, how often what was said held."""

from __future__ import annotations

from analytics.charts.behaviour.parts import share_text, space
from analytics.charts.headline import Headline, Metric, Tone
from analytics.charts.product_life.wording import change, months_words, stage_name, things, worth
from analytics.i18n import Words
from analytics.product_life import ProductLifeResult

TONES: dict[str, Tone] = {"growth": "good", "decline": "watch"}


def headline(result: ProductLifeResult, _: Words) -> Headline:
    """The share of sales of what grows against what falls, and four figures."""
    stages = {row["stage"]: row for row in result.stages.iter_rows(named=True)}
    up, down = (stages[stage]["sales_share"] for stage in ("growth", "decline"))
    if stages["maturity"]["sales_share"] >= 0.75 or max(up, down) < 0.005:
        finding = _("{share} of sales come from mature products", share=_.percent(stages["maturity"]["sales_share"]))
    elif up >= down:
        finding = _("{share} of sales come from growing products", share=share_text(up, _))
    else:
        finding = _("{share} of sales come from declining products", share=share_text(down, _))
    shown = [stage for stage in ("introduction", "growth", "maturity", "decline") if stages[stage]["n_products"]]
    metrics = [
        Metric(
            stage_name(stage, _),
            _.number(stages[stage]["n_products"]),
            _("{share} of sales", share=share_text(stages[stage]["sales_share"], _)),
            TONES.get(stage, "gray"),
        )
        for stage in shown[-3:]
    ]
    moved = int(result.products["moved"].sum())
    note = _("in {months}", months=months_words(result, _))
    metrics.append(Metric(_("Changed stage"), _.number(moved), note))
    while len(metrics) < 3:
        metrics.append(_gone(result, _))
    return Headline(finding, _sentence(result, _), tuple(metrics))


def _gone(result: ProductLifeResult, _: Words) -> Metric:
    row = result.stages.filter(stage="discontinued").row(0, named=True)
    return Metric(stage_name("discontinued", _), _.number(row["n_products"]))


def _sentence(result: ProductLifeResult, _: Words) -> str:
    told = result.products.drop_nulls("stage").height
    total = float(result.products["worth_recent"].sum())
    parts = [
        _(
            "{products}, {amount} in the last 12 months.",
            products=things(result, told, _),
            amount=worth(result, total, _) if result.currency else _.compact(round(total)),
        )
    ]
    if result.typical_yearly is not None:
        parts.append(
            _(
                "Stages are told against the typical product, whose sales changed by {change} within a year.",
                change=change(result.typical_yearly, _),
            )
        )
    held = held_share(result)
    if held is not None:
        parts.append(
            _(
                "Of what was said {months} ago or before, {share} still looks so.",
                months=months_words(result, _),
                share=_.percent(held),
            )
        )
    return space(_).join(parts)


def held_share(result: ProductLifeResult) -> float | None:
    """Of the stages said over a year until ``compare_months`` ago, the share that looks the same by now."""
    n = int(result.hindsight["n"].sum())
    return int(result.hindsight["kept"].sum()) / n if n else None


def hindsight_rows(result: ProductLifeResult, _: Words) -> list[dict[str, str]]:
    """What was said then, how often, and how much of it holds."""
    return [
        {
            _("Stage said then"): stage_name(row["stage"], _),
            _("How often"): _.number(row["n"]),
            _("Still so"): _.percent(row["kept"] / row["n"]) if row["n"] else "–",
        }
        for row in result.hindsight.iter_rows(named=True)
    ]


def hindsight_finding(result: ProductLifeResult, _: Words) -> str:
    held = held_share(result)
    if held is None:
        return _("Too early to look back")
    return _("{share} of what was said then still looks so", share=_.percent(held))


def hindsight_note(result: ProductLifeResult, _: Words) -> str:
    return _(
        "Every product in every period of a year that ended {months} ago: the stage told by what was known then, "
        "beside the stage of that time as it looks today.",
        months=months_words(result, _),
    )
