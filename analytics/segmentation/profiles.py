"""What segments are like: their order, proposed names, sizes, profiles, overlaps and map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import Caveat
from analytics.segmentation.encoding import BEHAVIOUR
from analytics.segmentation.result import SWAPPING

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAP_COLUMNS, MAP_ROWS = 48, 26
PROFILE_FIELDS = 6


def display_order(frame: pl.DataFrame, index: Ints, n_segments: int) -> Ints:
    """Segment indices by revenue per customer, largest first; by size where there is no revenue."""
    sizes = np.bincount(index, minlength=n_segments)
    if "revenue" not in frame.columns or not frame["revenue"].count():
        return np.argsort(-sizes, kind="stable")
    revenue = frame["revenue"].cast(pl.Float64).fill_null(0.0).to_numpy()
    per_customer = np.bincount(index, weights=revenue, minlength=n_segments) / np.maximum(sizes, 1)
    return np.argsort(-per_customer, kind="stable")


def propose_names(labelled: pl.DataFrame, labels: list[str]) -> tuple[str, ...]:
    """A name code for each segment from where its median lies among all customers; each code once, else "group".

    Positions are mid-ranks (0-1). Each rule scores a segment; the highest score takes its name first.
    """
    fields = [name for name in ("recency_days", "n_orders", "mean_order_value", "tenure_days") if name in labelled]
    everyone = {name: np.sort(labelled[name].drop_nulls().cast(pl.Float64).to_numpy()) for name in fields}
    medians = labelled.group_by("label").agg(pl.col(fields).median()).rows_by_key("label", named=True, unique=True)
    scored = [
        (score, -i, name)
        for i, label in enumerate(labels)
        for name, score in _name_scores(_positions(medians.get(label, {}), everyone), medians.get(label, {}))
    ]
    codes: dict[int, str] = {}
    for _, i, name in sorted(scored, reverse=True):
        if -i not in codes and name not in codes.values():
            codes[-i] = name
    return tuple(codes.get(i, "group") for i in range(len(labels)))


def _positions(medians: dict[str, float | None], everyone: dict[str, Floats]) -> dict[str, float]:
    """Mid-ranks of a segment's medians; recency counted as recentness, so that more is more recent."""
    found = {}
    for name, values in everyone.items():
        median = medians.get(name)
        if median is not None and len(values):
            middle = (np.searchsorted(values, median, "left") + np.searchsorted(values, median, "right")) / 2
            found[name] = float(middle / len(values))
    if "recency_days" in found:
        found["recency_days"] = 1 - found["recency_days"]
    return found


def _name_scores(at: dict[str, float], medians: dict[str, float | None]) -> list[tuple[str, float]]:
    recent, often = at.get("recency_days"), at.get("n_orders")
    basket, tenure = at.get("mean_order_value"), at.get("tenure_days")
    scores: list[tuple[str, float]] = []
    if recent is not None and often is not None:
        if often >= 0.7 and recent >= 0.5:
            scores.append(("champions", often + recent - 0.5))
        if often >= 0.6 and recent >= 0.4:
            scores.append(("loyal", often + recent - 0.9))
        if recent <= 0.4:
            scores.append(("at_risk", often - recent) if often >= 0.5 else ("lapsed", 1.2 - often - recent))
            scores.append(("fading", 0.6 - recent))
        if often < 0.5:
            scores.append(("one_time", 0.3) if medians["n_orders"] == 1 else ("occasional", 0.7 - often))
        if tenure is not None and tenure <= 0.35 and recent >= 0.5:
            scores.append(("new", 0.5 + recent - tenure))
    if basket is not None and basket >= 0.7:
        scores.append(("big_baskets", basket - 0.2))
    if basket is not None and basket <= 0.3:
        scores.append(("small_baskets", 0.5 - basket))
    if at and max(abs(position - 0.5) for position in at.values()) <= 0.25:
        scores.append(("typical", 0.25))
    return scores


def sizes(labelled: pl.DataFrame, labels: list[str], codes: tuple[str, ...]) -> pl.DataFrame:
    """The frame ``SegmentationResult.sizes``; segments without customers keep a row of nulls and zeros."""
    columns = labelled.columns
    nothing = pl.lit(None, pl.Float64)
    revenue = pl.col("revenue").sum() if "revenue" in columns else nothing
    orders = pl.col("n_orders").cast(pl.Float64)
    per_order = (
        (pl.col("mean_order_value") * orders).sum() / orders.filter(pl.col("mean_order_value").is_not_null()).sum()
        if {"mean_order_value", "n_orders"} <= set(columns)
        else pl.col("mean_order_value").mean()
        if "mean_order_value" in columns
        else nothing
    )
    counted = labelled.group_by("label").agg(
        pl.len().cast(pl.Int64).alias("n_customers"),
        revenue.cast(pl.Float64).alias("revenue"),
        per_order.alias("mean_order_value"),
        *(
            (pl.col(name).median() if name in columns else nothing).cast(pl.Float64).alias(name)
            for name in ("recency_days", "n_orders")
        ),
    )
    every = pl.DataFrame({"label": labels, "name": list(codes)}, schema={"label": pl.String, "name": pl.String})
    joined = every.join(counted, on="label", how="left", maintain_order="left")
    total = pl.col("revenue").sum()
    return joined.with_columns(pl.col("n_customers").fill_null(0)).select(
        "label",
        "name",
        "n_customers",
        (pl.col("n_customers") / pl.col("n_customers").sum()).alias("customer_share"),
        "revenue",
        pl.when(total > 0).then(pl.col("revenue") / total).alias("revenue_share"),
        "mean_order_value",
        "recency_days",
        "n_orders",
    )


def profile_fields(customers: CustomerTable, frame: pl.DataFrame, used: list[str]) -> list[str]:
    """What the profile shows: the features used, then other known behaviour; nothing without values.

    Six in all, unless more features were used; eight at most."""
    order = {name: i for i, name in enumerate(BEHAVIOUR)}
    others = sorted((m for m in customers.measures if m in order and m not in used), key=lambda name: order[name])
    numeric = [name for name in (*used, *others) if name in frame.columns and frame[name].count()]
    return numeric[: min(8, max(PROFILE_FIELDS, len(used)))]


def profiles(labelled: pl.DataFrame, labels: list[str], fields: list[str]) -> pl.DataFrame:
    """The frame ``SegmentationResult.profiles``, in display order and then in that of ``fields``."""
    values = labelled.select("label", pl.col(fields).cast(pl.Float64))
    quarters = [(pl.col(fields).quantile(q, "linear").name.suffix(f"_q{q}")) for q in (0.25, 0.5, 0.75)]
    everyone = values.select(*quarters, pl.col(fields).std().name.suffix("_sd")).row(0, named=True)
    rows = []
    for label in labels:
        segment = values.filter(pl.col("label") == label)
        for field in fields:
            held = np.sort(segment[field].drop_nulls().to_numpy())
            if not len(held):
                continue
            q25, median, q75 = np.quantile(held, [0.25, 0.5, 0.75])
            low, high = median_interval(held)
            all_median = everyone[f"{field}_q0.5"]
            deviation = (everyone[f"{field}_q0.75"] - everyone[f"{field}_q0.25"]) / 1.349 or everyone[f"{field}_sd"]
            z = (median - all_median) / deviation if deviation else 0.0
            rows.append((label, field, median, q25, q75, low, high, all_median, z))
    numbers = dict.fromkeys(("median", "q25", "q75", "lo", "hi", "median_all", "z"), pl.Float64)
    return pl.DataFrame(rows, schema={"label": pl.String, "field": pl.String, **numbers}, orient="row")


def median_interval(ordered: Floats) -> tuple[float, float]:
    """95 % interval of the median from order statistics (normal approximation of the binomial); no distribution."""
    n = len(ordered)
    reach = 1.96 * np.sqrt(n) / 2
    low, high = int(np.floor(n / 2 - reach)), int(np.ceil(n / 2 + reach))
    return float(ordered[max(low, 0)]), float(ordered[min(high, n - 1)])


def overlaps(swaps: Floats, labels: list[str]) -> pl.DataFrame:
    """The frame ``SegmentationResult.overlaps`` from how often a customer of segment i was put into segment j."""
    held = swaps.sum(axis=1)
    rows = [
        (labels[i], labels[j], float((swaps[i, j] + swaps[j, i]) / (held[i] + held[j])))
        for i in range(len(labels))
        for j in range(i + 1, len(labels))
        if swaps[i, j] + swaps[j, i] > 0
    ]
    schema = {"label_a": pl.String, "label_b": pl.String, "moved_share": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("moved_share", descending=True, maintain_order=True)


def overlap_caveats(pairs: pl.DataFrame) -> list[Caveat]:
    """The pair that changes sides most, when it does so often."""
    if not pairs.height or pairs["moved_share"][0] < SWAPPING:
        return []
    first = pairs.row(0, named=True)
    params = {"a": first["label_a"], "b": first["label_b"], "one_in": round(1 / first["moved_share"])}
    return [Caveat("segments_overlap", "watch", params)]


def draw_map(
    points: Floats, index: Ints, labels: list[str], features: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, tuple[float, float]]:
    """Customers on the first two principal components: cells, centres, axes and variance shares (see the Result).

    What lies beyond the outermost per mille of an axis is drawn on its border. Axes point to where the strongest
    feature grows, or where orders are more recent. With one feature the second component is zero.
    """
    covariance = np.atleast_2d(np.cov(points, rowvar=False))
    strengths, vectors = np.linalg.eigh(covariance)
    loadings = vectors[:, ::-1][:, :2]
    variance = np.maximum(strengths[::-1], 0.0)
    shares = variance / variance.sum()
    sign = np.array([-1.0 if name == "recency_days" else 1.0 for name in features])
    strongest = np.abs(loadings).argmax(axis=0)
    turn = np.sign(loadings[strongest, range(loadings.shape[1])] * sign[strongest])
    loadings = loadings * turn
    places = points @ loadings
    if places.shape[1] == 1:
        places = np.column_stack([places, np.zeros(len(places))])
    scaled = np.column_stack([_scaled(places[:, 0], MAP_COLUMNS), _scaled(places[:, 1], MAP_ROWS)])
    frame = pl.DataFrame(
        {
            "x": np.floor(scaled[:, 0]).astype(np.int64),
            "y": np.floor(scaled[:, 1]).astype(np.int64),
            "index": index,
        }
    )
    counted = frame.group_by("x", "y", "index").agg(pl.len().cast(pl.Int64).alias("n"))
    cells = (
        counted.sort("n", "index", descending=[True, False])
        .group_by("x", "y", maintain_order=True)
        .agg(pl.col("index").first(), pl.col("n").first().alias("majority"), pl.col("n").sum())
        .sort("x", "y")
        .select(
            "x",
            "y",
            pl.col("index").replace_strict(dict(enumerate(labels)), return_dtype=pl.String).alias("label"),
            "n",
            (pl.col("majority") / pl.col("n")).alias("purity"),
        )
    )
    rows = []
    for i, label in enumerate(labels):
        inside = scaled[index == i]
        if len(inside):
            x, y = np.median(inside, axis=0)
            rows.append((label, float(x), float(y)))
    centres = pl.DataFrame(rows, schema={"label": pl.String, "x": pl.Float64, "y": pl.Float64}, orient="row")
    axes = pl.DataFrame(
        [
            (axis, features[row], float(loadings[row, column]))
            for column, axis in enumerate("xy"[: loadings.shape[1]])
            for row in np.argsort(-np.abs(loadings[:, column]), kind="stable")
        ],
        schema={"axis": pl.String, "feature": pl.String, "loading": pl.Float64},
        orient="row",
    )
    return cells, centres, axes, (float(shares[0]), float(shares[1]) if len(shares) > 1 else 0.0)


def _scaled(values: Floats, n_cells: int) -> Floats:
    low, high = np.quantile(values, [0.001, 0.999])
    if high - low < 1e-9:
        low, high = values.min() - 1.0, values.max() + 1.0
    # One empty cell on each side, so that a cloud reads as a cloud.
    scaled: Floats = np.clip(1 + (values - low) / (high - low) * (n_cells - 2), 0, n_cells - 1e-9)
    return scaled
