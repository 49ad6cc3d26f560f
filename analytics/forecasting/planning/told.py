"""What was learned, told: thresholds below which an effect is not shown, and the tables of those that are."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import polars as pl

from analytics.forecasting.planning.cells import Group
from analytics.forecasting.planning.spec import ResponseSpec

Scope = Literal["all", "group", "product"]
Told = Literal["", "few_prices", "few_promotions", "seen_once", "not_asked", "no_gain", "wrong_way"]
LEAST_PRICES = 3
LEAST_OCCASIONS = 3
LEAST_SEEN = 2


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known of one series' response: normal with ``mean`` and ``cov`` over ``names``.

    names : "price" (elasticity), "jump" and "slope" (of the logarithmic lift of a promotion: jump - slope x log(1 -
        depth)), then event codes. by_chance : standard deviation of the logarithmic effect between occasions.
    """

    scope: Scope
    unit_id: str
    names: tuple[str, ...]
    mean: tuple[float, ...]
    cov: tuple[tuple[float, ...], ...]
    by_chance: float


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """One group, or all of them (scope "all"): what is known of it and of its products.

    gain : effect -> (deviance saved on what was left out, its standard error, deviance without the effect).
    """

    name: str
    scope: Scope
    group: Group
    names: tuple[str, ...]
    posteriors: tuple[Posterior, ...]
    gain: dict[str, tuple[float, float, float]]
    n_seen: dict[str, int]
    n_occasions: int


def tabulate(
    item: Learned, spec: ResponseSpec, asked: set[str]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The tables prices, promotions, events and today of ``ResponseResult``; ``asked``: the calendar's own events."""
    import numpy as np
    from scipy.stats import t

    z = NormalDist().inv_cdf(0.5 + spec.interval / 2)
    freedom = max(int((item.group.today["n_prices"] >= LEAST_PRICES).sum()) - 1, 2)
    student = float(t.ppf(0.5 + spec.interval / 2, freedom)) / z
    price_rows, promotion_rows, event_rows, today_rows = [], [], [], []
    depths = _depths(item.group.depths)
    for one in item.posteriors:
        today = item.group.today
        if one.scope == "product":
            today = today.filter(unique_id=one.unit_id)
        mean, cov = np.array(one.mean), np.array(one.cov)
        summary = _today_of(today)
        today_rows.append({"scope": one.scope, "unit_id": one.unit_id, **summary})
        saved, error, without = item.gain["price"]
        told: Told = ""
        n_prices = int(today["n_prices"].max() or 0)  # type: ignore[arg-type]  # a scalar: Polars types any literal
        # A mean over k products is known with k - 1 degrees of freedom (Hartung & Knapp 2001).
        size = float(np.sqrt(cov[0, 0])) * student
        if n_prices < LEAST_PRICES:
            told = "few_prices"
        elif saved <= error or without <= 0:
            told = "no_gain"
        elif mean[0] >= 0:
            told = "wrong_way"
        price_rows.append(
            {
                "scope": one.scope,
                "unit_id": one.unit_id,
                "elasticity": float(mean[0]),
                "lo": float(mean[0] - z * size),
                "hi": float(mean[0] + z * size),
                "n_prices": n_prices,
                **_range(today),
                "gain_share": round(saved / without, 9) if without > 0 else 0.0,
                "told": told,
            }
        )
        saved, error, without = item.gain["promotion"]
        told = ""
        if item.n_occasions < LEAST_OCCASIONS:
            told = "few_promotions"
        elif saved <= error or without <= 0:
            told = "no_gain"
        for depth in depths:
            at = np.array([1.0, -np.log1p(-depth)])
            log_ratio = float(at @ mean[1:3])
            size = float(np.sqrt(at @ cov[1:3, 1:3] @ at + one.by_chance**2))
            promotion_rows.append(
                {
                    "scope": one.scope,
                    "unit_id": one.unit_id,
                    "depth": depth,
                    "ratio": float(np.exp(log_ratio)),
                    "lo": float(np.exp(log_ratio - z * size)),
                    "hi": float(np.exp(log_ratio + z * size)),
                    "n_occasions": item.n_occasions,
                    "gain_share": round(saved / without, 9) if without > 0 else 0.0,
                    "told": told,
                }
            )
        clear = _clear(one)
        for i, code in enumerate(one.names[3:], start=3):
            if one.scope == "product":
                break  # as its group's
            told = "" if item.n_seen.get(code, 0) >= LEAST_SEEN else "seen_once"
            if not told and code not in asked and code not in clear:
                told = "not_asked"
            size = float(np.sqrt(cov[i, i] + one.by_chance**2))  # the next time differs, as occasions do
            event_rows.append(
                {
                    "scope": one.scope,
                    "unit_id": one.unit_id,
                    "event": code,
                    "ratio": float(np.exp(mean[i])),
                    "lo": float(np.exp(mean[i] - z * size)),
                    "hi": float(np.exp(mean[i] + z * size)),
                    "n_seen": item.n_seen.get(code, 0),
                    "told": told,
                }
            )
    ends: dict[str, type[pl.DataType]] = {"lo": pl.Float64, "hi": pl.Float64}
    who: dict[str, type[pl.DataType]] = {"scope": pl.String, "unit_id": pl.String}
    gained: dict[str, type[pl.DataType]] = {"gain_share": pl.Float64, "told": pl.String}
    ratio: dict[str, type[pl.DataType]] = {"ratio": pl.Float64, **ends}
    seen: dict[str, type[pl.DataType]] = {
        "n_prices": pl.Int64,
        "lowest_ratio": pl.Float64,
        "highest_ratio": pl.Float64,
    }
    return (
        pl.DataFrame(price_rows, schema={**who, "elasticity": pl.Float64, **ends, **seen, **gained}),
        pl.DataFrame(promotion_rows, schema={**who, "depth": pl.Float64, **ratio, "n_occasions": pl.Int64, **gained}),
        pl.DataFrame(event_rows, schema={**who, "event": pl.String, **ratio, "n_seen": pl.Int64, "told": pl.String}),
        pl.DataFrame(
            today_rows,
            schema={
                **who,
                "list_price": pl.Float64,
                "usual_discount": pl.Float64,
                "recent": pl.Float64,
                "n_products": pl.Int64,
            },
        ),
    )


def _clear(one: Posterior) -> set[str]:
    """Events whose effect differs from none at 5 percent, over all of them together."""
    normal = NormalDist()
    sizes = [(one.cov[i][i] + one.by_chance**2) ** 0.5 for i in range(len(one.names))]
    p_values = {one.names[i]: 2 * normal.cdf(-abs(one.mean[i]) / sizes[i]) for i in range(3, len(one.names))}
    clear: set[str] = set()
    for rank, code in enumerate(sorted(p_values, key=p_values.__getitem__)):
        if p_values[code] > 0.05 / (len(p_values) - rank):
            break
        clear.add(code)
    return clear


def _depths(depths: pl.DataFrame) -> list[float]:
    """Five steps from the smallest depth seen to the largest."""
    import numpy as np

    if depths.is_empty():
        return []
    low, high = float(depths["depth"].min()), float(depths["depth"].max())  # type: ignore[arg-type]  # a scalar: Polars types any literal
    return sorted({round(float(depth), 3) for depth in np.linspace(low, high, 5)})


def _today_of(today: pl.DataFrame) -> dict[str, float]:
    """Mean price and usual discount by items sold of late."""
    import numpy as np

    weight = today["recent"].to_numpy() + 1e-9
    return {
        "list_price": float(np.average(today["list_price"].to_numpy(), weights=weight)),
        "usual_discount": float(np.average(today["usual_discount"].to_numpy(), weights=weight)),
        "recent": float(today["recent"].sum()),
        "n_products": today.height,
    }


def _range(today: pl.DataFrame) -> dict[str, float]:
    """The changes of price that were seen; of several products the middle ones', since all are to move alike."""
    moved = today.filter(pl.col("n_prices") >= LEAST_PRICES)
    if moved.is_empty():
        return {"lowest_ratio": 1.0, "highest_ratio": 1.0}
    return {
        "lowest_ratio": float(moved["lowest_ratio"].median()),  # type: ignore[arg-type]  # a scalar: Polars types any literal
        "highest_ratio": float(moved["highest_ratio"].median()),  # type: ignore[arg-type]  # a scalar: Polars types any literal
    }
