"""The streaming world: one seed, any number of subscribers, four served tables and the truth beside them.

What is planted stands in `streaming_service.py`. Subscribers are made in blocks of `BLOCK_SIZE`, each from its own
random streams, so a million need no more memory than one block, and the same seed and size always give the same rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sample_data.blocks import Frames, write_blocks, write_parameters, write_tables
from sample_data.seasons import END
from sample_data.seeds import Part, stream
from sample_data.streaming_service import (
    CALL_DAYS,
    CAUSES,
    CHANNELS,
    DECLINE_DAYS,
    DECLINE_DEPTHS,
    FIRST_DECLINE_DAY,
    MOST_RENEWALS,
    N_VOLUNTARY,
    PAYMENTS,
    PLANS,
    PROMOTION_MONTHS,
    RAMP_DAYS,
    START,
    TOPICS,
    TRIAL_CENTS,
    Service,
    compute_intensities,
    compute_renewals,
    draw_service,
)
from sample_data.streaming_subscribers import draw_subscribers, write_customers, write_fees, write_truth_of
from sample_data.streaming_use import GENRES, N_TITLES, draw_use

GENERATOR_VERSION = 1  # raise it when the same seed gives other rows
BLOCK_SIZE = 20_000
MIN_CUSTOMERS = 50
TABLES = ("customers", "events", "transactions", "contacts")
TRUTH_TABLES = ("subscribers", "lulls")


@dataclass(frozen=True, slots=True, eq=False)
class Streaming:
    """A whole world in memory: served tables, truth tables and parameters."""

    tables: Frames
    truth: Frames
    parameters: dict[str, Any]


def generate(customers: int, seed: int) -> Streaming:
    """Make a world in memory. For more than some 100,000 subscribers use `write`."""
    service = draw_service(seed)
    blocks = list(_draw_blocks(service, seed, customers))
    tables = {name: pl.concat([b[0][name] for b in blocks]) for name in TABLES}
    truth = {name: pl.concat([b[1][name] for b in blocks]) for name in TRUTH_TABLES}
    truth["hazards"] = describe_hazards(service)
    return Streaming(tables, truth, describe_parameters(service, customers, seed))


def write(customers: int, seed: int, out: Path) -> list[Path]:
    """Write a world under `out`: `streaming/` is to be served, `truth/streaming/` is to be kept apart."""
    served, apart = out / "streaming", out / "truth" / "streaming"
    service = draw_service(seed)
    written = write_blocks(_draw_blocks(service, seed, customers), ((served, TABLES), (apart, TRUTH_TABLES)))
    written += write_tables({"hazards": describe_hazards(service)}, apart)
    return [*written, write_parameters(describe_parameters(service, customers, seed), apart / "truth.json")]


def _draw_blocks(service: Service, seed: int, customers: int) -> Iterator[tuple[Frames, Frames]]:
    if customers < MIN_CUSTOMERS:
        raise ValueError(f"a world needs at least {MIN_CUSTOMERS} customers, got {customers}")
    for block, start in enumerate(range(0, customers, BLOCK_SIZE)):
        n = min(BLOCK_SIZE, customers - start)
        lives = stream(seed, Part.LIVES, block)
        people = draw_subscribers(stream(seed, Part.SUBSCRIBERS, block), lives, service, n, start + 1)
        use = draw_use(people, stream(seed, Part.PLAYS, block), stream(seed, Part.CALLS, block), service)
        tables = {
            "customers": write_customers(people),
            "events": use.events,
            "transactions": write_fees(people, stream(seed, Part.FEES, block), service),
            "contacts": use.contacts,
        }
        yield tables, {"subscribers": write_truth_of(people), "lulls": use.lulls}


def describe_hazards(service: Service) -> pl.DataFrame:
    """Return the planted intensities per renewal: of the first 24, by cause, plan, channel and payment method.

    Without frailty, use, and the price rise (for a contract that begins after it).
    """
    n = 24
    joined = np.full(1, (service.price_rises_on - START).days)
    renewals = compute_renewals(joined, n)
    rows = []
    for plan in range(len(PLANS)):
        for channel in range(len(CHANNELS)):
            for payment in range(len(PAYMENTS)):
                for cause, name in enumerate(CAUSES):
                    own = (np.array([plan]), np.array([channel]), np.array([payment]))
                    rows.append(
                        pl.DataFrame(
                            {
                                "renewal": np.arange(1, n + 1),
                                "intensity": np.round(compute_intensities(service, cause, *own, renewals)[0], 8),
                            }
                        ).with_columns(
                            pl.lit(PLANS[plan]).alias("plan"),
                            pl.lit(CHANNELS[channel]).alias("acquisition_channel"),
                            pl.lit(PAYMENTS[payment]).alias("payment_method"),
                            pl.lit(name).alias("cause"),
                        )
                    )
    return pl.concat(rows).select("plan", "acquisition_channel", "payment_method", "cause", "renewal", "intensity")


def describe_parameters(service: Service, customers: int, seed: int) -> dict[str, Any]:
    """Return every planted parameter as plain JSON values."""
    plain = {k: v.isoformat() if isinstance(v, date) else v for k, v in dataclasses.asdict(service).items()}
    return {
        "world": "streaming",
        "generator_version": GENERATOR_VERSION,
        "seed": seed,
        "customers": customers,
        "currency": "TWD",
        "first_day": START.isoformat(),
        "last_day": END.isoformat(),
        "orders_of_columns": {
            "plans": PLANS,
            "channels": CHANNELS,
            "payments": PAYMENTS,
            "causes": CAUSES,
            "topics": TOPICS,
            "genres": GENRES,
        },
        "service": plain,
        "constants": {
            "voluntary_causes": list(CAUSES[:N_VOLUNTARY]),
            "trial_cents": TRIAL_CENTS,
            "promotion_months": PROMOTION_MONTHS,
            "decline_days": list(DECLINE_DAYS),
            "decline_depths": list(DECLINE_DEPTHS),
            "ramp_days": RAMP_DAYS,
            "first_decline_day": FIRST_DECLINE_DAY,
            "call_days": CALL_DAYS,
            "most_renewals": MOST_RENEWALS,
            "titles": N_TITLES,
        },
    }
