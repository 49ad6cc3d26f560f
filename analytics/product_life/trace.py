"""``trace_products``: at which stage of its life every product is, and how it came there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from analytics.demand import DemandPanel
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.product_life.calendar_index import grain_of, season_of, shapes_of, trend_of
from analytics.product_life.filtering import Reading, read_lives
from analytics.product_life.regimes import Grid, build_grid
from analytics.product_life.spec import STAGES, Goods, ProductLifeResult, ProductLifeSpec
from analytics.progress import report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

WEEKS = 4  # to a period
MONTH_DAYS = 365.25 / 12
LEAST_PERIODS = 6
LEAST_SOLD, FEW_SOLD = 1.0, 10.0  # sales (or what is worth one): below the first nothing is said, below the second
# only what is sure
NEW_PERIODS = 2  # whole periods without a sale before the first one, for that to be a launch
LINE_POINTS = 12
ALL = ("not_launched", *STAGES)
COUNTS = ("items", "orders", "customers")
ABOUT_FORECASTS = ("panel_sparse",)
DEFAULT = ProductLifeSpec()


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """The panel as arrays over whole periods, products in rank order."""

    ids: tuple[str, ...]
    starts: tuple[date, ...]
    y: Floats  # (n, T), 0 where not observed
    days: Floats  # (n, T), days observed
    worth: Floats  # (n, T), revenue; y where it is not known
    per_year: int
    until: date


def trace_products(
    panel: DemandPanel,
    spec: ProductLifeSpec = DEFAULT,
    goods: Goods | None = None,
    worth: DemandPanel | None = None,
) -> ProductLifeResult:
    """Stage, pace and level of every series of ``panel``, read by ``regimes`` and ``filtering``.

    A product's stage is the most probable one given everything it sold so far; nothing after as-of has any part in it,
    nor, in ``stage_then`` and ``stage_before``, anything after their period but for the season and the trend of the
    typical product.

    Parameters
    ----------
    panel : weekly, daily or monthly series, one per product. goods : names and kinds.
    worth : revenue of the same products over the same periods, for shares.

    Raises ``AnalysisError``: ``product_life_too_short``.
    """
    import numpy as np

    key = derive_key("trace_products", spec, panel.key, goods.key if goods else "", worth.key if worth else "")
    laid = lay_out(panel, worth)
    periods = len(laid.starts)
    months = 1.0 if panel.frequency == "month" else 7 * WEEKS / MONTH_DAYS
    if periods < LEAST_PERIODS:
        raise AnalysisError("product_life_too_short", months=round(periods * months, 1), needed=LEAST_PERIODS)
    named = _named(laid.ids, goods, panel)
    plain = _in_sales(laid.y, laid.days / MONTH_DAYS, panel)
    season = season_of(plain, laid.days, named["category"].to_list(), laid.per_year)
    factor = np.ones_like(laid.y) if season is None else season
    trend = trend_of(plain, laid.days, laid.per_year) if spec.against == "typical" else None
    if trend is not None:
        factor = factor * np.exp(trend)
    exposure = laid.days / MONTH_DAYS * factor
    grain = np.ones(len(laid.ids)) if panel.unit in COUNTS else grain_of(laid.y, exposure)
    grain = np.maximum(grain, 1e-9)
    sales = laid.y / grain[:, None]
    shapes = shapes_of(sales, exposure)
    grid = build_grid(months, spec.steady_within)
    reading = read_lives(sales, exposure, shapes, grid)
    report(0.95, "product_life_reading")

    back = max(1, min(round(spec.compare_months / months), periods - 1))
    n_sold, best = sales.sum(axis=1), reading.then[:, -1, 1:].max(axis=1)
    enough = (n_sold >= FEW_SOLD) | ((n_sold >= LEAST_SOLD) & (best >= 0.5))
    history = _history(laid, reading, exposure, factor, grain, months)
    products = _products(laid, named, reading, grid, spec, exposure, sales, grain, enough, back, months)
    few = int((~enough).sum())
    caveats = [
        *(
            []
            if season is not None
            else [Caveat("product_life_no_season", "watch", {"months": round(periods * months)})]
        ),
        *([Caveat("product_life_few_sales", "note", {"n": few, "least": int(FEW_SOLD)})] if few else []),
        *_unsure(products, spec),
        *(caveat for caveat in panel.caveats if caveat.code not in ABOUT_FORECASTS),
    ]
    return ProductLifeResult(
        products=products,
        chances=_chances(laid.ids, reading, enough),
        history=history,
        stages=_stages(products),
        over_time=_over_time(history, laid),
        moves=_moves(products),
        hindsight=_hindsight(reading, enough, back, laid.per_year),
        measure=panel.measure,
        unit=panel.unit,
        currency=worth.unit if worth is not None else (panel.unit if panel.measure == "revenue" else ""),
        as_of=panel.as_of,
        first_day=laid.starts[0],
        compared_on=laid.starts[-1 - back],
        period_months=months,
        n_periods=periods,
        has_season=season is not None,
        typical_yearly=None if trend is None else float(np.expm1(trend[-1] - trend[-1 - laid.per_year])),
        spec=spec,
        key=key,
        caveats=tuple(caveats),
    )


# ---- arrays ------------------------------------------------------------------------------------------------------


def lay_out(panel: DemandPanel, worth: DemandPanel | None = None) -> Laid:
    """Whole periods of four weeks counted back from the panel's last day, or months."""
    import numpy as np

    frame = panel.frame
    first, last = frame["ds"].min(), frame["ds"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    if panel.frequency == "month":
        starts = pl.date_range(first, last, "1mo", eager=True).to_list()
        until = (last + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        at = (pl.col("ds").dt.year() - first.year) * 12 + pl.col("ds").dt.month() - first.month
        length = pl.col("ds").dt.month_end().dt.day().cast(pl.Float64)
        per_year = 12
    else:
        step = 7 if panel.frequency == "week" else 1
        until = last + timedelta(days=step - 1)
        n = ((until - first).days + 1) // (7 * WEEKS)
        starts = [until - timedelta(days=7 * WEEKS * (n - i) - 1) for i in range(n)]
        at = n - 1 - (pl.lit(until) - pl.col("ds") - pl.duration(days=step - 1)).dt.total_days() // (7 * WEEKS)
        length = pl.lit(float(step))
        per_year = 13
    ids = tuple(panel.members)
    row = {unique_id: i for i, unique_id in enumerate(ids)}

    def spread(held: pl.DataFrame) -> tuple[Floats, Floats]:
        y, days = np.zeros((len(ids), len(starts))), np.zeros((len(ids), len(starts)))
        seen = pl.col("y").is_not_null()
        sums = (
            held.filter(pl.col("unique_id").is_in(list(ids)))
            .with_columns(at=at)
            .filter(pl.col("at") >= 0)
            .group_by("unique_id", "at")
            .agg(
                y=pl.col("y").sum(),
                days=length.filter(seen).sum() if panel.frequency == "month" else seen.sum() * length,
            )
        )
        i = np.array([row[unique_id] for unique_id in sums["unique_id"]], dtype=np.int64)
        j = sums["at"].to_numpy().astype(np.int64)
        y[i, j], days[i, j] = sums["y"].to_numpy(), sums["days"].to_numpy()
        return y, days

    y, days = spread(frame)
    # Before its first line a series is not in the frame: it was observed, and nothing was sold.
    usual = np.array([(b - a).days for a, b in zip(starts, [*starts[1:], until + timedelta(days=1)], strict=True)])
    begun = np.cumsum(days > 0, axis=1) > 0
    opening = begun & (np.cumsum(begun, axis=1) == 1)
    days = np.where(begun & ~opening, days, usual)
    values = spread(worth.frame)[0] if worth is not None else y
    return Laid(ids, tuple(starts), np.maximum(y, 0.0), days, np.maximum(values, 0.0), per_year, until)


def _in_sales(y: Floats, months: Floats, panel: DemandPanel) -> Floats:
    import numpy as np

    grain = np.ones(len(y)) if panel.unit in COUNTS else np.maximum(grain_of(y, months), 1e-9)
    return np.asarray(y / grain[:, None], dtype=np.float64)


def _named(ids: tuple[str, ...], goods: Goods | None, panel: DemandPanel) -> pl.DataFrame:
    """unique_id, product, category of every series, in their order."""
    frame = pl.DataFrame({"unique_id": ids}, schema={"unique_id": pl.String})
    if goods is not None and panel.by == "product":
        frame = frame.join(goods.frame, on="unique_id", how="left", maintain_order="left")
    else:
        frame = frame.with_columns(product=pl.lit(""), category=pl.lit(""))
    name = pl.when(pl.col("product").fill_null("") == "").then("unique_id").otherwise("product")
    return frame.select("unique_id", product=name, category=pl.col("category").fill_null(""))


# ---- what is told ------------------------------------------------------------------------------------------------


def _products(
    laid: Laid,
    named: pl.DataFrame,
    reading: Reading,
    grid: Grid,
    spec: ProductLifeSpec,
    exposure: Floats,
    sales: Floats,
    grain: Floats,
    enough: npt.NDArray[np.bool_],
    back: int,
    months: float,
) -> pl.DataFrame:
    import numpy as np

    n, periods = sales.shape
    now, before = reading.then[:, -1], reading.then[:, -1 - back].argmax(axis=1)
    at = now[:, 1:].argmax(axis=1)
    gone = at == STAGES.index("discontinued")
    pace, low, high = (np.expm1(x) for x in pace_of(reading.regime, grid))
    rate = np.exp(reading.level[:, -1]) * grain
    wide = np.exp(1.96 * reading.spread[:, -1])
    path = (
        np.where(reading.by_now[:, :, 0] + reading.by_now[:, :, 5] < 0.5, np.exp(reading.level), 0.0) * grain[:, None]
    )
    peak_at = path.argmax(axis=1)
    peak = path[np.arange(n), peak_at]
    sold = sales > 0
    first = sold.argmax(axis=1)
    last = periods - 1 - sold[:, ::-1].argmax(axis=1)
    launched = (first >= NEW_PERIODS) & sold.any(axis=1)
    ahead = np.array([exposure[i, last[i] + 1 :].sum() for i in range(n)])
    # The last period is mostly a part of one, and the level already gives way before it.
    usual = np.maximum(last - 2, np.minimum(first, last))
    expected = np.exp(reading.level[np.arange(n), usual]) * ahead
    same = reading.by_now[:, :, 1:].argmax(axis=2) == at[:, None]
    since = periods - np.cumprod(same[:, ::-1], axis=1).sum(axis=1)
    year = laid.per_year
    recent = laid.y[:, -year:].sum(axis=1)
    year_before = laid.y[:, -2 * year : -year].sum(axis=1) if periods >= 2 * year else None
    value = laid.worth[:, -year:].sum(axis=1)
    starts = np.array(laid.starts, dtype="datetime64[D]")
    reach_low, reach_high = low, high
    steady = (reach_low > -2 * spec.steady_within) & (reach_high < 2 * spec.steady_within)
    codes = np.select(
        [~enough, at == 0, at == 1, at == 3, at == 4, steady],
        ["few_sales", "new", "rising", "falling", "nothing_sold", "steady"],
        default="no_direction",
    )
    frame = named.with_columns(
        stage=pl.Series([STAGES[i] for i in at], dtype=pl.String),
        probability=pl.Series(now[:, 1:].max(axis=1)),
        change_monthly=pl.Series(pace),
        change_lo=pl.Series(low),
        change_hi=pl.Series(high),
        rate_monthly=pl.Series(np.where(gone, 0.0, rate)),
        rate_lo=pl.Series(np.where(gone, 0.0, rate / wide)),
        rate_hi=pl.Series(np.where(gone, 0.0, rate * wide)),
        peak_monthly=pl.Series(peak),
        peak_on=pl.Series(starts[peak_at]),
        peak_share=pl.Series(np.where(gone | (peak <= 0), 0.0, np.minimum(rate / np.maximum(peak, 1e-12), 1.0))),
        first_sale_on=pl.Series(starts[first]),
        last_sale_on=pl.Series(starts[last]),
        age_months=pl.Series((periods - first) * months),
        silent_months=pl.Series((periods - 1 - last) * months),
        expected_since=pl.Series(expected * grain),
        stage_before=pl.Series([ALL[i] for i in before], dtype=pl.String),
        since=pl.Series(starts[np.minimum(since, periods - 1)]),
        recent_year=pl.Series(recent if periods >= year else np.full(n, np.nan)).fill_nan(None),
        year_before=pl.Series(np.full(n, np.nan) if year_before is None else year_before).fill_nan(None),
        worth_recent=pl.Series(value),
        reason=pl.Series(codes.tolist(), dtype=pl.String),
        line=pl.Series(_lines(laid.y), dtype=pl.List(pl.Float64)),
        enough=pl.Series(enough),
        gone=pl.Series(gone),
        launched=pl.Series(launched),
    )
    total = max(float(value.sum()), 1e-12)
    told = pl.col("enough")
    frame = frame.with_columns(
        pl.when(told).then(pl.col(name)).alias(name) for name in ("stage", "probability", "stage_before", "since")
    ).with_columns(
        pl.when(told & ~pl.col("gone")).then(pl.col(name)).alias(name)
        for name in ("change_monthly", "change_lo", "change_hi")
    )
    frame = frame.with_columns(
        sure=(pl.col("probability") >= spec.sure_from).fill_null(value=False),
        moved=(pl.col("stage") != pl.col("stage_before")).fill_null(value=False),
        sales_share=pl.col("worth_recent") / total,
        first_sale_on=pl.when("launched").then("first_sale_on"),
        age_months=pl.when("launched").then("age_months"),
    )
    return frame.drop("enough", "gone", "launched").sort("worth_recent", "unique_id", descending=[True, False])


def pace_of(regime: Floats, grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Median and 95 percent interval of the pace per month, in logarithms, among the regimes that sell.

    A regime stands for a stretch of paces, all of them as likely.
    """
    import numpy as np

    sells = (grid.stage >= 0) & (grid.stage < 4)
    weight = regime[:, sells]
    weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    low, high = grid.reach[sells, 0], grid.reach[sells, 1]
    paces = np.arange(low.min(), high.max() + 0.001, 0.002)
    below = np.clip((paces[:, None] - low) / (high - low), 0.0, 1.0)
    chance = weight @ below.T  # (n, paces), rising from 0 to 1

    def at(share: float) -> Floats:
        return np.asarray(paces[np.minimum((chance < share).sum(axis=1), len(paces) - 1)], dtype=np.float64)

    return at(0.5), at(0.025), at(0.975)


def _lines(y: Floats) -> list[list[float]]:
    """The last three years in twelve sums: a sparkline."""
    import numpy as np

    size = max(1, min(3, -(-y.shape[1] // LINE_POINTS)))
    n = min(LINE_POINTS, y.shape[1] // size)
    kept = y[:, y.shape[1] - n * size :].reshape(len(y), n, size).sum(axis=2)
    return [[float(value) for value in row] for row in np.round(kept, 6)]


def _history(
    laid: Laid, reading: Reading, exposure: Floats, factor: Floats, grain: Floats, months: float
) -> pl.DataFrame:
    import numpy as np

    n, periods = laid.y.shape
    on_sale = 1 - reading.by_now[:, :, 0] - reading.by_now[:, :, 5]
    shown = np.exp(reading.level) * exposure * grain[:, None]
    rate = np.where(on_sale > 0.5, shown, 0.0)
    wide = np.exp(1.96 * reading.spread)
    at = reading.by_now.argmax(axis=2)
    chance = reading.by_now.max(axis=2)
    return pl.DataFrame(
        {
            "unique_id": np.repeat(np.array(laid.ids, dtype=object), periods),
            "ds": np.tile(np.array(laid.starts, dtype="datetime64[D]"), n),
            "y": laid.y.ravel(),
            "season": factor.ravel(),
            "rate": rate.ravel(),
            "rate_lo": (rate / wide).ravel(),
            "rate_hi": (rate * wide).ravel(),
            "stage": [ALL[i] for i in at.ravel()],
            "chance": chance.ravel(),
            "stage_then": [ALL[i] for i in reading.then.argmax(axis=2).ravel()],
        },
        schema_overrides={"unique_id": pl.String},
    )


def _chances(ids: tuple[str, ...], reading: Reading, enough: npt.NDArray[np.bool_]) -> pl.DataFrame:
    now = reading.then[:, -1, 1:]
    now = now / now.sum(axis=1, keepdims=True)
    frame = pl.DataFrame(now, schema=list(STAGES)).with_columns(unique_id=pl.Series(ids, dtype=pl.String))
    frame = frame.filter(pl.Series(enough))
    return frame.unpivot(list(STAGES), index="unique_id", variable_name="stage", value_name="chance")


def _stages(products: pl.DataFrame) -> pl.DataFrame:
    order = pl.DataFrame({"stage": STAGES}, schema={"stage": pl.String})
    held = (
        products.drop_nulls("stage")
        .group_by("stage")
        .agg(
            n_products=pl.len().cast(pl.Int64),
            sales_share=pl.col("sales_share").sum(),
            recent_year=pl.col("recent_year").sum(),
            year_before=pl.when(pl.col("year_before").count() > 0).then(pl.col("year_before").sum()),
        )
    )
    frame = order.join(held, on="stage", how="left", maintain_order="left").with_columns(
        pl.col("n_products").fill_null(0), pl.col("sales_share", "recent_year").fill_null(0.0)
    )
    change = pl.when(pl.col("year_before") > 0).then(pl.col("recent_year") / pl.col("year_before") - 1)
    return frame.with_columns(change_share=change)


def _over_time(history: pl.DataFrame, laid: Laid) -> pl.DataFrame:
    held = history.with_columns(worth=pl.Series(laid.worth.ravel())).filter(pl.col("stage") != "not_launched")
    sums = held.group_by("ds", "stage").agg(
        n_products=pl.len().cast(pl.Int64), y=pl.col("y").sum(), worth=pl.col("worth").sum()
    )
    grid = held.select("ds").unique().join(pl.DataFrame({"stage": STAGES}), how="cross")
    order = pl.col("stage").replace_strict({stage: i for i, stage in enumerate(STAGES)}, return_dtype=pl.Int64)
    frame = grid.join(sums, on=["ds", "stage"], how="left").with_columns(
        pl.col("n_products").fill_null(0), pl.col("y", "worth").fill_null(0.0)
    )
    return frame.sort("ds", order)


def _moves(products: pl.DataFrame) -> pl.DataFrame:
    held = (
        products.drop_nulls("stage")
        .group_by("stage_before", "stage")
        .agg(n_products=pl.len().cast(pl.Int64), sales_share=pl.col("sales_share").sum())
    )
    places = {stage: i for i, stage in enumerate(ALL)}
    return held.sort(
        *(pl.col(name).replace_strict(places, return_dtype=pl.Int64) for name in ("stage_before", "stage"))
    )


def _hindsight(reading: Reading, enough: npt.NDArray[np.bool_], back: int, per_year: int) -> pl.DataFrame:
    """What was said of each product over a year that ended ``back`` periods ago, and whether it still looks so."""
    end = reading.then.shape[1] - back
    part = slice(max(0, end - per_year), end)
    then = reading.then[enough, part].argmax(axis=2)
    kept = then == reading.by_now[enough, part].argmax(axis=2)
    rows = [(stage, int((then == i + 1).sum()), int((kept & (then == i + 1)).sum())) for i, stage in enumerate(STAGES)]
    return pl.DataFrame(rows, schema={"stage": pl.String, "n": pl.Int64, "kept": pl.Int64}, orient="row")


def _unsure(products: pl.DataFrame, spec: ProductLifeSpec) -> list[Caveat]:
    told = products.drop_nulls("stage")
    unsure = told.filter(~pl.col("sure")).height
    if unsure * 4 <= told.height or not told.height:
        return []
    params = {"n": unsure, "n_products": told.height, "percent": round(100 * spec.sure_from)}
    return [Caveat("product_life_unsure", "note", params)]
