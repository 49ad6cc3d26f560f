"""What is to come for each customer, whatever foretells it: a model of repeat buying, contracts, or a simple rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.btyd.model import RepeatModel
from analytics.progress import report
from analytics.value import past, portfolio
from analytics.value.checks import YEAR_DAYS
from analytics.value.clock import Clock
from analytics.value.fallback import RuleOutlook
from analytics.value.money import Money
from analytics.value.purchases import Purchases, Seen
from analytics.value.spec import Spread, ValueSpec
from analytics.value.spreads import cells, foresee, kinds
from analytics.value.subscription import Renewals, parameters_of
from analytics.value.trial import Trial, stray_at

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PARAMETERS = pl.Schema(
    {"model": pl.String(), "parameter": pl.String()}
    | {name: pl.Float64() for name in ("estimate", "lo", "hi", "se_log")}
)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """One entry per customer as of the end, whatever stands behind it; values discounted, times margin.

    ``p_alive`` is NaN where a simple rule cannot tell; ``worth`` is the value (without amounts the purchases) of the
    customer were they still active.
    """

    basis: Literal["repeat", "subscription", "rule"]
    model: str
    p_alive: Floats
    orders: Floats
    orders_lo: Floats
    orders_hi: Floats
    order_value: Floats | None
    value: Floats | None
    value_lo: Floats | None
    value_hi: Floats | None
    worth: Floats
    spread: Spread
    parameters: pl.DataFrame
    iso: pl.DataFrame


def by_model(spec: ValueSpec, purchases: Purchases, money: Money, trial: Trial) -> Forecast:
    assert trial.full is not None
    model, seen, z, name = trial.full, trial.now, trial.z_now, trial.full.name
    report(0.5, "value_fit")
    straying = stray_at(purchases, purchases.until, name, spec, trial.calendar, spec.horizon_days)
    report(0.6, "value_draws")
    horizon = seen.clock.span(purchases.until, purchases.until + spec.horizon_days)
    # Discounting runs by the calendar, however fast the clock.
    rate = np.log1p(spec.discount_rate_yearly) * spec.horizon_days / YEAR_DAYS / horizon
    like = kinds(seen.x, seen.t_x, seen.T, seen.mean_value, z)
    flat = money.flat if money.model is None else None
    outlook = foresee(
        model,
        money.model,
        flat,
        like,
        horizon,
        rate,
        common=straying.common,
        level=spec.level,
        n_draws=spec.n_draws,
        random_state=spec.random_state,
    )
    of, margin = like.of, spec.margin_share
    cell, _ = cells(seen.x, seen.T - seen.t_x)
    has_values = outlook.value is not None

    def spread_out(values: Floats | None, factor: float = 1.0) -> Floats | None:
        return None if values is None else values[of] * factor

    value_variance = spread_out(outlook.value_variance, margin**2)
    sensitivity = outlook.value_sensitivity
    n_parameters = outlook.orders_sensitivity.shape[1]
    spread = Spread(
        moments=pl.DataFrame(
            {
                "customer_id": purchases.ids,
                "cell": cell.astype(np.int32),
                "orders_variance": outlook.orders_variance[of],
                "clv_variance": np.zeros(len(of)) if value_variance is None else value_variance,
            }
        ),
        orders_sensitivity=outlook.orders_sensitivity.astype(np.float32)[of],
        clv_sensitivity=(
            np.zeros((len(of), n_parameters), dtype=np.float32)
            if sensitivity is None
            else (sensitivity * margin).astype(np.float32)[of]
        ),
        covariance=_together(model.log_covariance, None if money.model is None else money.model.log_covariance),
        common=straying.common,
        cell=straying.cell,
        n_cuts=straying.n_cuts,
    )
    mean = money.mean or 0.0

    def answer(x: Ints, t_x: Floats, T: Floats) -> tuple[Floats, Floats, Floats]:
        # The surface is that of a customer like the average one in all that is not x and t_x.
        own = None if z is None else np.tile(z.mean(axis=0), (len(x), 1))
        alive = model.p_alive(x, t_x, T, own)
        orders = model.expected_purchases(x, t_x, T, horizon, own)
        worth = model.discounted_purchases(x, t_x, T, horizon, rate, own) * mean * margin
        return alive, orders, worth if has_values else np.full(len(x), np.nan)

    return Forecast(
        basis="repeat",
        model=name,
        p_alive=outlook.p_alive[of],
        orders=outlook.orders[of],
        orders_lo=outlook.orders_lo[of],
        orders_hi=outlook.orders_hi[of],
        order_value=spread_out(outlook.order_value),
        value=spread_out(outlook.value, margin),
        value_lo=spread_out(outlook.value_lo, margin),
        value_hi=spread_out(outlook.value_hi, margin),
        worth=_if_active(outlook.orders if outlook.value is None else outlook.value * margin, outlook.p_alive)[of],
        spread=spread,
        parameters=_parameters(model, money, spec.level, trial.z_names),
        iso=portfolio.iso_value(seen.x, seen.T, spec.unit_days / 7, answer),
    )


def _if_active(value: Floats, p_alive: Floats) -> Floats:
    return np.divide(value, p_alive, out=np.zeros(len(value)), where=p_alive > 1e-9)


def _together(one: Floats, other: Floats | None) -> Floats:
    if other is None:
        return one
    joined = np.zeros((len(one) + len(other),) * 2)
    joined[: len(one), : len(one)] = one
    joined[len(one) :, len(one) :] = other
    return joined


def _parameters(model: RepeatModel, money: Money, level: float, z_names: Sequence[str]) -> pl.DataFrame:
    """See ``ValueResult.parameters``; intervals are symmetric on the log scale, for coefficients on their own."""
    from scipy.stats import norm

    z_score = float(norm.ppf(0.5 + level / 2))
    rows: list[tuple[str, str, float, float, float, float]] = []
    names = list(model.parameter_names)
    for i, name in enumerate(z_names):
        # Coefficients come as name_1, name_2, ... after the base: the covariate's own name says more.
        names = [one.removesuffix(f"_{i + 1}") + f" ({name})" if one.endswith(f"_{i + 1}") else one for one in names]
    told = [(model.name, names, model.parameters, model.log_covariance)]
    if money.model is not None:
        told.append(("gamma_gamma", ["p", "q", "gamma"], money.model.parameters, money.model.log_covariance))
    for which, own, values, covariance in told:
        errors = np.sqrt(np.maximum(np.diag(covariance), 0))
        for j, (name, value, error) in enumerate(zip(own, values, errors, strict=True)):
            if which != "gamma_gamma" and j >= 4:
                lo, hi = value - z_score * error, value + z_score * error
            else:
                lo, hi = value * np.exp(-z_score * error), value * np.exp(z_score * error)
            rows.append((which, name, float(value), float(lo), float(hi), float(error)))
    return pl.DataFrame(rows, schema=PARAMETERS, orient="row")


# ---- by what stands in


def by_rule(rule: RuleOutlook, now: Seen, spec: ValueSpec, purchases: Purchases) -> Forecast:
    # A rule's purchases come evenly over the horizon.
    yearly = np.log1p(spec.discount_rate_yearly)
    years = spec.horizon_days / YEAR_DAYS
    factor = spec.margin_share * (float(-np.expm1(-yearly * years) / (yearly * years)) if yearly > 0 else 1.0)
    n = len(now.x)

    def worth(values: Floats | None) -> Floats | None:
        return None if values is None else values * factor

    variance = np.zeros(n) if rule.value_variance is None else rule.value_variance * factor**2
    order_value = None
    if rule.value is not None:
        order_value = np.divide(rule.value, rule.orders, out=np.zeros(n), where=rule.orders > 0)
    plain = Clock(spec.unit_days)
    clocks = dict.fromkeys(past.earlier_cuts(purchases.first_day, purchases.until), plain)
    foretell = past.by_rule_of_thumb(purchases, rule.rule)
    straying = past.stray(purchases, foretell, clocks, purchases.until, spec.horizon_days)
    spread = Spread(
        moments=pl.DataFrame(
            {
                "customer_id": purchases.ids,
                "cell": cells(now.x, now.T - now.t_x)[0].astype(np.int32),
                "orders_variance": rule.orders_variance,
                "clv_variance": variance,
            }
        ),
        orders_sensitivity=np.zeros((n, 0), dtype=np.float32),
        clv_sensitivity=np.zeros((n, 0), dtype=np.float32),
        covariance=np.zeros((0, 0)),
        common=straying.common,
        cell=straying.cell,
        n_cuts=straying.n_cuts,
    )
    return Forecast(
        basis="rule",
        model="",
        p_alive=np.full(n, np.nan),
        orders=rule.orders,
        orders_lo=rule.orders_lo,
        orders_hi=rule.orders_hi,
        order_value=order_value,
        value=worth(rule.value),
        value_lo=worth(rule.value_lo),
        value_hi=worth(rule.value_hi),
        worth=rule.orders if rule.value is None else rule.value,
        spread=spread,
        parameters=pl.DataFrame(schema=PARAMETERS),
        iso=portfolio.no_surface(),
    )


def by_contracts(renewals: Renewals, now: Seen, spec: ValueSpec, ids: pl.Series) -> Forecast:
    has_values = renewals.value is not None
    factor = renewals.per_payment
    spread = Spread(
        moments=pl.DataFrame(
            {
                "customer_id": ids,
                "cell": np.zeros(len(ids), dtype=np.int32),
                "orders_variance": renewals.payments_variance,
                "clv_variance": renewals.payments_variance * factor**2 if has_values else np.zeros(len(ids)),
            }
        ),
        orders_sensitivity=renewals.sensitivity.astype(np.float32),
        clv_sensitivity=(renewals.sensitivity * factor[:, None]).astype(np.float32),
        covariance=renewals.model.log_covariance,
        common=0.0,
        cell=0.0,
        n_cuts=0,
    )
    return Forecast(
        basis="subscription",
        model="sbg",
        p_alive=renewals.p_alive,
        orders=renewals.payments,
        orders_lo=renewals.payments_lo,
        orders_hi=renewals.payments_hi,
        order_value=renewals.fee,
        value=renewals.value,
        value_lo=renewals.value_lo,
        value_hi=renewals.value_hi,
        worth=renewals.active,
        spread=spread,
        parameters=parameters_of(renewals.model, spec.level),
        iso=portfolio.no_surface(),
    )
