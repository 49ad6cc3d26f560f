"""All frames of the result, from what is to come and what the trial has shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.progress import report
from analytics.value import portfolio
from analytics.value.checks import YEAR_DAYS, compare_rules, no_weeks, rules_of_thumb
from analytics.value.choosing import model_table
from analytics.value.clock import Clock
from analytics.value.money import DOUBTFUL, Money
from analytics.value.outlook import Forecast
from analytics.value.purchases import Purchases, Seen, to_date
from analytics.value.spec import GROUPS, ValueResult, ValueSpec
from analytics.value.spreads import totals
from analytics.value.trial import Trial, Verdict

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LONG_HORIZON = 1.0  # times the history observed, from which on a horizon is far


def compose(
    dataset: Dataset,
    spec: ValueSpec,
    purchases: Purchases,
    now: Seen,
    money: Money,
    forecast: Forecast,
    trial: Trial | None,
    verdict: Verdict | None,
    why: AnalysisError | None,
    rule: str | None,
) -> ValueResult:
    report(0.88, "value_totals")
    n = len(now.x)
    measure = "orders" if forecast.value is None else "clv"
    amount = forecast.orders if forecast.value is None else forecast.value
    has_values = forecast.value is not None
    last_year = purchases.spent(purchases.until - YEAR_DAYS, purchases.until) if has_values else None
    # Where a rule cannot tell who is gone, nobody is called so.
    alive = np.where(np.isnan(forecast.p_alive), 1.0, forecast.p_alive)
    codes, high_from = portfolio.decide(alive, forecast.worth, spec.p_alive_threshold)
    customers = _customers(purchases, now, forecast, last_year, codes, n)
    groups = portfolio.group_table(codes, alive, amount, last_year, forecast.spread, spec.level, measure)
    everyone = np.zeros(n, dtype=np.int64)
    orders_total, orders_lo, orders_hi = totals(everyone, 1, forecast.orders, forecast.spread, spec.level, "orders")
    value_total = None
    if forecast.value is not None:
        value_total = totals(everyone, 1, forecast.value, forecast.spread, spec.level, "clv")
    days_since = purchases.until - now.last
    grid = portfolio.rfm_grid(days_since, now.x + 1, alive, forecast.value)
    if not has_values:
        groups = groups.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("clv", "clv_lo", "clv_hi"))
    if forecast.basis == "rule":
        grid, groups, customers = (
            frame.with_columns(p_alive=pl.lit(None, pl.Float64)) for frame in (grid, groups, customers)
        )
    lines = dataset.tables["transactions"]
    return ValueResult(
        spec=spec,
        basis=forecast.basis,
        model=forecast.model,
        choice=trial.choice if trial is not None and verdict is not None else "",
        fallback=rule,
        fallback_code=None if why is None else why.code,
        fallback_params=() if why is None else tuple(sorted(why.params.items())),
        calendar=trial is not None and verdict is not None and trial.calendar,
        covariates=trial.z_names if trial is not None and verdict is not None else (),
        has_values=has_values,
        currency=dataset.currency,
        first_day=to_date(purchases.first_day),
        calibration_until=to_date(purchases.until if trial is None else trial.cut),
        as_of=dataset.as_of,
        holdout_days=0 if trial is None else trial.days,
        horizon_days=spec.horizon_days,
        n_customers=n,
        n_repeat=int((now.x > 0).sum()),
        n_without_purchase=int(lines["customer_id"].drop_nulls().n_unique()) - n,
        correlation=money.correlation,
        independence_p=money.p_value,
        mean_order_value=money.mean,
        total_clv=None if value_total is None else float(value_total[0][0]),
        total_lo=None if value_total is None else float(value_total[1][0]),
        total_hi=None if value_total is None else float(value_total[2][0]),
        total_orders=float(orders_total[0]),
        orders_lo=float(orders_lo[0]),
        orders_hi=float(orders_hi[0]),
        grade=None if verdict is None else verdict.grade,
        grade_rule=_EMPTY["grade_rule"] if verdict is None else verdict.grade_rule,
        customers=customers,
        parameters=forecast.parameters,
        models=_EMPTY["models"] if trial is None else trial.table,
        tracking=_EMPTY["tracking"] if verdict is None else verdict.tracking,
        by_frequency=_EMPTY["by_frequency"] if verdict is None else verdict.by_frequency,
        deciles=_EMPTY["deciles"] if verdict is None else verdict.deciles,
        rules=_rules(trial, verdict),
        cohorts=_cohorts(customers, forecast, trial, verdict, spec),
        pareto=portfolio.pareto(amount),
        rfm_grid=grid,
        iso_value=forecast.iso,
        groups=groups,
        p_alive_threshold=spec.p_alive_threshold,
        worth_threshold=high_from,
        spread=forecast.spread,
        caveats=tuple(_caveats(spec, now, money, forecast, trial, verdict, why, rule, purchases)),
        key=derive_key("estimate_value", spec, dataset.key),
    )


def _customers(
    purchases: Purchases, now: Seen, forecast: Forecast, last_year: Floats | None, codes: Ints, n: int
) -> pl.DataFrame:
    first = pl.Series(now.first.astype(np.int32)).cast(pl.Date)
    plain = Clock(7.0)
    nothing = pl.Series([None] * n, dtype=pl.Float64)

    def told(values: Floats | None) -> pl.Series:
        return nothing if values is None else pl.Series(values)

    return pl.DataFrame(
        {
            "customer_id": purchases.ids,
            "n_purchases": now.x + 1,
            "x": now.x,
            "t_x_weeks": plain.between(now.first, now.last),
            "T_weeks": plain.between(now.first, now.until),
            "first_purchase_on": first,
            "last_purchase_on": pl.Series(now.last.astype(np.int32)).cast(pl.Date),
            "mean_repeat_value": told(now.mean_value),
            "p_alive": told(forecast.p_alive),
            "expected_orders": forecast.orders,
            "expected_orders_lo": forecast.orders_lo,
            "expected_orders_hi": forecast.orders_hi,
            "expected_order_value": told(forecast.order_value),
            "clv": told(forecast.value),
            "clv_lo": told(forecast.value_lo),
            "clv_hi": told(forecast.value_hi),
            "worth_if_active": told(forecast.worth),
            "value_last_year": told(last_year),
            "group": pl.Series(GROUPS).gather(pl.Series(codes)),
            "cohort": first.dt.truncate("1q"),
        }
    ).with_columns(pl.col("mean_repeat_value", "p_alive").fill_nan(None))


def _rules(trial: Trial | None, verdict: Verdict | None) -> pl.DataFrame:
    if verdict is not None:
        return verdict.rules
    if trial is None or trial.days < 1:
        return compare_rules({}, np.zeros(0, dtype=np.int64), None)
    return compare_rules(rules_of_thumb(trial.before, trial.seen, trial.days), trial.actual, trial.actual_value)


def _cohorts(
    customers: pl.DataFrame, forecast: Forecast, trial: Trial | None, verdict: Verdict | None, spec: ValueSpec
) -> pl.DataFrame:
    cohorts = customers["cohort"].unique().sort()
    codes, k = cohorts.search_sorted(customers["cohort"]).to_numpy().astype(np.int64), len(cohorts)
    n = np.bincount(codes, minlength=k)
    alive = np.bincount(codes, np.nan_to_num(forecast.p_alive), k) / n
    orders = np.bincount(codes, forecast.orders, k)
    value = lo = hi = None
    if forecast.value is not None:
        value, lo, hi = totals(codes, k, forecast.value, forecast.spread, spec.level, "clv")
    nothing = pl.Series([None] * k, dtype=pl.Float64)
    frame = pl.DataFrame(
        {
            "cohort": cohorts,
            "n_customers": n,
            "p_alive": nothing if forecast.basis == "rule" else pl.Series(alive),
            "expected_orders": orders,
            "clv": nothing if value is None else pl.Series(value),
            "clv_lo": nothing if lo is None else pl.Series(lo),
            "clv_hi": nothing if hi is None else pl.Series(hi),
        }
    )
    if trial is None or verdict is None:
        return frame.with_columns(
            pl.lit(None, pl.Float64).alias(name) for name in ("actual", "expected", "total_error")
        )
    first = pl.Series(trial.seen.first.astype(np.int32)).cast(pl.Date).dt.truncate("1q")
    checked = (
        pl.DataFrame({"cohort": first, "actual": trial.actual.astype(np.float64), "expected": verdict.expected})
        .group_by("cohort")
        .agg(pl.col("actual").sum(), pl.col("expected").sort().sum())
    )
    error = pl.when(pl.col("actual") > 0).then(pl.col("expected") / pl.col("actual") - 1)
    return frame.join(checked, on="cohort", how="left", maintain_order="left").with_columns(total_error=error)


def _caveats(
    spec: ValueSpec,
    now: Seen,
    money: Money,
    forecast: Forecast,
    trial: Trial | None,
    verdict: Verdict | None,
    why: AnalysisError | None,
    rule: str | None,
    purchases: Purchases,
) -> list[Caveat]:
    told: list[Caveat] = []
    span = purchases.until - purchases.first_day
    if forecast.basis == "subscription" and why is not None:
        told.append(Caveat("value_subscription", "note", dict(why.params)))
    if rule is not None:
        told.append(Caveat("value_rule", params={"rule": rule}))
    if forecast.value is None:
        told.append(Caveat("value_no_amounts"))
    elif money.failed is not None and forecast.basis == "repeat":
        told.append(Caveat("value_flat_orders", params={"mean": None if money.flat is None else round(money.flat, 2)}))
    if forecast.basis == "repeat" and money.correlation is not None and abs(money.correlation) >= DOUBTFUL:
        told.append(Caveat("value_dependence", params={"correlation": round(money.correlation, 2), "limit": DOUBTFUL}))
    if verdict is not None:
        values = dict(verdict.grade_rule.select("criterion", "value").iter_rows())
        limits = dict(verdict.grade_rule.select("criterion", "b_up_to").iter_rows())
        if values["against_rules"] is None or values["against_rules"] > limits["against_rules"]:
            orders = verdict.rules.filter(pl.col("rule") != "model", measure="orders").sort("rmse", "rule")
            told.append(
                Caveat("value_beaten", params={"rule": orders["rule"][0], "percent": _percent(values["against_rules"])})
            )
        error = verdict.rules.filter(rule="model", measure="orders")["total_error"][0]
        if error is not None and abs(error) > limits["total_error"]:
            code = "value_total_high" if error > 0 else "value_total_low"
            told.append(Caveat(code, params={"percent": _percent(abs(error))}))
    if forecast.model == "bg_nbd":
        told.append(Caveat("value_once_alive", "note", {"n": int((now.x == 0).sum())}))
    if forecast.basis == "repeat" and forecast.spread.n_cuts < 2:
        told.append(Caveat("value_few_periods", params={"n": forecast.spread.n_cuts}))
    if spec.horizon_days > LONG_HORIZON * span:
        told.append(Caveat("value_far", params={"horizon_days": spec.horizon_days, "days": span}))
    if trial is not None and spec.covariates and not trial.covariates:
        told.append(Caveat("value_covariates_dropped", "note", {"n": len(spec.covariates)}))
    return told


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)


def _empty() -> dict[str, pl.DataFrame]:
    numbers = {
        "grade_rule": ("value", "a_up_to", "b_up_to", "c_up_to"),
        "by_frequency": ("actual", "expected", "lo", "hi"),
        "deciles": ("actual", "expected", "actual_value", "expected_value", "gain"),
    }
    first: dict[str, dict[str, pl.DataType]] = {
        "grade_rule": {"criterion": pl.String()},
        "by_frequency": {"n_repeat": pl.Int64(), "n_customers": pl.Int64()},
        "deciles": {"decile": pl.Int64(), "n_customers": pl.Int64()},
    }
    frames = {
        name: pl.DataFrame(schema=first[name] | {column: pl.Float64() for column in columns})
        for name, columns in numbers.items()
    }
    frames["grade_rule"] = frames["grade_rule"].with_columns(grade=pl.lit(None, pl.String))
    frames["models"] = model_table([], None, 0.8)
    frames["tracking"] = no_weeks()
    return frames


_EMPTY = _empty()
