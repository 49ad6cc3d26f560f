"""The answer card: how many are likely to go, what that is worth, and how far the warning can be trusted."""

from __future__ import annotations

from analytics.charts.early_warning.wording import days, level_name, model_name, space, what_is_gone
from analytics.charts.headline import Headline, Metric, Tone
from analytics.churn import ChurnResult
from analytics.i18n import Words

GOOD_CALIBRATION = 0.03


def headline(result: ChurnResult, _: Words) -> Headline:
    """Expected leavers, what a list as long as the capacity would have held, and four figures."""
    return Headline(_finding(result, _), _sentence(result, _), _metrics(result, _))


def _finding(result: ChurnResult, _: Words) -> str:
    n, every = _.number(round(result.expected_gone)), _.number(result.n_scored)
    if result.target == "left":
        ahead = days(result.horizon_days, _)
        return _("{n} of {all} customers are likely to leave within {days}", n=n, all=every, days=ahead)
    if result.target == "no_order":
        ahead = days(result.horizon_days, _)
        return _("{n} of {all} customers are likely to order nothing for {days}", n=n, all=every, days=ahead)
    return _("{n} of the {all} who stayed look like those who are gone", n=n, all=every)


def _sentence(result: ChurnResult, _: Words) -> str:
    chosen, other = found_at_capacity(result, "chosen"), found_at_capacity(result, result.best_baseline)
    said = [what_is_gone(result, _)]
    if chosen is not None:
        said.append(
            _(
                "A list of the {n} with the highest risk would have held {share} of those who went.",
                n=result.n_flagged,
                share=_.percent(chosen),
            )
        )
    if other is not None:
        rule = _.quote(model_name(result.best_baseline, _))
        said.append(
            _("By the best simple rule, {rule}, it would have held {share}.", rule=rule, share=_.percent(other))
        )
    return space(_).join(said)


def found_at_capacity(result: ChurnResult, model: str) -> float | None:
    """The share of the gone that a list as long as the capacity held at past cut-offs; None where it is not known."""
    held = result.lift.filter(model=model, at_capacity=True)
    return float(held["found_share"][0]) if held.height else None


def _metrics(result: ChurnResult, _: Words) -> tuple[Metric, ...]:
    low, high = _.number(round(result.expected_gone_lo)), _.number(round(result.expected_gone_hi))
    note = _("{level}: {span}", level=level_name(result, _), span=_.span(low, high))
    label = _("Expected to go") if result.target != "given" else _("Look like leavers")
    items = [Metric(label, _.number(round(result.expected_gone)), note)]
    if result.value_at_risk is not None:
        items.append(value_metric(_("Value at risk"), result.value_at_risk, result, worth(result, _), _))
    tone: Tone = "good" if result.beats_baseline else "watch"
    baseline = result.models.filter(model=result.best_baseline)
    against = _("best simple rule {auc}", auc=_.number(baseline["auc"][0], 2)) if baseline.height else ""
    items.append(Metric(_("Ranking (AUC)"), _.number(result.auc, 2), against, tone))
    off = result.calibration_error
    said: tuple[str, Tone] = (_("as happened"), "good") if off <= GOOD_CALIBRATION else (_("order counts"), "watch")
    items.append(Metric(_("Risks off by (points)"), _.number(100 * off, 1), *said))
    return tuple(items)


def value_metric(label: str, value: float, result: ChurnResult, note: str, _: Words) -> Metric:
    """Money as a figure: in Chinese the unit is in the label."""
    if _.language == "en":
        return Metric(label, _.compact(value, result.currency), note)
    divisor, unit = _.compact_unit(value)
    symbol = _.symbol(result.currency)
    shown = _.number(value / divisor, 1 if unit and value < 100 * divisor else 0)
    return Metric(f"{label}（{symbol}{unit}）" if symbol or unit else label, shown, note)


def worth(result: ChurnResult, _: Words) -> str:
    """What a customer's value is taken from."""
    words = {
        "clv": _("of expected value"),
        "last_year": _("of the last year's value"),
        "column": _.label("field", result.spec.value_column),
    }
    return words.get(result.value_unit, "")
