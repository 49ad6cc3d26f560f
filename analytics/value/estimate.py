"""What each customer is likely to buy and to be worth: the verb."""

from __future__ import annotations

from analytics.dataset import Dataset
from analytics.errors import AnalysisError
from analytics.progress import report
from analytics.value.clock import Clock
from analytics.value.fallback import read_contracts, stand_in
from analytics.value.money import learn_money
from analytics.value.outlook import by_contracts, by_model, by_rule
from analytics.value.purchases import look, read_purchases
from analytics.value.result import compose
from analytics.value.spec import ValueResult, ValueSpec
from analytics.value.subscription import renew
from analytics.value.trial import judge, try_out

DEFAULT = ValueSpec()


def estimate_value(dataset: Dataset, spec: ValueSpec = DEFAULT) -> ValueResult:
    """What customers are likely to buy and to be worth over ``spec.horizon_days`` after the as-of date.

    The history is split in time; BG/NBD, MBG/NBD and Pareto/NBD are fitted on its first part and judged by the mean
    log score of the second; the chosen one is fitted again on everything. Order values are Gamma-Gamma. Where no such
    model can be told from the data, a subscription (sBG) or the best simple rule stands in, and the result says so.
    Fader, Hardie & Lee (2005); Batislam, Denizel & Filiztekin (2007); Schmittlein, Morrison & Colombo (1987); Fader &
    Hardie (2007, 2013).

    Raises ``AnalysisError``: ``fields_missing`` (customer_id, ordered_at), ``table_missing``, ``no_orders``,
    ``value_covariate_unknown``, and the reason why no model can be told (``btyd_...``, ``value_too_short``) where not
    even a simple rule can stand in.
    """
    report(0.0, "value_read")
    purchases = read_purchases(dataset, dataset.as_of)
    now = look(purchases, purchases.until, Clock(spec.unit_days))
    money = learn_money(purchases, now)
    why: AnalysisError | None = None
    contracts = read_contracts(dataset, purchases, now)
    if contracts is not None:
        why = AnalysisError("value_subscription", period_days=round(contracts.period_days, 1))
        try:
            renewed = by_contracts(renew(contracts, now, purchases, spec), now, spec, purchases.ids)
            return compose(dataset, spec, purchases, now, money, renewed, None, None, why, None)
        except AnalysisError as error:
            why = error
    trial = try_out(dataset, purchases, now, spec)
    why = why or trial.failure
    if trial.chosen is not None and contracts is None:
        before_money = learn_money(trial.before, trial.seen)
        verdict = judge(trial, spec, before_money.expected(trial.seen))
        forecast = by_model(spec, purchases, money, trial)
        return compose(dataset, spec, purchases, trial.now, money, forecast, trial, verdict, None, None)
    assert why is not None
    rule = stand_in(
        trial.before,
        purchases,
        trial.seen,
        now,
        trial.actual,
        trial.actual_value,
        trial.days,
        spec.horizon_days,
        spec.level,
        why,
    )
    forecast = by_rule(rule, now, spec, purchases)
    return compose(dataset, spec, purchases, now, money, forecast, trial, None, why, rule.rule)
