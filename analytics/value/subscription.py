"""Contracts: fees to come of who has not left, by the shifted-beta-geometric (Fader & Hardie 2007, 2010)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.btyd.sbg import Sbg, fit_sbg
from analytics.value.fallback import Contracts
from analytics.value.purchases import Purchases, Seen
from analytics.value.spec import ValueSpec

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

N_DRAWS = 100
INTRODUCTORY = 3  # payments
STEP = 1e-3
YEAR_DAYS = 365


@dataclass(frozen=True, slots=True, eq=False)
class Renewals:
    """One entry per customer of ``Seen``; values after margin, discounted; what has left pays no more.

    active : worth of the customer were they still there.
    """

    model: Sbg
    p_alive: Floats
    payments: Floats
    payments_lo: Floats
    payments_hi: Floats
    payments_variance: Floats
    sensitivity: Floats
    fee: Floats | None
    value: Floats | None
    value_lo: Floats | None
    value_hi: Floats | None
    active: Floats
    per_payment: Floats


def renew(contracts: Contracts, seen: Seen, money: Purchases, spec: ValueSpec) -> Renewals:
    """Fees within the horizon given the tenure so far. A customer's interval averages over draws of the parameters.

    Raises ``AnalysisError`` with the codes of ``btyd.sbg``.
    """
    model = fit_sbg(contracts.periods, contracts.has_left, contracts.entered)
    tenure, phase = contracts.tenure, contracts.phase_days
    due = np.floor((spec.horizon_days + phase) / contracts.period_days).astype(np.int64)
    most = int(due.max(initial=0))
    kinds, of = np.unique(tenure, return_inverse=True)
    ahead = np.arange(1, most + 1)
    stays = model.survival(ahead[None, :], kinds[:, None]) if most else np.zeros((len(kinds), 0))
    rng = np.random.default_rng(spec.random_state)
    drawn = np.zeros_like(stays)
    values, vectors = np.linalg.eigh(model.log_covariance)
    for _ in range(N_DRAWS):
        step = vectors @ (np.sqrt(np.maximum(values, 0)) * rng.standard_normal(2))
        other = model.with_parameters(model.parameters * np.exp(np.clip(step, -1, 1)))
        drawn += other.survival(ahead[None, :], kinds[:, None]) / N_DRAWS if most else 0.0
    daily = np.log1p(spec.discount_rate_yearly) / YEAR_DAYS
    weights = np.exp(-daily * contracts.period_days * ahead)
    payments = _until(stays)[of, due]
    discounted = _until(stays * weights)[of, due] * np.exp(daily * phase)
    squares = _until(stays * (2 * ahead - 1))[of, due]
    tail = (1 - spec.level) / 2
    # P(at least j fees) falls with j: the bound is the number of j that are likely enough.
    lo = np.minimum((drawn > 1 - tail).sum(axis=1)[of], due).astype(np.float64)
    hi = np.minimum((drawn > tail).sum(axis=1)[of], due).astype(np.float64)
    sides = []
    for j in range(2):
        moved = []
        for sign in (1, -1):
            parameters = model.parameters.copy()
            parameters[j] *= np.exp(sign * STEP)
            there = model.with_parameters(parameters).survival(ahead[None, :], kinds[:, None]) if most else stays
            moved.append(_until(there)[of, due])
        sides.append((moved[0] - moved[1]) / (2 * STEP))
    here = (~contracts.has_left).astype(np.float64)
    fee = None if money.amount is None else fees(money, seen)
    per_payment = np.divide(discounted, payments, out=np.ones(len(payments)), where=payments > 0)
    worth = per_payment * spec.margin_share * (np.ones(len(payments)) if fee is None else fee)
    expected = payments * here
    return Renewals(
        model=model,
        p_alive=here,
        payments=expected,
        payments_lo=lo * here,
        payments_hi=hi * here,
        payments_variance=np.maximum(squares - payments**2, 0) * here,
        sensitivity=np.stack(sides, axis=1) * here[:, None],
        fee=fee,
        value=None if fee is None else expected * worth,
        value_lo=None if fee is None else lo * here * worth,
        value_hi=None if fee is None else hi * here * worth,
        active=payments * worth,
        per_payment=worth,
    )


def fees(payments: Purchases, seen: Seen) -> Floats:
    """What each customer will pay per period, in whole currency units: the latest payment.

    The first ``INTRODUCTORY`` payments may be reduced: who has made no more takes the latest one times how much those
    who have made more pay now of what they paid then, over all of them.
    """
    assert payments.amount is not None
    known = payments.day <= seen.until
    row, amount = payments.row[known], payments.amount[known].astype(np.float64)
    starts = np.flatnonzero(np.diff(row, prepend=-1))
    counts = np.diff(np.append(starts, len(row)))
    latest = amount[starts + counts - 1]
    longer = counts > INTRODUCTORY
    factor = np.ones(len(counts))
    for made in range(1, INTRODUCTORY + 1):
        then = float(amount[starts[longer] + made - 1].sum())
        if then > 0:
            factor[counts == made] = float(latest[longer].sum()) / then
    return latest * factor / payments.scale


def _until(terms: Floats) -> Floats:
    """Sums of the first 0, 1, 2, ... terms."""
    return np.concatenate([np.zeros((len(terms), 1)), np.cumsum(terms, axis=1)], axis=1)


def parameters_of(model: Sbg, level: float) -> pl.DataFrame:
    from scipy.stats import norm

    z_score = float(norm.ppf(0.5 + level / 2))
    errors = np.sqrt(np.diag(model.log_covariance))
    return pl.DataFrame(
        {
            "model": ["sbg"] * 2,
            "parameter": list(model.parameter_names),
            "estimate": model.parameters,
            "lo": model.parameters * np.exp(-z_score * errors),
            "hi": model.parameters * np.exp(z_score * errors),
            "se_log": errors,
        }
    )
