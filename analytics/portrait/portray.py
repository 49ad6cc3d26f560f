"""The verb: one customer's portrait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import polars as pl

from analytics.customers import CustomerLabels, CustomerScores, CustomerTable
from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.portrait.figures import key_figures
from analytics.portrait.moments import (
    measure_rhythm,
    read_campaigns,
    read_gaps,
    read_habits,
    read_orders,
    read_texts,
    tell_moments,
)
from analytics.portrait.rows import of_customer
from analytics.portrait.spec import Portrait, PortraitSpec
from analytics.schema import TABLES

_SPELLS = {"stage": pl.String, "start": pl.Date, "end": pl.Date}


class Favourites(Protocol):
    """Favourites of all customers: ``frame`` with customer_id, kind, level, base_share, is_fan."""

    @property
    def frame(self) -> pl.DataFrame: ...
    @property
    def key(self) -> str: ...


class History(Protocol):
    """A customer's stages: ``frame`` with day (the last of a period) and stage (at its end), in time order."""

    @property
    def frame(self) -> pl.DataFrame: ...
    @property
    def key(self) -> str: ...


def portray(
    dataset: Dataset,
    customers: CustomerTable | None,
    customer_id: str,
    spec: PortraitSpec,
    segments: CustomerLabels | None = None,
    margins: CustomerScores | None = None,
    stages: CustomerLabels | None = None,
    history: History | None = None,
    favourites: Favourites | None = None,
) -> Portrait:
    """Everything the tables say about one customer up to ``dataset.as_of``; tables that are missing say nothing.

    Parameters
    ----------
    customers : all customers, for the key figures and their places; None: no such figures.
    segments, margins, stages, history, favourites : what other analyses know, each left out when None.

    Raises ``AnalysisError``: customer_unknown (no table names this customer by ``dataset.as_of``; the message does not
    repeat the id), customer_not_chosen ("").
    """
    if not customer_id:
        raise AnalysisError("customer_not_chosen")
    mine = of_customer(dataset, customer_id)
    if not any(frame.height for frame in mine.tables.values()):
        raise AnalysisError("customer_unknown")
    priced = dataset.has("transactions.amount")
    orders = read_orders(mine, priced)
    gaps = read_gaps(orders)
    figures, rows = key_figures(mine, customers, customer_id)
    moments = tell_moments(mine, orders, spec)
    begin = moments["at"].min()
    given = [item.key for item in (customers, segments, margins, stages, history, favourites) if item is not None]
    return Portrait(
        customer_id=customer_id,
        spec=spec,
        as_of=dataset.as_of,
        currency=dataset.currency,
        first_day=begin.date() if isinstance(begin, datetime) else None,
        tables=_tables(mine, dataset),
        figures=figures,
        rows=rows,
        attributes=_attributes(customers, customer_id),
        habits=_compared(read_habits(mine), favourites, customer_id),
        moments=moments,
        gaps=gaps,
        rhythm=measure_rhythm(orders, gaps, dataset.as_of),
        texts=read_texts(mine),
        campaigns=read_campaigns(mine),
        label=_label(segments, customer_id),
        margin=_margin(margins, customer_id),
        stage=_label(stages, customer_id),
        spells=_spells(history),
        n_customers=0 if customers is None else customers.frame.height,
        caveats=tuple(_caveats(mine, figures)),
        key=derive_key("portray", (spec, customer_id), dataset.key, *given),
    )


def _tables(mine: Dataset, dataset: Dataset) -> pl.DataFrame:
    rows = []
    for name, frame in mine.tables.items():
        moment = TABLES[name].time_field
        if moment in frame.columns:
            when = frame[moment].cast(pl.Datetime("us"))
            since = dataset.tables[name].select(pl.col(moment).min().cast(pl.Datetime("us"))).item()
            rows.append((name, frame.height, when.min(), when.max(), since))
        else:
            rows.append((name, frame.height, None, None, None))
    moments = dict.fromkeys(("first", "last", "since"), pl.Datetime("us"))
    return pl.DataFrame(rows, schema=pl.Schema({"table": pl.String(), "n_rows": pl.Int64(), **moments}), orient="row")


def _attributes(customers: CustomerTable | None, customer_id: str) -> pl.DataFrame:
    schema = {"name": pl.String, "value": pl.String}
    if customers is None:
        return pl.DataFrame(schema=schema)
    found = customers.frame.filter(pl.col("customer_id") == customer_id)
    if found.is_empty():
        return pl.DataFrame(schema=schema)
    one = found.row(0, named=True)
    rows = [(name, _written(one[name])) for name in customers.attributes if one.get(name) is not None]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _label(labels: CustomerLabels | None, customer_id: str) -> str | None:
    if labels is None:
        return None
    found = labels.frame.filter(pl.col("customer_id") == customer_id)["label"]
    return found[0] if len(found) else None


def _margin(margins: CustomerScores | None, customer_id: str) -> float | None:
    if margins is None:
        return None
    found = margins.frame.filter(pl.col("customer_id") == customer_id)["value"]
    return None if not len(found) or found[0] is None else float(found[0])


def _compared(habits: pl.DataFrame, favourites: Favourites | None, customer_id: str) -> pl.DataFrame:
    schema = {"base_share": pl.Float64, "favourite": pl.Boolean}
    if favourites is None or favourites.frame.is_empty():
        return habits.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in schema.items())
    everybody = favourites.frame
    # What everybody orders stands with each customer whose favourite it is: any of them tells it.
    base = everybody.filter(pl.col("level").is_in(habits["level"].unique().implode()))
    base = base.select("kind", "level", base_share=pl.col("base_share").cast(pl.Float64))
    own = everybody.filter(pl.col("customer_id") == customer_id).select("kind", "level", favourite="is_fan")
    return habits.join(
        base.unique(["kind", "level"], keep="first", maintain_order=True),
        on=["kind", "level"],
        how="left",
        maintain_order="left",
    ).join(own, on=["kind", "level"], how="left", maintain_order="left")


def _spells(history: History | None) -> pl.DataFrame:
    """Neighbouring periods of one stage as one; each begins the day after the one before ended."""
    if history is None or history.frame.is_empty():
        return pl.DataFrame(schema=_SPELLS)
    steps = history.frame.select("stage", end="day").with_columns(
        start=pl.coalesce(pl.col("end").shift() + timedelta(days=1), pl.col("end").dt.month_start())
    )
    return (
        steps.with_columns(run=pl.col("stage").rle_id())
        .group_by("run", maintain_order=True)
        .agg(pl.col("stage").first(), pl.col("start").first(), pl.col("end").last())
        .select("stage", "start", "end")
    )


def _caveats(mine: Dataset, figures: pl.DataFrame) -> list[Caveat]:
    said = []
    if not mine.tables.get("transactions", pl.DataFrame()).height:
        said.append(Caveat("portrait_no_orders", "note"))
    absent = [name for name in ("events", "contacts", "feedback", "campaigns") if name not in mine.tables]
    if absent:
        said.append(Caveat("portrait_tables_missing", "note", {"n": len(absent), "of": 4}))
    return said
