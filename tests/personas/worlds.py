"""Small worlds for the tests of personas: customers with habits, contacts and feedback, planted or structureless."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from analytics.customers import CustomerLabels, CustomerTable, Trait
from analytics.dataset import Dataset

AS_OF = date(2026, 6, 30)
CATEGORIES = ("Books", "Groceries", "Toys", "")
CHANNELS = ("app", "store", "web")
REASONS = ("refund", "delivery", "account")
WARM = (
    "The tea tastes fresh and good.",
    "Delivery was faster than promised.",
    "包裝得非常用心，很滿意。",
    "價格很合理。",
)
COLD = (
    "The parcel came a week late.",
    "The zip was broken when it came.",
    "運費把折扣都吃掉了。",
    "客服一直沒有回覆。",
)


def world(
    n: int = 900, seed: int = 0, *, planted: bool = True, groups: int = 3, share: tuple[float, ...] = ()
) -> tuple[CustomerTable, CustomerLabels, Dataset]:
    """Group 1 (where planted) buys groceries in the app, calls about refunds and complains; all others are alike."""
    rng = np.random.default_rng(seed)
    group = rng.choice(np.arange(1, groups + 1), n, p=share or None)
    first = (group == 1) & planted
    ids = np.array([f"c{i:05d}" for i in rng.permutation(n)])
    lines = rng.poisson(6, n) + 1
    mix = np.array(
        [
            rng.multinomial(k, (0.1, 0.7, 0.1, 0.1) if f else (0.3, 0.3, 0.3, 0.1))
            for k, f in zip(lines, first, strict=True)
        ]
    )
    orders = rng.poisson(3, n) + 1
    ways = np.array(
        [rng.multinomial(k, (0.7, 0.2, 0.1) if f else (0.4, 0.3, 0.3)) for k, f in zip(orders, first, strict=True)]
    )
    frame = pl.DataFrame(
        {
            "customer_id": ids,
            "first_order_on": [date(2025, 1, 1) + timedelta(days=int(k)) for k in rng.integers(0, 300, n)],
            "n_orders": orders,
            "revenue": np.round(np.exp(rng.normal(6, 1, n)), 2),
            "age": [
                None if u < 0.05 else int(a)
                for u, a in zip(rng.random(n), rng.normal(40, 10, n) + 8 * first, strict=True)
            ],
            "gender": np.where(rng.random(n) < 0.5, "female", "male"),
            "city": rng.choice(["Taipei", "Tainan", "Hsinchu", "Penghu"], n, p=(0.5, 0.3, 0.18, 0.02)),
            "member": rng.random(n) < np.where(first, 0.6, 0.3),
            "trust": rng.integers(1, 6, n) // np.where(first, 2, 1),
        }
    )
    counts = {f"category_mix: {name}": mix[:, i] for i, name in enumerate(CATEGORIES)}
    counts |= {f"channel_mix: {name}": ways[:, i] for i, name in enumerate(CHANNELS)}
    frame = frame.with_columns(pl.Series(name, values, dtype=pl.Int32) for name, values in counts.items())
    frame = frame.sort("customer_id")
    traits = (
        Trait("n_orders", "behaviour", "number", ("n_orders",)),
        Trait("revenue", "behaviour", "number", ("revenue",)),
        Trait("age", "demographics", "number", ("age",)),
        Trait("gender", "demographics", "category", ("gender",)),
        Trait("city", "demographics", "category", ("city",)),
        Trait("member", "demographics", "flag", ("member",)),
        Trait("trust", "psychographics", "number", ("trust",)),
        Trait("category_mix", "needs", "counts", tuple(f"category_mix: {c}" for c in CATEGORIES), CATEGORIES),
        Trait("channel_mix", "needs", "counts", tuple(f"channel_mix: {c}" for c in CHANNELS), CHANNELS),
    )
    customers = CustomerTable(
        frame, AS_OF, "TWD", ("n_orders", "revenue"), ("age", "gender", "city", "member", "trust"),
        f"customers-{seed}-{n}-{planted}-{groups}", traits=traits,
    )  # fmt: skip
    members = pl.DataFrame({"customer_id": ids, "label": [str(g) for g in group]}).sort("customer_id")
    labels = CustomerLabels(members, tuple(str(i) for i in range(1, groups + 1)), "segment", f"labels-{seed}")
    dataset = Dataset.build(
        {"contacts": _contacts(rng, ids, first), "feedback": _feedback(rng, ids, first)}, as_of=AS_OF, currency="TWD"
    )
    return customers, labels, dataset


def _contacts(rng: np.random.Generator, ids: np.ndarray, first: np.ndarray) -> pl.DataFrame:
    rows = []
    for one, hit in zip(ids, first, strict=True):
        for reason, base in zip(REASONS, (0.15, 0.2, 0.1), strict=True):
            if rng.random() < (0.45 if hit and reason == "refund" else base):
                rows += [(one, datetime(2026, 1, 1), reason)] * int(rng.integers(1, 4))
    schema = {"customer_id": pl.String, "contacted_at": pl.Datetime("us"), "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _feedback(rng: np.random.Generator, ids: np.ndarray, first: np.ndarray) -> pl.DataFrame:
    rows = []
    for one, hit in zip(ids, first, strict=True):
        if rng.random() > 0.5:
            continue
        cold = rng.random() < (0.6 if hit else 0.25)
        text = rng.choice(COLD if cold else WARM)
        rating = float(rng.choice((1, 2) if cold else (4, 5)))
        language = "zh_TW" if text[0] > "\u3000" else "en"
        rows.append(
            (one, datetime(2026, 2, 1), "review", rating, language, f"{text} {rng.choice(('', 'OK.', '讚。'))}".strip())
        )
    schema = {
        "customer_id": pl.String, "written_at": pl.Datetime("us"), "source": pl.String, "rating": pl.Float64,
        "language": pl.String, "text": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")
