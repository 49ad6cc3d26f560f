"""What goes wrong for a group, counted in people: why they called, who gave a low rating, what they complain of."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from analytics.contrasts import MOST_LEVELS, PRIVACY_LIMIT, Contrast, share_contrast
from analytics.dataset import Dataset
from analytics.personas.guard import hidden_cells

CONTACT_REASON, LOW_RATING, FEEDBACK_TOPIC = "contact_reason", "low_rating", "feedback_topic"
FIELDS = (CONTACT_REASON, LOW_RATING, FEEDBACK_TOPIC)
LOW = 0.4  # of the scale, from its lowest to its highest rating given: 1 and 2 of five stars
TOPIC = "topic"  # a column of one's own in a feedback table


def count_pains(dataset: Dataset, members: pl.DataFrame, shown: Sequence[str]) -> tuple[list[Contrast], int]:
    """Contrasts of each pain in each group of ``members`` (customer_id, label), and how many were left out.

    Every figure counts people, so that one person's twenty calls are one.
    """
    found: list[Contrast] = []
    n_suppressed = 0
    for field, base, has in _kinds(dataset, members):
        levels = has.group_by("level").len().filter(pl.col("len") >= PRIVACY_LIMIT)
        for level in levels.sort("len", "level", descending=[True, False])["level"].head(MOST_LEVELS).to_list():
            mine = has.filter(pl.col("level") == level)
            table = base.group_by("label").len("n").join(mine.group_by("label").len("x"), on="label", how="left")
            counts = {label: (n, x or 0) for label, n, x in table.sort("label").select("label", "n", "x").iter_rows()}
            n_all, x_all = (sum(pair[i] for pair in counts.values()) for i in (0, 1))
            closed = hidden_cells({label: {"has": x, "lacks": n - x} for label, (n, x) in counts.items()})
            for label in shown:
                n, x = counts.get(label, (0, 0))
                contrast = share_contrast(label, field, level, x, n, x_all - x, n_all - n)
                if contrast is None or (label, "has") in closed or (label, "lacks") in closed:
                    n_suppressed += n > 0
                else:
                    found.append(contrast)
    return found, n_suppressed


def _kinds(dataset: Dataset, members: pl.DataFrame) -> list[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """field, the people asked about (customer_id, label), and who of them has it (customer_id, label, level)."""
    kinds = []
    if dataset.has("contacts.customer_id", "contacts.reason"):
        held = dataset.tables["contacts"].select("customer_id", level="reason").drop_nulls().unique()
        kinds.append((CONTACT_REASON, members, members.join(held, on="customer_id")))
    if dataset.has("feedback.customer_id", "feedback.rating"):
        rated = dataset.tables["feedback"].select("customer_id", "rating").drop_nulls()
        line = low_line(rated["rating"])
        low = rated.filter(pl.col("rating") <= line).select("customer_id", level=pl.lit("low")).unique()
        asked = members.join(rated.select("customer_id").unique(), on="customer_id")
        if line is not None:
            kinds.append((LOW_RATING, asked, asked.join(low, on="customer_id")))
    if dataset.has("feedback.customer_id", f"feedback.{TOPIC}", "feedback.rating"):
        written = dataset.tables["feedback"].select("customer_id", "rating", level=pl.col(TOPIC).cast(pl.String))
        written = written.drop_nulls()
        low = written.filter(pl.col("rating") <= low_line(written["rating"])).select("customer_id", "level").unique()
        asked = members.join(written.select("customer_id").unique(), on="customer_id")
        kinds.append((FEEDBACK_TOPIC, asked, asked.join(low, on="customer_id")))
    return kinds


def low_line(ratings: pl.Series) -> float | None:
    """Up to which rating one counts as low; None where all are alike."""
    least, most = ratings.min(), ratings.max()
    if least is None or most is None or least == most:
        return None
    return float(least) + LOW * (float(most) - float(least))  # type: ignore[arg-type]  # a scalar: Polars types any literal
