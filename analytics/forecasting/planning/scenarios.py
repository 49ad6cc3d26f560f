"""Scenarios of price, promotion and event: ratios on the baseline forecast, with what is not known about both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from analytics.calendar import special_days
from analytics.demand import DriverPanel, Frequency
from analytics.errors import AnalysisError, Caveat
from analytics.forecasting.planning.cells import controls
from analytics.forecasting.planning.response import ResponseResult
from analytics.forecasting.planning.spec import DemandScenario, PlanningSpec
from analytics.forecasting.planning.told import Posterior, Scope
from analytics.forecasting.spec import ForecastResult
from analytics.keys import derive_key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

AS_NOW = DemandScenario()
INTERVAL = 0.9
CURVE_STEPS = 25
RECENT_DAYS = 91
MEASURES = ("quantity", "revenue", "profit")


@dataclass(frozen=True, slots=True, eq=False)
class PriceToday:
    """What an item of a series is sold for: mean going price and usual discount of the last 91 days."""

    unit_id: str
    list_price: float
    usual_discount: float
    currency: str
    key: str

    @property
    def paid(self) -> float:
        return self.list_price * (1 - self.usual_discount)


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioResult:
    """Scenarios beside "as now" (place 0), over the whole horizon. ``_lo``, ``_hi``: the interval of the response.

    Attributes
    ----------
    scope, unit_id : whose response is used: the series' own, its group's, or that of all products.
    scenarios : place, told ("" or why it has no figures), at_edge (Boolean: a price or depth beyond what was seen is
        counted at the edge), and for quantity (items), revenue and profit (currency units; null where no price or no
        margin is known): total with _lo, _hi, and change (share of "as now") with _lo, _hi.
    periods : place, ds, ratio with ratio_lo, ratio_hi (to the baseline), quantity with quantity_lo, quantity_hi,
        revenue.
    versus : measure, difference (right less left) with lo, hi, chance (that it is above zero).
    price_curve : change (of the list price), quantity, revenue and profit ratios with _lo, _hi, inside the seen range.
    promotion_curve : depth, the same ratios on promoted days.
    left, right : the places set against each other.
    """

    spec: PlanningSpec
    scope: Scope
    unit_id: str
    unit: str
    currency: str
    frequency: Frequency
    price: PriceToday | None
    scenarios: pl.DataFrame
    periods: pl.DataFrame
    versus: pl.DataFrame
    price_curve: pl.DataFrame
    promotion_curve: pl.DataFrame
    left: int
    right: int
    key: str
    caveats: tuple[Caveat, ...]


def price_today(drivers: DriverPanel, unique_id: str) -> PriceToday:
    """The price of one series of ``drivers``.

    Raises ``AnalysisError("price_unknown")`` where nothing with a price was sold of late.
    """
    rows = drivers.frame.filter(pl.col("unique_id") == unique_id, pl.col("quantity") > 0)
    rows = rows.filter(pl.col("list_price") > 0, pl.col("ds") > drivers.as_of - timedelta(days=RECENT_DAYS))
    if rows.is_empty():
        raise AnalysisError("price_unknown")
    told = rows.select(
        listed=(pl.col("list_price") * pl.col("quantity")).sum() / pl.col("quantity").sum(),
        # The median period: one promotion among them does not make a usual discount.
        off=(1 - pl.col("paid_price") / pl.col("list_price")).median().clip(0.0, 0.9),
    ).row(0, named=True)
    key = derive_key("price_today", None, drivers.key, unique_id)
    return PriceToday(unique_id, told["listed"], told["off"] or 0.0, drivers.currency, key)


def play_scenarios(
    result: ForecastResult,
    response: ResponseResult | None,
    spec: PlanningSpec,
    scope: Scope = "all",
    unit_id: str = "",
    price: PriceToday | None = None,
) -> ScenarioResult:
    """What each scenario would do to the forecast ``result`` (in items), by the response of ``scope`` and ``unit_id``.

    Every possible future of the forecast is multiplied by a ratio drawn from what is known of the response; scenarios
    share futures and draws, so that a difference between two of them is not blurred by what both have in common.
    """
    import numpy as np

    played = _Played(result, response, spec, scope, unit_id, price)
    places = range(len(spec.scenarios) + 1)
    outcomes = [played.outcome(AS_NOW if place == 0 else spec.scenarios[place - 1]) for place in places]
    first_told = next((place for place in places if place and not outcomes[place].told), 1)
    left, right = (
        min(place, len(spec.scenarios)) for place in (spec.left, first_told if spec.right is None else spec.right)
    )
    rows = [played.row(place, outcomes[place], outcomes[0]) for place in places]
    periods = [played.period_rows(place, one) for place, one in enumerate(outcomes) if not one.told]
    versus = []
    if not (outcomes[left].told or outcomes[right].told):
        for measure in MEASURES:
            theirs, ours = (getattr(outcomes[place], measure) for place in (left, right))
            if theirs is None or ours is None:
                continue
            gap = (ours - theirs).sum(axis=1)
            low, high = np.quantile(gap, played.ends)
            chance = float((gap > 0).mean() + 0.5 * (gap == 0).mean())
            versus.append((measure, float(gap.mean()), float(low), float(high), chance))
    caveats = []
    if any(one.at_edge for one in outcomes):
        caveats.append(Caveat("scenario_at_edge", "watch", {}))
    if response is not None and (played.scope, played.unit_id) != (scope, unit_id):
        caveats.append(Caveat("response_borrowed", "note", {}))
    whole = {"measure": pl.String, **dict.fromkeys(("difference", "lo", "hi", "chance"), pl.Float64)}
    keys = [item.key for item in (result, response, price) if item is not None]
    return ScenarioResult(
        spec=spec,
        scope=played.scope,
        unit_id=played.unit_id,
        unit=result.unit,
        currency=price.currency if price else "",
        frequency=result.frequency,
        price=price,
        scenarios=pl.DataFrame(rows, schema=_schema(rows[0])),
        periods=pl.concat(periods),
        versus=pl.DataFrame(versus, schema=whole, orient="row"),
        price_curve=played.price_curve(),
        promotion_curve=played.promotion_curve(),
        left=left,
        right=right,
        key=derive_key("play_scenarios", spec, scope, unit_id, *keys),
        caveats=tuple(caveats),
    )


def _schema(row: dict[str, object]) -> dict[str, type[pl.DataType]]:
    kinds: dict[str, type[pl.DataType]] = {"place": pl.Int64, "told": pl.String, "at_edge": pl.Boolean}
    return {name: kinds.get(name, pl.Float64) for name in row}


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """One scenario in every drawn future: arrays (draws, periods); None where not known."""

    told: str
    at_edge: bool
    ratio: Floats
    quantity: Floats
    revenue: Floats | None
    profit: Floats | None


class _Played:
    """What all scenarios of one call share: futures, draws of the response, prices, the days of each period."""

    def __init__(
        self,
        result: ForecastResult,
        response: ResponseResult | None,
        spec: PlanningSpec,
        scope: Scope,
        unit_id: str,
        price: PriceToday | None,
    ) -> None:
        import numpy as np

        self.result, self.response, self.spec, self.price = result, response, spec, price
        self.scope, self.unit_id = response.of(scope, unit_id) if response is not None else (scope, unit_id)
        self.paths = np.asarray(result.paths, dtype=np.float64)
        tail = (1 - (response.spec.interval if response is not None else INTERVAL)) / 2
        self.ends = (tail, 1 - tail)
        self.starts = result.forecast["ds"].to_list()
        self.days = [_days_of(ds, result.frequency) for ds in self.starts]
        self.period_of_day = np.repeat(np.arange(len(self.days)), [len(days) for days in self.days])
        self.paid = price.paid if price is not None else None
        self.cost = None
        if self.paid is not None and spec.margin_share is not None:
            self.cost = self.paid * (1 - spec.margin_share)
        self.draws, self.chance, self.chance_event = self._drawn()

    def _posterior(self) -> Posterior | None:
        if self.response is None:
            return None
        held = (item for item in self.response.posteriors if (item.scope, item.unit_id) == (self.scope, self.unit_id))
        return next(held, None)

    def _drawn(self) -> tuple[dict[str, Floats], Floats, Floats]:
        """Draws of every coefficient, and of what one occasion differs by."""
        import numpy as np

        rng = np.random.default_rng([self.result.spec.random_state, 17])
        known, n = self._posterior(), len(self.paths)
        if known is None:
            return {}, np.zeros(n), np.zeros(n)
        cov = np.array(known.cov)
        values, vectors = np.linalg.eigh(cov)
        root = vectors * np.sqrt(values.clip(min=0.0))
        normal = rng.standard_normal((n, len(known.names)))
        drawn = np.array(known.mean) + normal @ root.T
        chance = rng.standard_normal((2, n)) * known.by_chance
        return {name: drawn[:, i] for i, name in enumerate(known.names)}, chance[0], chance[1]

    def _told(self, table: str, **chosen: object) -> dict[str, object] | None:
        if self.response is None:
            return None
        scope, unit = self.scope, self.unit_id
        if table == "events" and scope == "product":
            scope, unit = self.response.of("group", _group_of(self.response, unit))
        frame: pl.DataFrame = getattr(self.response, table)
        found = frame.filter(scope=scope, unit_id=unit, **chosen)
        return found.row(0, named=True) if found.height else None

    def outcome(self, scenario: DemandScenario) -> _Outcome:
        """The scenario in every drawn future."""
        import numpy as np

        n_days = len(self.period_of_day)
        log_ratio = np.zeros((len(self.paths), n_days))
        paid = np.full(n_days, self.paid if self.paid is not None else np.nan)
        told, at_edge = "", False
        if scenario.price_change:
            known = self._told("prices")
            told = told or ("no_response" if known is None else str(known["told"]))
            if known is not None and not told:
                low, high = float(known["lowest_ratio"]), float(known["highest_ratio"])  # type: ignore[arg-type]  # a value of a named row
                ratio = min(max(1 + scenario.price_change, low), high)
                at_edge |= abs(ratio - 1 - scenario.price_change) > 1e-9
                log_ratio += self.draws["price"][:, None] * math.log(ratio)
                paid *= ratio
        if scenario.discount:
            known = self._told("promotions")
            why = "no_response" if self.response is None else "few_promotions" if known is None else str(known["told"])
            told = told or why
            if not why:
                depth, edge = self._depth(scenario.discount)
                at_edge |= edge
                on = _span(scenario.promotion_from, scenario.promotion_days, n_days)
                log_ratio[:, on] += self._lift(depth)[:, None]
                if self.price is not None:
                    paid[on] *= (1 - max(depth, self.price.usual_discount)) / (1 - self.price.usual_discount)
        if scenario.event:
            known = self._told("events", event=scenario.event)
            why = "no_response" if self.response is None else "seen_once" if known is None else str(known["told"])
            told = told or why
            if not why:
                on = _span(scenario.event_from, scenario.event_days, n_days) & ~self._already(scenario.event)
                log_ratio[:, on] += (self.draws[scenario.event] + self.chance_event)[:, None]
        return self._counted(told, at_edge, np.exp(log_ratio), paid)

    def _counted(self, told: str, at_edge: bool, ratio: Floats, paid: Floats) -> _Outcome:
        """From days to periods."""
        import numpy as np

        n = len(self.days)
        share = np.zeros((len(self.period_of_day), n))
        share[np.arange(len(share)), self.period_of_day] = 1.0
        share /= share.sum(axis=0)
        by_period = ratio @ share
        quantity = self.paths * by_period
        revenue = profit = None
        if self.paid is not None:
            revenue = self.paths * ((ratio * paid) @ share)
            profit = self.paths * ((ratio * (paid - self.cost)) @ share) if self.cost is not None else None
        return _Outcome(told, at_edge, by_period, quantity, revenue, profit)

    def _depth(self, asked: float) -> tuple[float, bool]:
        assert self.response is not None
        seen = self.response.promotions.filter(scope=self.scope, unit_id=self.unit_id)["depth"]
        depth = min(max(asked, float(seen.min())), float(seen.max()))  # type: ignore[arg-type]  # a scalar: Polars types any literal
        return depth, abs(depth - asked) > 0.005

    def _lift(self, depth: float) -> Floats:
        return self.draws["jump"] - math.log1p(-depth) * self.draws["slope"] + self.chance

    def _already(self, event: str) -> npt.NDArray[np.bool_]:
        """Days of the horizon on which the baseline knows this event."""
        import numpy as np

        days = [day for period in self.days for day in period]
        known = special_days(controls(self.result.spec.calendar), "day", days[0].year, days[-1].year)
        # What is not in the forecast's own calendar is not in its baseline.
        own = {code for code, _ds in special_days(self.result.spec.calendar, "day", days[0].year, days[-1].year)}
        there = {ds for code, ds in known if code == event and code in own}
        return np.array([day in there for day in days])

    def row(self, place: int, one: _Outcome, now: _Outcome) -> dict[str, object]:
        import numpy as np

        row: dict[str, object] = {"place": place, "told": one.told, "at_edge": one.at_edge}
        for measure in MEASURES:
            held, before = getattr(one, measure), getattr(now, measure)
            names = (measure, f"{measure}_lo", f"{measure}_hi")
            changes = tuple(f"{measure}_change{end}" for end in ("", "_lo", "_hi"))
            row |= dict.fromkeys((*names, *changes), None)
            if held is None or one.told:
                continue
            total, base = held.sum(axis=1), before.sum(axis=1)
            low, high = np.quantile(total, self.ends)
            row |= dict(zip(names, (float(total.mean()), float(low), float(high)), strict=True))
            if place and base.mean() > 0:
                change = total / np.where(base > 0, base, np.nan) - 1
                low, high = np.nanquantile(change, self.ends)
                mean = float(total.mean() / base.mean() - 1)
                row |= dict(zip(changes, (mean, float(low), float(high)), strict=True))
        return row

    def period_rows(self, place: int, one: _Outcome) -> pl.DataFrame:
        import numpy as np

        ratio, quantity = (np.quantile(values, self.ends, axis=0) for values in (one.ratio, one.quantity))
        none = np.full(len(self.starts), np.nan)
        return pl.DataFrame(
            {
                "place": [place] * len(self.starts),
                "ds": self.starts,
                "ratio": one.ratio.mean(axis=0),
                "ratio_lo": ratio[0],
                "ratio_hi": ratio[1],
                "quantity": one.quantity.mean(axis=0),
                "quantity_lo": quantity[0],
                "quantity_hi": quantity[1],
                "revenue": one.revenue.mean(axis=0) if one.revenue is not None else none,
            }
        ).with_columns(pl.col("revenue").fill_nan(None))

    def price_curve(self) -> pl.DataFrame:
        """Ratios over the prices that were seen; empty where the response to price is not told."""
        import numpy as np

        known = self._told("prices")
        if known is None or known["told"]:
            return _curve("change", [], [], [], self)
        low, high = float(known["lowest_ratio"]), float(known["highest_ratio"])  # type: ignore[arg-type]  # a value of a named row
        ratios = np.unique(np.append(np.linspace(low, high, CURVE_STEPS), 1.0))
        drawn = [np.exp(self.draws["price"] * math.log(ratio)) for ratio in ratios]
        return _curve("change", ratios - 1, drawn, ratios, self)

    def promotion_curve(self) -> pl.DataFrame:
        """Ratios of a promoted day over the depths that were seen."""
        import numpy as np

        known = self._told("promotions")
        if known is None or known["told"] or self.response is None:
            return _curve("depth", [], [], [], self)
        seen = self.response.promotions.filter(scope=self.scope, unit_id=self.unit_id)["depth"]
        low, high = float(seen.min()), float(seen.max())  # type: ignore[arg-type]  # a scalar: Polars types any literal
        depths = np.unique(np.round(np.linspace(low, high, CURVE_STEPS), 3))
        usual = self.price.usual_discount if self.price is not None else 0.0
        paid = [(1 - max(float(depth), usual)) / (1 - usual) for depth in depths]
        return _curve("depth", depths, [np.exp(self._lift(float(depth))) for depth in depths], paid, self)


def _curve(
    name: str, at: Sequence[float] | Floats, ratios: list[Floats], paid: Sequence[float] | Floats, played: _Played
) -> pl.DataFrame:
    """Quantity, revenue and profit over those of now; profit only where a margin is assumed."""
    import numpy as np

    columns: dict[str, list[float | None]] = {name: [float(value) for value in at]}
    factors: dict[str, list[float | None]] = {
        "quantity": [1.0] * len(ratios),
        "revenue": [float(value) if played.paid is not None else None for value in paid],
        "profit": [None] * len(ratios),
    }
    if played.paid is not None and played.cost is not None and played.paid > played.cost:
        gain = played.paid - played.cost
        factors["profit"] = [(played.paid * float(value) - played.cost) / gain for value in paid]
    for measure, values in factors.items():
        for end in ("", "_lo", "_hi"):
            columns[f"{measure}{end}"] = []
        for ratio, factor in zip(ratios, values, strict=True):
            told = ratio * factor if factor is not None else None
            low, high = np.quantile(told, played.ends) if told is not None else (None, None)
            columns[measure].append(float(np.median(told)) if told is not None else None)
            columns[f"{measure}_lo"].append(None if low is None else float(low))
            columns[f"{measure}_hi"].append(None if high is None else float(high))
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))


def _group_of(response: ResponseResult, unit: str) -> str:
    found = response.products.filter(unit_id=unit)["group"].to_list()
    return str(found[0]) if found else ""


def _span(first: int, length: int, n_days: int) -> npt.NDArray[np.bool_]:
    import numpy as np

    number = np.arange(1, n_days + 1)
    return (number >= first) & (number < first + length)


def _days_of(ds: date, frequency: Frequency) -> list[date]:
    if frequency == "month":
        length = ((ds + timedelta(days=31)).replace(day=1) - ds).days
    else:
        length = 7 if frequency == "week" else 1
    return [ds + timedelta(days=i) for i in range(length)]
