"""How far the future may lie from what is expected: one customer's, and many customers' together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.btyd.gamma_gamma import GammaGamma
from analytics.btyd.model import RepeatModel
from analytics.progress import report
from analytics.value.spec import Spread

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CHUNK = 25_000  # different histories drawn at once
STEP = 1e-3  # of the logarithm of a parameter
N_RECENCY = 4
FREQUENCY_FROM = np.array([0, 1, 2, 4, 7])  # repeats: cells are like in recency and frequency


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Customers of equal history, counted once.

    x, t_x, T, mean_value, z : one entry per different history, in the order of their values.
    of : the entry of each customer.
    """

    x: Ints
    t_x: Floats
    T: Floats
    mean_value: Floats | None
    z: Floats | None
    of: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """One entry per different history: expectations and how they spread; value before margin, discounted."""

    p_alive: Floats
    orders: Floats
    orders_lo: Floats
    orders_hi: Floats
    orders_variance: Floats
    orders_sensitivity: Floats
    order_value: Floats | None
    value: Floats | None
    value_lo: Floats | None
    value_hi: Floats | None
    value_variance: Floats | None
    value_sensitivity: Floats | None


def kinds(x: Ints, t_x: Floats, T: Floats, mean_value: Floats | None, z: Floats | None) -> Kinds:
    """The different histories among customers: a million customers are about half as many."""
    columns: dict[str, npt.NDArray[np.generic]] = {"x": x, "t_x": t_x, "T": T}
    if mean_value is not None:
        # Whoever bought once has no mean of repeats.
        columns["m"] = np.where(x > 0, mean_value, 0.0)
    if z is not None:
        columns |= {f"z{i}": z[:, i] for i in range(z.shape[1])}
    named = pl.DataFrame(columns).with_row_index("customer")
    names = list(columns)
    ordered = named.sort(names)
    begins = ordered.select(pl.struct(names).rle_id()).to_series().to_numpy().astype(np.int64)
    of = np.empty(len(x), dtype=np.int64)
    of[ordered["customer"].to_numpy()] = begins
    first = np.flatnonzero(np.diff(begins, prepend=-1))
    chosen = ordered["customer"].to_numpy()[first]
    return Kinds(
        x[chosen],
        t_x[chosen],
        T[chosen],
        None if mean_value is None else mean_value[chosen],
        None if z is None else z[chosen],
        of,
    )


def foresee(
    model: RepeatModel,
    money: GammaGamma | None,
    flat_value: float | None,
    seen: Kinds,
    horizon: float,
    rate_per_unit: float,
    *,
    common: float,
    level: float,
    n_draws: int,
    random_state: int,
) -> Outlook:
    """Expectation, interval, variance and sensitivity of each history, by exact formulas and by draws.

    Each draw has its own parameters (normal around the estimates, on the log scale), its own period (a log-normal
    factor on the rate of buying with relative standard deviation ``common``) and its own purchases and values, all
    from the model's posterior given the history: the interval holds process and parameters. Values of future orders:
    Gamma-Gamma (Fader & Hardie 2013), independent of how many they are; ``flat_value`` where it could not be fitted.
    """
    n = len(seen.x)
    expected = _purchases(model, seen, horizon)
    worth = _discounted(model, seen, horizon, rate_per_unit)
    per_order = _order_values(money, flat_value, seen)
    value = None if per_order is None else worth * per_order
    tail = (1 - level) / 2
    bounds = np.zeros((2, n))
    money_bounds = np.zeros((2, n))
    variance, money_variance = np.zeros(n), np.zeros(n)
    discount = np.divide(worth, expected, out=np.ones(n), where=expected > 0)
    for start in range(0, n, CHUNK):
        part = slice(start, min(start + CHUNK, n))
        counts, sums = _drawn(model, money, seen, part, horizon, common, n_draws, (random_state, start))
        bounds[:, part] = np.quantile(counts, [tail, 1 - tail], axis=0, method="inverted_cdf")
        variance[part] = counts.var(axis=0)
        if per_order is not None:
            spent = counts * per_order[part].astype(np.float32) if sums is None else sums
            spent = (spent * discount[part]).astype(np.float32)
            money_bounds[:, part] = np.quantile(spent, [tail, 1 - tail], axis=0)
            money_variance[part] = spent.astype(np.float64).var(axis=0)
        report(0.6 + 0.25 * (part.stop / n), "value_draws")
    sensitivity, money_sensitivity = _sensitivities(model, money, flat_value, seen, horizon, discount)
    told = value is not None
    return Outlook(
        p_alive=np.clip(model.p_alive(seen.x, seen.t_x, seen.T, seen.z), 0, 1),
        orders=expected,
        # An expectation is a mean: of who will most likely buy nothing it can lie above the whole interval.
        orders_lo=bounds[0],
        orders_hi=bounds[1],
        orders_variance=variance,
        orders_sensitivity=sensitivity,
        order_value=per_order,
        value=value,
        value_lo=money_bounds[0] if told else None,
        value_hi=money_bounds[1] if told else None,
        value_variance=money_variance if told else None,
        value_sensitivity=money_sensitivity if told else None,
    )


def _purchases(model: RepeatModel, seen: Kinds, horizon: float) -> Floats:
    return model.expected_purchases(seen.x, seen.t_x, seen.T, horizon, seen.z)


def _discounted(model: RepeatModel, seen: Kinds, horizon: float, rate: float) -> Floats:
    return model.discounted_purchases(seen.x, seen.t_x, seen.T, horizon, rate, seen.z)


def _order_values(money: GammaGamma | None, flat: float | None, seen: Kinds) -> Floats | None:
    if money is not None and seen.mean_value is not None:
        return money.expected_value(seen.x, seen.mean_value)
    return None if flat is None else np.full(len(seen.x), flat)


def _drawn(
    model: RepeatModel,
    money: GammaGamma | None,
    seen: Kinds,
    part: slice,
    horizon: float,
    common: float,
    n_draws: int,
    seed: tuple[int, int],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32] | None]:
    """n_draws x customers: purchases, and what they are worth in all."""
    rng = np.random.default_rng(seed)
    given = seen.x[part], seen.t_x[part], seen.T[part]
    z = None if seen.z is None else seen.z[part]
    counts = np.zeros((n_draws, len(given[0])), dtype=np.int32)
    sums = None if money is None else np.zeros(counts.shape, dtype=np.float32)
    # The parameters and the periods of a draw are the same for every part: errors of parts go together.
    shared = np.random.default_rng(seed[0])
    purchase_parameters = draw_parameters(model, n_draws, shared)
    money_parameters = None if money is None else _lognormal(money.parameters, money.log_covariance, n_draws, shared)
    width = np.sqrt(np.log1p(common**2))
    periods = np.exp(width * shared.standard_normal(n_draws) - width**2 / 2)
    for k in range(n_draws):
        drawn = model.with_parameters(purchase_parameters[k])
        counts[k] = drawn_once(drawn, *given, float(horizon * periods[k]), rng, z)
        if sums is not None and money is not None and money_parameters is not None and seen.mean_value is not None:
            own = money.with_parameters(money_parameters[k])
            sums[k] = own.draw_value(given[0], seen.mean_value[part], counts[k], rng)
    return counts, sums


def drawn_once(
    model: RepeatModel, x: Ints, t_x: Floats, T: Floats, horizon: float, rng: np.random.Generator, z: Floats | None
) -> Ints:
    """One draw; a lifetime too long for a number is endless, not a warning."""
    with np.errstate(over="ignore", divide="ignore"):
        return model.draw_purchases(x, t_x, T, horizon, rng, z)


def draw_parameters(model: RepeatModel, n_draws: int, rng: np.random.Generator) -> Floats:
    """n_draws x k: log-normal around the estimates; coefficients of covariates normal."""
    n_base = len(model.parameters) - n_coefficients(model)
    steps = _steps(model.log_covariance, n_draws, rng)
    drawn = np.tile(model.parameters, (n_draws, 1))
    drawn[:, :n_base] *= np.exp(steps[:, :n_base])
    drawn[:, n_base:] += steps[:, n_base:]
    return drawn


def n_coefficients(model: RepeatModel) -> int:
    """How many of the parameters are coefficients of covariates, which may be negative."""
    return len(model.parameters) - 4


def _lognormal(parameters: Floats, covariance: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
    drawn: Floats = parameters * np.exp(_steps(covariance, n_draws, rng))
    return drawn


def _steps(covariance: Floats, n_draws: int, rng: np.random.Generator) -> Floats:
    # By eigenvalues: a covariance at the edge of the possible may be a little short of positive definite. A step is
    # held within a factor of e, so that a parameter nearly unknown cannot carry a draw out of all proportion.
    values, vectors = np.linalg.eigh(np.nan_to_num(covariance))
    steps = rng.standard_normal((n_draws, len(values))) * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    held: Floats = np.clip(steps, -1.0, 1.0)
    return held


def _sensitivities(
    model: RepeatModel, money: GammaGamma | None, flat: float | None, seen: Kinds, horizon: float, discount: Floats
) -> tuple[Floats, Floats]:
    """n x k: change of expected purchases, and of discounted value, per unit of each parameter's logarithm."""
    n_base = len(model.parameters) - n_coefficients(model)
    n_money = 0 if money is None else len(money.parameters)
    n, k = len(seen.x), len(model.parameters)
    orders, value = np.zeros((n, k + n_money)), np.zeros((n, k + n_money))
    per_order = _order_values(money, flat, seen)
    for j in range(k):
        sides = []
        for sign in (1.0, -1.0):
            moved = model.parameters.copy()
            moved[j] = moved[j] * np.exp(sign * STEP) if j < n_base else moved[j] + sign * STEP
            sides.append(_purchases(model.with_parameters(moved), seen, horizon))
        orders[:, j] = (sides[0] - sides[1]) / (2 * STEP)
    if per_order is not None:
        value[:, :k] = orders[:, :k] * (discount * per_order)[:, None]
    if money is not None and seen.mean_value is not None:
        worth = _purchases(model, seen, horizon) * discount
        for j in range(n_money):
            ends = []
            for sign in (1.0, -1.0):
                moved = money.parameters.copy()
                moved[j] *= np.exp(sign * STEP)
                ends.append(money.with_parameters(moved).expected_value(seen.x, seen.mean_value))
            value[:, k + j] = worth * (ends[0] - ends[1]) / (2 * STEP)
    return orders, value


def total_interval(mean: float, variance: float, level: float) -> tuple[float, float]:
    """Bounds of a total that cannot be negative: a gamma distribution of this mean and variance."""
    from scipy.stats import gamma

    if mean <= 0:
        return 0.0, 0.0
    if variance <= 0:
        return mean, mean
    tail = (1 - level) / 2
    shape = mean**2 / variance
    lo, hi = gamma.ppf([tail, 1 - tail], shape, scale=variance / mean)
    return float(min(lo, mean)), float(max(hi, mean))


def count_interval(mean: float, variance: float, level: float) -> tuple[float, float]:
    """Bounds of a number of purchases: a negative binomial of this mean and variance (Poisson where it is no wider).

    Whole numbers, as a small group may well buy nothing.
    """
    from scipy.stats import nbinom, poisson

    if mean <= 0:
        return 0.0, 0.0
    tails = [(1 - level) / 2, (1 + level) / 2]
    if variance > mean * (1 + 1e-6):
        lo, hi = nbinom.ppf(tails, mean**2 / (variance - mean), mean / variance)
    else:
        lo, hi = poisson.ppf(tails, mean)
    return float(lo), float(hi)


def totals(
    group: Ints, n_groups: int, mean: Floats, spread: Spread, level: float, measure: str
) -> tuple[Floats, Floats, Floats]:
    """Total of each group and its bounds: what each customer may do, parameters, period and cells together.

    ``group`` is one entry per customer (negative: none); ``measure`` "orders" or "clv".
    """
    inside = group >= 0
    where, means = group[inside], mean[inside]
    total: Floats = np.bincount(where, means, n_groups).astype(np.float64)
    own = spread.moments[f"{measure}_variance"].to_numpy()[inside]
    variance: Floats = np.bincount(where, own, n_groups).astype(np.float64)
    matrix = spread.orders_sensitivity if measure == "orders" else spread.clv_sensitivity
    moved = (
        np.stack(
            [np.bincount(where, matrix[inside, j].astype(np.float64), n_groups) for j in range(matrix.shape[1])], axis=1
        )
        if matrix.shape[1]
        else np.zeros((n_groups, 0))
    )
    variance = variance + np.einsum("gi,ij,gj->g", moved, spread.covariance, moved)
    cell = spread.moments["cell"].to_numpy()[inside]
    n_cells = int(cell.max()) + 1 if len(cell) else 1
    by_cell = np.bincount(where * n_cells + cell, means, n_groups * n_cells).reshape(n_groups, n_cells)
    wider = few_periods(spread.n_cuts, level) ** 2
    variance += wider * (spread.common**2 * total**2 + spread.cell**2 * (by_cell**2).sum(axis=1))
    interval = count_interval if measure == "orders" else total_interval
    bounds = np.array([interval(float(m), float(v), level) for m, v in zip(total, variance, strict=True)])
    bounds = bounds.reshape(n_groups, 2)
    return total, bounds[:, 0], bounds[:, 1]


def few_periods(n_cuts: int, level: float) -> float:
    """How much wider a bound is for a variation known from few periods: Student's t to the normal."""
    from scipy.stats import norm, t

    upper = 0.5 + level / 2
    return float(t.ppf(upper, max(n_cuts, 1)) / norm.ppf(upper)) if n_cuts else 1.0


def cells(x: Ints, since: Floats) -> tuple[Ints, int]:
    """Cell of each customer: five classes of repeats by four of time since the last; and how many."""
    frequency = np.searchsorted(FREQUENCY_FROM, x, side="right") - 1
    edges = np.quantile(since, np.arange(1, N_RECENCY) / N_RECENCY) if len(since) else np.zeros(N_RECENCY - 1)
    recency = np.searchsorted(edges, since, side="left")
    return frequency * N_RECENCY + recency, len(FREQUENCY_FROM) * N_RECENCY
