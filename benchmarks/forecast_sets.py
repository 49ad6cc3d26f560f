"""What the forecasting benchmark forecasts: sets of series, their horizons and the days forecasts are made from.

Each set has two parts. ``report`` is what the benchmark tells of; ``tune`` is what rules and defaults were chosen on:
other series, or earlier origins of the same ones. Nothing of ``report`` was looked at to choose anything.

==============  ========================================================  =========  ==============================
set             report                                                    horizon    tune
==============  ========================================================  =========  ==============================
m4_weekly       60 of the 359 series (every sixth), the published test    13 weeks   60 others
online_retail   30 goods with the most revenue, daily quantity,           28 days    the next 30 goods
                4 origins 28 days apart
examples        Prophet's five daily and monthly series, 12 origins 28    28 days,   the 12 (6) origins before
                days apart or 6 origins 6 months apart                    6 months
world           30 products of the marketplace with the most revenue,     12 weeks   the next 30 products
                weekly quantity, 4 origins 12 weeks apart
world_daily     the same 30 daily (half of the days without a sale),      28 days    the next 30 products
                4 origins 28 days apart; not in the mean of the sets
superstore      (none)                                                    12 weeks   17 sub-categories, weekly
==============  ========================================================  =========  ==============================

The series are made here, by themselves: quantities net of returns, never below zero, zero where nothing was sold after
the first sale, and only whole periods.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import polars as pl

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
Part = Literal["report", "tune"]
RETAIL = ("online_retail", "world", "world_daily", "superstore")
IN_MEAN = ("m4_weekly", "online_retail", "examples", "world")
LAST_M4_WEEK = date(2016, 12, 26)  # the file has no dates: all series end together
_EXAMPLES = {
    "air_passengers": "month",
    "retail_sales": "month",
    "pedestrians_covid": "day",
    "wp_log_R": "day",
    "wp_log_peyton_manning": "day",
}


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One panel to forecast from several origins.

    Attributes
    ----------
    frame : unique_id, ds, y (Float64; null where not observed), sorted, on one grid; closed weekdays are not in it.
    origins : last period known; the next ``horizon`` (calendar) periods are forecast and compared.
    season : lag of the differences that scale errors, in open periods; 1 for weeks, as M4 has it.
    closed : weekdays (1 Monday) without any sale.
    measure : "quantity" or "value" (nothing is known of what it measures).
    """

    set_name: str
    name: str
    frequency: Literal["day", "week", "month"]
    horizon: int
    season: int
    frame: pl.DataFrame
    origins: tuple[date, ...]
    closed: tuple[int, ...] = ()
    measure: Literal["quantity", "value"] = "quantity"

    def known(self, origin: date) -> pl.DataFrame:
        return self.frame.filter(pl.col("ds") <= origin)

    def ahead(self, origin: date) -> pl.DataFrame:
        """unique_id, ds, y of the periods to forecast."""
        end = step(origin, self.horizon, self.frequency)
        return self.frame.filter((pl.col("ds") > origin) & (pl.col("ds") <= end))


def step(start: date, n: int, frequency: str) -> date:
    """The first day of the period ``n`` periods later."""
    if frequency == "month":
        month = start.year * 12 + start.month - 1 + n
        return date(month // 12, month % 12 + 1, 1)
    return start + timedelta(days=n * (7 if frequency == "week" else 1))


def tasks(set_name: str, part: Part = "report", *, all_m4: bool = False) -> Iterator[Task]:
    """The panels of a set. Raises ``FileNotFoundError`` where its data are not beside the repository."""
    if set_name == "m4_weekly":
        yield _m4(part, all_m4)
    else:
        makers: dict[str, Callable[[Part], Iterator[Task]]] = {
            "online_retail": _online_retail,
            "examples": _examples,
            "world": _world,
            "world_daily": _world_daily,
            "superstore": _superstore,
        }
        yield from makers[set_name](part)


def _origins(last: date, n: int, horizon: int, frequency: str, skip: int = 0) -> tuple[date, ...]:
    """``n`` origins one horizon apart, the last of them ``skip + 1`` horizons before the end."""
    return tuple(step(last, -horizon * (skip + back), frequency) for back in range(n, 0, -1))


def _m4(part: Part, everything: bool) -> Task:
    folder = SHARED / "m4_weekly"
    with (folder / "Weekly-train.csv").open() as train, (folder / "Weekly-test.csv").open() as test:
        known = [[float(cell) for cell in row[1:] if cell] for row in list(csv.reader(train))[1:]]
        ahead = [[float(cell) for cell in row[1:]] for row in list(csv.reader(test))[1:]]
    chosen = range(len(known)) if everything else range({"report": 0, "tune": 3}[part], len(known), 6)
    frames = []
    for place in chosen:
        y = known[place] + ahead[place]
        ds = [LAST_M4_WEEK - timedelta(weeks=len(y) - 1 - back) for back in range(len(y))]
        frames.append(pl.DataFrame({"unique_id": [f"W{place + 1:03}"] * len(y), "ds": ds, "y": y}))
    origin = LAST_M4_WEEK - timedelta(weeks=13)
    return Task("m4_weekly", "m4_weekly", "week", 13, 1, pl.concat(frames), (origin,), measure="value")


def _online_retail(part: Part) -> Iterator[Task]:
    lines = pl.read_parquet(SHARED / "online_retail" / "derived_online_retail.parquet")
    goods = lines.filter(pl.col("StockCode").str.contains(r"^\d{5}")).select(
        unique_id="StockCode",
        ds=pl.col("InvoiceDate").dt.date(),
        quantity="Quantity",
        revenue=pl.col("Quantity") * pl.col("UnitPrice"),
    )
    last = date(2011, 12, 8)  # the last day ends at noon
    days = pl.date_range(date(2010, 12, 1), last, "1d", eager=True)
    frame = _laid_out(goods, days.filter(days.dt.weekday() != 6), "1d", part)
    # Days on which nobody sold anything (Christmas to New Year) stay, with zeros: shops are shut on some days.
    yield Task("online_retail", "online_retail", "day", 28, 6, frame, _origins(last, 4, 28, "day"), closed=(6,))


def _examples(part: Part) -> Iterator[Task]:
    for name, frequency in _EXAMPLES.items():
        given = pl.read_csv(SHARED / "prophet_examples" / f"example_{name}.csv", eol_char="\n")
        if given.height == 0:  # a file of the old kind of line ends
            text = (SHARED / "prophet_examples" / f"example_{name}.csv").read_bytes().replace(b"\r", b"\n")
            given = pl.read_csv(text)
        series = given.select(pl.col("ds").str.to_date("%Y-%m-%d"), pl.col("y").cast(pl.Float64)).sort("ds")
        first, last = series["ds"].min(), series["ds"].max()
        assert isinstance(first, date)
        assert isinstance(last, date)
        grid = pl.date_range(first, last, "1mo" if frequency == "month" else "1d", eager=True).alias("ds")
        frame = grid.to_frame().join(series, on="ds", how="left", maintain_order="left")
        frame = frame.select(pl.lit(name).alias("unique_id"), "ds", "y")
        n, horizon, season = (6, 6, 12) if frequency == "month" else (12, 28, 7)
        origins = _origins(last, n, horizon, frequency, skip=0 if part == "report" else n)
        kind: Literal["day", "month"] = "month" if frequency == "month" else "day"
        yield Task("examples", name, kind, horizon, season, frame, origins, measure="value")


def _world(part: Part) -> Iterator[Task]:
    weeks = pl.date_range(date(2023, 1, 2), date(2026, 6, 22), "1w", eager=True)
    frame = _laid_out(_marketplace(), weeks, "1w", part)
    yield Task("world", "world", "week", 12, 1, frame, _origins(date(2026, 6, 22), 4, 12, "week"))


def _world_daily(part: Part) -> Iterator[Task]:
    days = pl.date_range(date(2023, 1, 1), date(2026, 6, 30), "1d", eager=True)
    frame = _laid_out(_marketplace(), days, "1d", part)
    yield Task("world_daily", "world_daily", "day", 28, 7, frame, _origins(date(2026, 6, 30), 4, 28, "day"))


def _superstore(part: Part) -> Iterator[Task]:
    if part == "report":
        return
    path = SHARED / "superstore" / "Sample - Superstore.csv"
    lines = pl.read_csv(path, encoding="utf8-lossy", infer_schema_length=None).select(
        unique_id="Sub-Category",
        ds=pl.col("Order Date").str.to_date("%d/%m/%y"),
        quantity="Quantity",
        revenue="Sales",
    )
    weeks = pl.date_range(date(2019, 1, 7), date(2022, 12, 19), "1w", eager=True)
    frame = _laid_out(lines, weeks, "1w", "report")
    yield Task("superstore", "superstore", "week", 12, 1, frame, _origins(weeks[-1], 4, 12, "week"))


def _marketplace() -> pl.DataFrame:
    lines = pl.read_parquet(ROOT / "sample_data" / "marketplace" / "transactions.parquet")
    return lines.select(
        unique_id="product_id",
        ds=pl.col("ordered_at").dt.date(),
        quantity="quantity",
        revenue=pl.col("amount").cast(pl.Float64),
    )


def _laid_out(lines: pl.DataFrame, starts: pl.Series, every: str, part: Part) -> pl.DataFrame:
    """Thirty goods (the most sold by revenue, or the next thirty) on one grid, from each one's first sale on."""
    ranked = lines.group_by("unique_id").agg(pl.col("revenue").sum()).sort("revenue", "unique_id", descending=True)
    chosen = ranked["unique_id"].to_list()[slice(0, 30) if part == "report" else slice(30, 60)]
    sums = (
        lines.filter(pl.col("unique_id").is_in(chosen))
        .group_by("unique_id", pl.col("ds").dt.truncate(every))
        .agg(y=pl.col("quantity").sum().cast(pl.Float64).clip(lower_bound=0.0))
    )
    first = sums.group_by("unique_id").agg(first=pl.col("ds").min())
    grid = first.join(starts.alias("ds").to_frame(), how="cross").filter(pl.col("ds") >= pl.col("first"))
    laid = grid.join(sums, on=["unique_id", "ds"], how="left")
    return laid.select("unique_id", "ds", pl.col("y").fill_null(0.0)).sort("unique_id", "ds")
