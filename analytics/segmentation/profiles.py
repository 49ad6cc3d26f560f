"""What segments are like: their order, proposed names, sizes, profiles, overlaps and map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import Caveat
from analytics.segmentation.encoding import BEHAVIOUR, Encoded, EncodedCustomers, Encoder
from analytics.segmentation.result import SWAPPING

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAP_COLUMNS, MAP_ROWS = 48, 26
PROFILE_FIELDS = 6
RANKED_ROWS = 200_000  # from twice as many on quartiles are taken from every m-th customer by value


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """What describing segments needs of the customers alone; rows are the table's customers with orders, by id.

    Attributes
    ----------
    rows : their rows in ``CustomerTable.frame``; ``at``: where in ``rows`` each encoded row stands.
    revenue : currency units, 0 where unknown. ``orders``, ``spent``: number of orders where their mean value is known,
        and the two multiplied. None where there are none.
    fields : fields of the profile; ``ranked``: of each ranked field the rows by value, unknown values left out; of
        very many customers every m-th by value.
    values : of each ranked field the values of these rows, rising. ``n_known``: of how many customers it is known.
    everyone : of each ranked field its quartiles and its standard deviation (q25, median, q75, sd).
    cells : the cell of the map each row lies in, x * 26 + y. ``axes``, ``shares``: as in the Result.
    """

    rows: Ints
    at: Ints
    revenue: Floats | None
    orders: Floats | None
    spent: Floats | None
    fields: tuple[str, ...]
    ranked: dict[str, npt.NDArray[np.uint32]]
    values: dict[str, Floats]
    n_known: dict[str, int]
    everyone: dict[str, tuple[float, float, float, float]]
    cells: npt.NDArray[np.int16]
    axes: pl.DataFrame
    shares: tuple[float, float]


def survey_landscape(customers: CustomerTable, encoded: EncodedCustomers) -> Landscape:
    """Sort and draw once what any number of cuts will be described by."""
    rows = np.sort(encoded.rows)
    fields = profile_fields(customers, encoded.encoder)
    ranked: dict[str, npt.NDArray[np.uint32]] = {}
    rising: dict[str, Floats] = {}
    counts: dict[str, int] = {}
    everyone: dict[str, tuple[float, float, float, float]] = {}
    for field in dict.fromkeys((*fields, "recency_days", "n_orders")):
        if field not in customers.frame.columns:
            continue
        values = _values(customers, field, rows)
        order = np.argsort(values, kind="stable").astype(np.uint32)
        n_known = len(values) - int(np.isnan(values).sum())
        if not n_known:
            continue
        counts[field] = n_known
        step = max(n_known // RANKED_ROWS, 1)
        ranked[field] = order[step // 2 : n_known : step]
        rising[field] = values[ranked[field]]
        q25, median, q75 = (_quantile(rising[field], share) for share in (0.25, 0.5, 0.75))
        everyone[field] = (q25, median, q75, float(rising[field].std(ddof=1)) if n_known > 1 else 0.0)
    cells, axes, shares = _draw(encoded.encoded)
    at = np.searchsorted(rows, encoded.rows)
    drawn = np.empty(len(rows), dtype=np.int16)
    drawn[at] = cells
    revenue, orders, spent = None, None, None
    if "revenue" in customers.frame.columns and customers.frame["revenue"].count():
        revenue = np.nan_to_num(_values(customers, "revenue", rows))
    if "mean_order_value" in customers.frame.columns:
        value = _values(customers, "mean_order_value", rows)
        counted = _values(customers, "n_orders", rows) if "n_orders" in customers.frame.columns else np.ones(len(rows))
        orders = np.where(np.isnan(value), 0.0, np.nan_to_num(counted))
        spent = np.nan_to_num(value) * orders
    kept = tuple(field for field in fields if field in ranked)
    return Landscape(rows, at, revenue, orders, spent, kept, ranked, rising, counts, everyone, drawn, axes, shares)


def _values(customers: CustomerTable, field: str, rows: Ints) -> Floats:
    # As in encoding: products and sums of what is larger overflow.
    values: Floats = customers.frame[field].cast(pl.Float64).clip(-1e100, 1e100).to_numpy()
    return values if len(rows) == len(values) else values[rows]


def _quantile(rising: Floats, share: float) -> float:
    """A quantile of values in rising order, between neighbours by distance."""
    at = (len(rising) - 1) * share
    below, above = float(rising[int(at)]), float(rising[min(int(at) + 1, len(rising) - 1)])
    return below + (above - below) * (at - int(at))


def display_order(landscape: Landscape, index: Ints, n_segments: int) -> Ints:
    """Segment indices by revenue per customer, largest first; by size where there is no revenue."""
    held = np.bincount(index, minlength=n_segments)
    if landscape.revenue is None:
        return np.argsort(-held, kind="stable")
    per_customer = np.bincount(index, weights=landscape.revenue, minlength=n_segments) / np.maximum(held, 1)
    return np.argsort(-per_customer, kind="stable")


def describe(
    landscape: Landscape, index: Ints, labels: list[str], codes: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames ``sizes`` and ``profiles`` of the Result; ``index`` is the label of each row of the landscape."""
    k = len(labels)
    small = index.astype(np.uint8)
    medians: dict[str, list[float | None]] = {}
    rows = []
    for field, ranked in landscape.ranked.items():
        all_q25, all_median, all_q75, sd = landscape.everyone[field]
        deviation = (all_q75 - all_q25) / 1.349 or sd
        medians[field] = [None] * k
        # Sorting small integers is a count: the values are not compared again.
        of_rank = small[ranked]
        rising = landscape.values[field][np.argsort(of_rank, kind="stable")]
        for i, held in enumerate(np.split(rising, np.cumsum(np.bincount(of_rank, minlength=k))[:-1])):
            if not len(held):
                continue
            q25, median, q75 = (_quantile(held, share) for share in (0.25, 0.5, 0.75))
            medians[field][i] = median
            n_known = round(len(held) * landscape.n_known[field] / len(ranked))
            lo, hi = (float(held[place * len(held) // n_known]) for place in median_places(n_known))
            z = (median - all_median) / deviation if deviation else 0.0
            if field in landscape.fields:
                rows.append((labels[i], field, median, q25, q75, lo, hi, all_median, z))
    numbers = dict.fromkeys(("median", "q25", "q75", "lo", "hi", "median_all", "z"), pl.Float64)
    rank = {field: place for place, field in enumerate(landscape.fields)}
    rows.sort(key=lambda row: (labels.index(row[0]), rank[row[1]]))
    table = pl.DataFrame(rows, schema={"label": pl.String, "field": pl.String, **numbers}, orient="row")
    return _sizes(landscape, index, labels, codes, medians), table


def _sizes(
    landscape: Landscape,
    index: Ints,
    labels: list[str],
    codes: Sequence[str],
    medians: dict[str, list[float | None]],
) -> pl.DataFrame:
    k = len(labels)
    counts = np.bincount(index, minlength=k)
    nothing: list[float | None] = [None] * k
    revenue, per_order = nothing, nothing
    if landscape.revenue is not None:
        summed = np.bincount(index, weights=landscape.revenue, minlength=k)
        revenue = [float(summed[i]) if counts[i] else None for i in range(k)]
    if landscape.orders is not None and landscape.spent is not None:
        orders = np.bincount(index, weights=landscape.orders, minlength=k)
        spent = np.bincount(index, weights=landscape.spent, minlength=k)
        per_order = [float(spent[i] / orders[i]) if orders[i] else None for i in range(k)]
    columns = {
        "label": labels,
        "name": list(codes),
        "n_customers": counts.astype(np.int64),
        "customer_share": counts / max(counts.sum(), 1),
        "revenue": revenue,
        "mean_order_value": per_order,
        "recency_days": medians.get("recency_days", nothing),
        "n_orders": medians.get("n_orders", nothing),
    }
    types: dict[str, type[pl.DataType]] = {"label": pl.String, "name": pl.String, "n_customers": pl.Int64}
    schema = {name: types.get(name, pl.Float64) for name in columns}
    everything = pl.col("revenue").sum()
    return (
        pl.DataFrame(columns, schema=schema)
        .with_columns(pl.when(everything > 0).then(pl.col("revenue") / everything).alias("revenue_share"))
        .select(*list(columns)[:5], "revenue_share", *list(columns)[5:])
    )


def profile_fields(customers: CustomerTable, encoder: Encoder) -> list[str]:
    """What the profile shows: the numbers used, then other known behaviour; nothing without values.

    Six in all, unless more features were used; eight at most."""
    numeric = {trait.name for trait in customers.traits if trait.kind in ("number", "flag")}
    used = [name for name in encoder.features["feature"].to_list() if name in numeric]
    order = {name: i for i, name in enumerate(BEHAVIOUR)}
    others = sorted((m for m in customers.measures if m in order and m not in used), key=lambda name: order[name])
    held = [name for name in (*used, *others) if name in customers.frame.columns and customers.frame[name].count()]
    return held[: min(8, max(PROFILE_FIELDS, len(used)))]


def median_places(n: int) -> tuple[int, int]:
    """Which two of ``n`` values in rising order bound the 95 % interval of their median, whatever the distribution
    (order statistics, normal approximation of the binomial)."""
    reach = 1.96 * np.sqrt(n) / 2
    return max(int(np.floor(n / 2 - reach)), 0), min(int(np.ceil(n / 2 + reach)), n - 1)


def overlaps(swaps: Floats, labels: list[str]) -> pl.DataFrame:
    """The frame ``CutEvidence.overlaps`` from how often a customer of segment i was put into segment j."""
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


def _draw(encoded: Encoded) -> tuple[npt.NDArray[np.int16], pl.DataFrame, tuple[float, float]]:
    """The cells of customers on the first two principal components, axes and variance shares (see the Result).

    What lies beyond the outermost per mille of an axis is drawn on its border. Axes point to where the strongest
    feature grows, or where orders are more recent. With one feature the second component is zero.
    """
    points = encoded.points
    strengths, vectors = np.linalg.eigh(np.atleast_2d(np.cov(points, rowvar=False)))
    loadings = vectors[:, ::-1][:, :2]
    variance = np.maximum(strengths[::-1], 0.0)
    shares = variance / max(float(variance.sum()), 1e-300)
    sign = np.array([-1.0 if name == "recency_days" else 1.0 for name in encoded.names])
    strongest = np.abs(loadings).argmax(axis=0)
    loadings = loadings * np.sign(loadings[strongest, range(loadings.shape[1])] * sign[strongest])
    places = points @ loadings
    if places.shape[1] == 1:
        places = np.column_stack([places, np.zeros(len(places))])
    x, y = _scaled(places[:, 0], MAP_COLUMNS).astype(np.int16), _scaled(places[:, 1], MAP_ROWS).astype(np.int16)
    shown = [f"{name}: {level}" if level else name for name, level in zip(encoded.names, encoded.levels, strict=True)]
    axes = pl.DataFrame(
        [
            (axis, shown[row], float(loadings[row, column]))
            for column, axis in enumerate("xy"[: loadings.shape[1]])
            for row in np.argsort(-np.abs(loadings[:, column]), kind="stable")
        ],
        schema={"axis": pl.String, "feature": pl.String, "loading": pl.Float64},
        orient="row",
    )
    return x * MAP_ROWS + y, axes, (float(shares[0]), float(shares[1]) if len(shares) > 1 else 0.0)


def colour_map(landscape: Landscape, index: Ints, labels: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frames ``map_cells`` and ``map_centres`` of the Result: who lies in each cell, where each segment does."""
    k = len(labels)
    code = landscape.cells.astype(np.int64) * k + index
    counts = np.bincount(code, minlength=MAP_COLUMNS * MAP_ROWS * k).reshape(-1, k)
    held = np.flatnonzero(counts.sum(axis=1))
    majority = counts[held].argmax(axis=1)
    n = counts[held].sum(axis=1)
    cells = pl.DataFrame(
        {
            "x": (held // MAP_ROWS).astype(np.int64),
            "y": (held % MAP_ROWS).astype(np.int64),
            "label": pl.Series(labels, dtype=pl.String)[majority.astype(np.int64)],
            "n": n.astype(np.int64),
            "purity": counts[held, majority] / n,
        }
    )
    grid = counts.reshape(MAP_COLUMNS, MAP_ROWS, k)
    rows = [
        (label, _middle(grid[:, :, i].sum(axis=1)), _middle(grid[:, :, i].sum(axis=0)))
        for i, label in enumerate(labels)
        if grid[:, :, i].any()
    ]
    centres = pl.DataFrame(rows, schema={"label": pl.String, "x": pl.Float64, "y": pl.Float64}, orient="row")
    return cells, centres


def _middle(counts: Ints) -> float:
    """The median of binned values, as if they lay evenly in their cell."""
    until = np.cumsum(counts)
    cell = int(np.searchsorted(until, until[-1] / 2))
    before = until[cell] - counts[cell]
    return cell + float((until[-1] / 2 - before) / counts[cell])


def _scaled(values: Floats, n_cells: int) -> Floats:
    low, high = np.quantile(values, [0.001, 0.999])
    if high - low < 1e-9:
        low, high = values.min() - 1.0, values.max() + 1.0
    # One empty cell on each side, so that a cloud reads as a cloud.
    scaled: Floats = np.clip(1 + (values - low) / (high - low) * (n_cells - 2), 0, n_cells - 1e-9)
    return scaled
