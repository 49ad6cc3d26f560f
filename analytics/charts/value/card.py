"""The answer cards: what customers will bring, who is still one, and how far the figure can be trusted."""

from __future__ import annotations

import polars as pl

from analytics.charts.behaviour.parts import space
from analytics.charts.headline import Headline, Metric, Tone
from analytics.charts.value.wording import amount, between, level, model_name, months, source_name
from analytics.i18n import Words
from analytics.value import ValueResult

TONES: dict[str, Tone] = {"A": "good", "B": "good", "C": "watch", "D": "bad"}


def headline(result: ValueResult, _: Words) -> Headline:
    """The total over the horizon with its interval, customers probably alive, the grade, the model."""
    return Headline(_finding(result, _), _sentence(result, _), tuple(_metrics(result, _)))


def _finding(result: ValueResult, _: Words) -> str:
    ahead = months(result.horizon_days, _)
    if not result.has_values:
        return _(
            "Customers will order {n} times in the next {months}", n=_.compact(round(result.total_orders)), months=ahead
        )
    total = amount(result, result.total_clv, _)
    if result.spec.margin_share < 1:
        return _("Customers will leave {amount} of margin in {months}", amount=total, months=ahead)
    return _("Customers will bring {amount} in the next {months}", amount=total, months=ahead)


def _sentence(result: ValueResult, _: Words) -> str:
    said = [_reason(result, _)]
    if result.has_values and result.spec.discount_rate_yearly > 0:
        later = 1 / (1 + result.spec.discount_rate_yearly)
        said.append(_("What comes in a year counts {share} of what comes today.", share=_.percent(later)))
    return space(_).join(said)


def _reason(result: ValueResult, _: Words) -> str:
    """Why this model, or why none."""
    name = source_name(result, _)
    if result.basis == "subscription":
        return _("Subscriptions: each customer's remaining time (sBG) by what they pay.")
    if result.basis == "rule":
        return _("No model of repeat buying could be fitted; a simple rule stands in: {rule}.", rule=_.quote(name))
    won = rules_that_win(result)
    tried = result.models.filter(pl.col("failed").is_null()).height
    match result.choice:
        case "best":
            chosen = _("Of {n} models {model} foretold the holdout best.", n=tried, model=name)
        case "simplest":
            chosen = _("{model} foretold the holdout as well as any, and is the simplest.", model=name)
        case "only":
            chosen = _("{model} is the only model that could be fitted.", model=name)
        case _asked:
            chosen = _("{model}, as you chose.", model=name)
    if won:
        return chosen + space(_) + _("For {measure} a simple rule was closer in the holdout.", measure=_won(won, _))
    return chosen


def _won(won: dict[str, str], _: Words) -> str:
    """``revenue``, ``purchases``: what a simple rule foretold better."""
    return _.listing(_("revenue") if measure == "value" else _("purchases") for measure in won)


def rules_that_win(result: ValueResult) -> dict[str, str]:
    """What a simple rule foretold better than the model -> the best such rule. Root mean square: the error of means."""
    won = {}
    for measure in ("orders", "value"):
        held = result.rules.filter(pl.col("measure") == measure, pl.col("rmse").is_not_null())
        model = held.filter(pl.col("rule") == "model")
        closer = held.filter(pl.col("rmse") < model["rmse"][0]) if model.height else held.clear()
        if closer.height:
            won[measure] = str(closer.sort("rmse")["rule"][0])
    return won


def _metrics(result: ValueResult, _: Words) -> list[Metric]:
    if result.has_values:
        total = amount_metric(_("Expected value"), result.total_clv, result, _)
        low, high = result.total_lo, result.total_hi
    else:
        total = amount_metric(_("Expected purchases"), result.total_orders, result, _)
        low, high = result.orders_lo, result.orders_hi
    note = _("{level}: {span}", level=level(result, _), span=between(result, low, high, _))
    return [
        Metric(total.label, total.value, note),
        _alive(result, _),
        grade_metric(result, _),
        Metric(
            _("Model") if result.basis != "rule" else _("Simple rule"),
            source_name(result, _),
            _chosen(result, _),
            "gray" if result.basis != "rule" else "watch",
        ),
    ]


def knows_alive(result: ValueResult) -> bool:
    """Whether anything tells who is still a customer: a simple rule does not."""
    return result.customers["p_alive"].fill_nan(None).count() > 0


def doubts_alive(result: ValueResult) -> bool:
    """Whether being active is a matter of probability: neither unknown nor, as with subscriptions, on record."""
    return knows_alive(result) and result.basis != "subscription"


def _alive(result: ValueResult, _: Words) -> Metric:
    if not knows_alive(result):
        note = _.ngettext("{n} customer", "{n} customers", result.n_customers)
        return Metric(_("Probably active"), "–", note)
    alive = float(result.customers["p_alive"].fill_nan(None).sum())
    share = _.percent(alive / max(result.n_customers, 1))
    label = _("Probably active") if doubts_alive(result) else _("Active")
    return Metric(label, _.number(round(alive)), _("{share} of {n} customers", share=share, n=result.n_customers))


def _chosen(result: ValueResult, _: Words) -> str:
    """How the model came to be the one, in a few words."""
    if result.basis == "rule":
        return _("no model fits")
    if result.basis == "subscription":
        return _("subscriptions")
    words = {
        "best": _("best in the holdout"),
        "simplest": _("simplest of the best"),
        "only": _("the only one that fits"),
        "asked": _("your choice"),
    }
    return words.get(result.choice, "")


def grade_metric(result: ValueResult, _: Words) -> Metric:
    """The grade, with how far the holdout's total was off."""
    if result.grade is None:
        return Metric(_("Grade"), "–", _("no model") if result.basis == "rule" else _("no holdout"), "watch")
    off = [row["value"] for row in result.grade_rule.iter_rows(named=True) if row["criterion"] == "total_error"]
    note = _("total off by {error}", error=_.percent(abs(off[0]))) if off and off[0] is not None else ""
    return Metric(_("Grade"), result.grade, note, TONES[result.grade])


def amount_metric(label: str, value: float | None, result: ValueResult, _: Words) -> Metric:
    """An amount, or purchases; in Chinese a large unit stands in the label, since beside figures it shifts the line."""
    currency = result.currency if result.has_values else ""
    divisor, unit = _.compact_unit(value or 0.0)
    if value is None or not unit:
        return Metric(label, _.compact(value if value is None or abs(value) < 10 else round(value), currency))
    scaled = value / divisor
    return Metric(
        _("{label} ({unit})", label=label, unit=unit), _.money(scaled, currency, 1 if abs(scaled) < 100 else 0)
    )


def grade_rows(result: ValueResult, _: Words) -> list[dict[str, str]]:
    """Each criterion of the grade: what was measured, what each grade asks, and what it earns."""
    return [
        {
            _("Criterion"): _.phrase(f"value_criterion.{row['criterion']}", level=level(result, _)),
            _("Measured"): _.percent(row["value"], 1),
            **{_("{grade}: at most", grade=at.upper()): _.percent(row[f"{at}_up_to"]) for at in ("a", "b", "c")},
            _("Grade"): row["grade"] or "–",
        }
        for row in result.grade_rule.iter_rows(named=True)
    ]


def grade_finding(result: ValueResult, _: Words) -> str:
    if result.grade is None:
        return _("No grade: there is no holdout to measure on")
    return _("Grade {grade}: {words}", grade=result.grade, words=_.phrase(f"value_grade.{result.grade}"))


def grade_note(result: ValueResult, _: Words) -> str:
    """The rule of the grade."""
    return _(
        "The weakest of its criteria makes the grade. Measured on the last {days} days, which the model did not see.",
        days=result.holdout_days,
    )


def winner_sentence(result: ValueResult, _: Words) -> str:
    """Whether the model beats the simple rules."""
    won = rules_that_win(result)
    if result.rules.is_empty():
        return _("No holdout, so nothing to compare")
    if result.basis != "repeat":
        return _("How the simple rules did in the holdout")
    if won:
        return _("For {measure} a simple rule wins", measure=_won(won, _))
    return _("{model} beats every simple rule", model=model_name(result.model, _))


def fallback_title(result: ValueResult, _: Words) -> str:
    """What stands behind the figures where no model of repeat buying does."""
    if result.basis == "subscription":
        return _("These are subscriptions: remaining time by fee")
    return _("A simple rule stands in: {rule}", rule=source_name(result, _))


def fallback_body(result: ValueResult, _: Words) -> str:
    if result.basis == "subscription":
        return _(
            "Repeat buying says nothing where a fee is due each period. The sBG model tells how many stay from period "
            "to period; each customer's expected remaining periods are multiplied by what they pay."
        )
    return (
        {
            "last_year": _("Each customer is expected to buy as in the last 365 days."),
            "frequency": _("Each customer is expected to go on at their own rate so far."),
            "constant": _("Each customer is expected to buy as often as the mean of all."),
        }.get(result.fallback or "", "")
        + space(_)
        + _("Intervals are as wide as its errors were in the holdout.")
    )
