"""How customers differ: how often they order while they are customers, and how soon they leave; and what each number
of the model means.

The heights are shares of customers in bands that people think in ("2-4 orders a year"), not densities: a gamma
distribution with a small shape has no highest point to draw.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import altair as alt

from analytics.charts.behaviour.parts import Rows
from analytics.charts.theme import Spec, chart_of, finish, neutral, plain_axis, tooltip, value_axis
from analytics.charts.value.wording import level, model_name
from analytics.i18n import Words
from analytics.value import ValueResult

HEIGHT = 240
NARROW = "width < 440"
YEAR = 365.25
RATES = (1.0, 2.0, 4.0, 6.0, 12.0, 26.0)  # orders a year
CHANCES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75)


def has_model(result: ValueResult) -> bool:
    """Whether a model was fitted whose customers differ in known ways."""
    return result.parameters.height > 0 and {"r", "alpha"} <= set(_named(result))


def _named(result: ValueResult) -> dict[str, float]:
    """The parameters of the chosen model."""
    held = result.parameters.filter(model=result.model)
    return dict(zip(held["parameter"].to_list(), held["estimate"].to_list(), strict=True))


def _units_a_year(result: ValueResult) -> float:
    return YEAR / result.spec.unit_days


def has_renewals(result: ValueResult) -> bool:
    """Whether a model of renewals (sBG) stands behind the figures."""
    return result.model == "sbg" and {"alpha", "beta"} <= set(_named(result))


def mean_rate(result: ValueResult) -> float:
    """Orders a year of an average customer while alive."""
    held = _named(result)
    return held["r"] / held["alpha"] * _units_a_year(result)


# --- how often ------------------------------------------------------------------------------------------------------


def rates(result: ValueResult, _: Words) -> Spec:
    """Share of customers by orders a year while they are customers."""
    from scipy.special import gammainc

    held, per_year = _named(result), _units_a_year(result)
    below = [float(gammainc(held["r"], held["alpha"] * edge / per_year)) for edge in RATES]
    names = [_("under {n}", n=_.number(RATES[0]))]
    names += [_.span(_.number(low), _.number(high)) for low, high in itertools.pairwise(RATES)]
    names.append(_("over {n}", n=_.number(RATES[-1])))
    return _bars(names, _between(below), _("Orders a year"), _)


def rates_finding(result: ValueResult, _: Words) -> str:
    rate = mean_rate(result)
    if rate >= 1:
        return _("While they stay, they order {n} times a year", n=_.number(rate, 1))
    return _("While they stay, they order every {n} months", n=_.number(12 / rate))


def rates_note(result: ValueResult, _: Words) -> str:
    return _("Share of all customers by repeat orders a year while they are customers.")


# --- how soon they leave --------------------------------------------------------------------------------------------


def leaving(result: ValueResult, _: Words) -> Spec:
    """Share of customers by their chance to leave: after an order, or within a year."""
    title = _("Chance to leave after an order") if _by_order(result) else _("Chance to leave within a year")
    return _bars(_bands(CHANCES, _), _between(_below_chance(result)), title, _)


def _by_order(result: ValueResult) -> bool:
    """Whether people leave after an order (BG, MBG) and not at any time (Pareto)."""
    return "a" in _named(result)


def _below_chance(result: ValueResult) -> list[float]:
    import math

    from scipy.special import betainc, gammainc

    held = _named(result)
    if _by_order(result):
        return [float(betainc(held["a"], held["b"], edge)) for edge in CHANCES]
    weight = held["beta"] / _units_a_year(result)
    return [float(gammainc(held["s"], -math.log(1 - edge) * weight)) for edge in CHANCES]


def mean_chance(result: ValueResult) -> float:
    """Mean chance to leave: after an order, or within a year."""
    held = _named(result)
    if _by_order(result):
        return held["a"] / (held["a"] + held["b"])
    stays: float = (held["beta"] / (held["beta"] + _units_a_year(result))) ** held["s"]
    return 1 - stays


def leaving_finding(result: ValueResult, _: Words) -> str:
    share = _.percent(mean_chance(result))
    if _by_order(result):
        return _("After each order {share} leave on average", share=share)
    return _("Within a first year {share} leave", share=share)


def leaving_note(result: ValueResult, _: Words) -> str:
    if result.model == "mbg_nbd":
        return _("Share of all customers by their own chance to leave after an order, the first one included.")
    if _by_order(result):
        return _("Share of all customers by their own chance to leave after a repeat order.")
    return _("Share of all customers by their own chance to leave within a year.")


def _between(below: Sequence[float]) -> list[float]:
    edges = [0.0, *below, 1.0]
    return [high - low for low, high in itertools.pairwise(edges)]


# --- subscriptions --------------------------------------------------------------------------------------------------

PERIODS = 24
CHANCES_A_PERIOD = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


def renewals(result: ValueResult, _: Words) -> Spec:
    """Share of a cohort still there after each period, as the model sees it. Fader & Hardie (2007)."""
    rows: Rows = [
        {"period": period, "share": share, "text": _.percent(share)} for period, share in enumerate(_staying(result))
    ]
    base = chart_of(rows).encode(
        x=alt.X("period:Q", axis=alt.Axis(title=_("Periods since the first payment"), grid=False, tickCount=8)),
        y=alt.Y("share:Q", axis=value_axis(_, percent=True), scale=alt.Scale(domain=[0, 1])),
        tooltip=[tooltip("period", _("Period")), tooltip("text", _("Still there"))],
    )
    area = base.mark_area(color=neutral("accent"), opacity=0.16)
    return finish(alt.layer(area, base.mark_line(color=neutral("accent"), strokeWidth=2)), _, height=HEIGHT)


def _staying(result: ValueResult) -> list[float]:
    held = _named(result)
    stays = [1.0]
    for period in range(1, PERIODS + 1):
        left = (held["beta"] + period - 1) / (held["alpha"] + held["beta"] + period - 1)
        stays.append(stays[-1] * left)
    return stays


def renewals_finding(result: ValueResult, _: Words) -> str:
    return _("After {n} periods {share} are still there", n=12, share=_.percent(_staying(result)[12]))


def renewals_note(result: ValueResult, _: Words) -> str:
    return _("Of all who begin; those who stay are ever likelier to renew.")


def leavers(result: ValueResult, _: Words) -> Spec:
    """Share of customers by their own chance to leave in a period."""
    from scipy.special import betainc

    held = _named(result)
    below = [float(betainc(held["alpha"], held["beta"], edge)) for edge in CHANCES_A_PERIOD]
    return _bars(_bands(CHANCES_A_PERIOD, _), _between(below), _("Chance to leave in a period"), _)


def leavers_finding(result: ValueResult, _: Words) -> str:
    held = _named(result)
    share = _.percent(held["alpha"] / (held["alpha"] + held["beta"]), 1)
    return _("In a first period {share} leave on average", share=share)


def leavers_note(result: ValueResult, _: Words) -> str:
    return _("Share of all who begin by their own chance to leave in a period.")


def _bands(edges: Sequence[float], _: Words) -> list[str]:
    """Names of bands of shares."""
    inner = [_.span(_.percent(low), _.percent(high)) for low, high in itertools.pairwise(edges)]
    return [_("under {n}", n=_.percent(edges[0])), *inner, _("over {n}", n=_.percent(edges[-1]))]


def _bars(names: Sequence[str], shares: Sequence[float], title: str, _: Words) -> Spec:
    rows: Rows = [
        {"band": name, "share": share, "text": _.percent(share) if share >= 0.005 else "<1%"}
        for name, share in zip(names, shares, strict=True)
    ]
    base = chart_of(rows).encode(
        x=alt.X(
            "band:N",
            sort=None,
            axis=plain_axis(
                title,
                labelAngle=alt.ExprRef(f"{NARROW} ? -40 : 0"),
                labelAlign=alt.ExprRef(f"{NARROW} ? 'right' : 'center'"),
                labelBaseline=alt.ExprRef(f"{NARROW} ? 'middle' : 'top'"),
                labelOverlap=False,
            ),
            scale=alt.Scale(paddingInner=0.15, paddingOuter=0.1),
        ),
        y=alt.Y("share:Q", axis=value_axis(_, percent=True)),
        tooltip=[tooltip("band", title), tooltip("text", _("Customers"))],
    )
    bars = base.mark_bar(color=neutral("accent"), cornerRadiusEnd=2)
    return finish(alt.layer(bars, base.mark_text(dy=-9).encode(text="text:N")), _, height=HEIGHT)


# --- what each number means -----------------------------------------------------------------------------------------


def parameter_rows(result: ValueResult, _: Words) -> list[dict[str, str]]:
    """One row a parameter of the chosen model and of Gamma-Gamma: estimate, interval, and what it means."""
    rows = []
    for row in result.parameters.iter_rows(named=True):
        if row["model"] not in (result.model, "gamma_gamma"):
            continue
        missing = row["lo"] is None or row["hi"] is None
        rows.append(
            {
                _("Parameter"): f"{model_name(row['model'], _)} · {parameter_name(row['parameter'], _)}",
                _("Estimate"): _.number(row["estimate"], 3),
                _("{level} interval", level=level(result, _)): "–"
                if missing
                else _.span(_.number(row["lo"], 3), _.number(row["hi"], 3)),
                _("What it means"): _.phrase(f"value_parameter.{row['model']}.{row['parameter']}")
                if _.has_phrase(f"value_parameter.{row['model']}.{row['parameter']}")
                else _("How this trait moves the rate: above zero more, below zero less."),
            }
        )
    return rows


def parameter_name(code: str, _: Words) -> str:
    """Its letter as in the papers; of a covariate the letter that it shifts, and its own name."""
    greek = {"alpha": "α", "beta": "β", "gamma": "γ"}
    letter, mark, of = code.partition(" (")
    named = greek.get(letter, letter)
    return f"{named} · {_.label('field', of.removesuffix(')'))}" if mark else named
