"""What goes with a price, a promotion, an event: effects on demand as ratios, with intervals.

Nobody drew lots over prices here, so these are associations: season, level, weekday and events are taken out, whatever
else moves together with a price is not. Per group of related products one regression (``arrow``): each product has a
level that wanders and its own elasticity, drawn towards the group's (partial pooling: Gelman & Hill 2007, chapter 12);
promotions are an on-off jump and a slope on their depth, and every occasion differs by chance. How far levels wander,
elasticities and occasions differ is chosen by marginal likelihood.

An effect is told only where it can be: at least three prices held, at least three promotions, two occurrences of an
event; and only if knowing it makes parts of the history that were left out easier to foretell. Never outside the
prices and depths that were seen.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from analytics.calendar import CalendarSpec, occurrences, special_days
from analytics.dataset import Dataset
from analytics.demand import DriverPanel
from analytics.errors import AnalysisError, Caveat
from analytics.forecasting.planning.arrow import Counts, Fit, deviance, fit, overdispersion
from analytics.forecasting.planning.cells import Group, days_of, event_days, group_rows, hats, waves
from analytics.forecasting.planning.spec import ResponseSpec
from analytics.forecasting.planning.told import Learned, Posterior, Scope, tabulate
from analytics.keys import derive_key
from analytics.progress import report

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


LEAST_DAYS = 182
LEAST_SOLD = 60  # items of a product over the whole history
LEAST_IN_GROUP = 3
CHUNK_DAYS = 91
OTHERS = ""  # products of small groups together
WANDERS = (0.03, 0.08, 0.2)
DIFFERS = (0.1, 0.25, 0.6)
BY_CHANCE = (0.03, 0.1, 0.25)
LEAST_WEIGHT = 0.01
NO_CALENDAR, DEFAULT = CalendarSpec(), ResponseSpec()


@dataclass(frozen=True, slots=True, eq=False)
class ResponseResult:
    """Effects on demand by scope: "all" (unit_id ""), "group" (a category), "product". ``lo``, ``hi``: the interval.

    Attributes
    ----------
    prices : scope, unit_id, elasticity with lo, hi (percent of demand per percent of list price), n_prices (distinct
        prices held at least ten days; for a group its products' largest number), lowest_ratio, highest_ratio (seen
        prices over today's), gain_share (of the unexplained variation left out parts lose when the price is known),
        told ("" or the reason why the effect is not shown).
    promotions : scope, unit_id, depth (discount share; from the smallest to the largest seen), ratio with lo, hi (of
        demand on a promoted day), n_occasions, gain_share, told.
    events : scope, unit_id, event (code), ratio with lo, hi (of demand on each of its days), n_seen, told. What is not
        in the calendar asked for is told only where it is clear among all of them (Holm 1979, 5 percent).
    today : scope, unit_id, list_price (going price), usual_discount (outside promotions), recent (items of the last 91
        days), n_products.
    products : unit_id, group.
    posteriors : one per scope and unit.
    occasions : group, first, last, depth, n_products: the promotions that were found.
    caveats : ``response_is_association``, ``response_nothing`` (no effect can be told), ``response_paid_prices`` (no
        list price is known: what was paid stands for it).
    """

    spec: ResponseSpec
    prices: pl.DataFrame
    promotions: pl.DataFrame
    events: pl.DataFrame
    today: pl.DataFrame
    products: pl.DataFrame
    posteriors: tuple[Posterior, ...]
    occasions: pl.DataFrame
    n_days: int
    key: str
    caveats: tuple[Caveat, ...]

    def of(self, scope: Scope, unit_id: str) -> tuple[Scope, str]:
        """The nearest scope that is known: the series itself, a product's group, all products."""
        known = {(item.scope, item.unit_id) for item in self.posteriors}
        wanted: list[tuple[Scope, str]] = [(scope, unit_id)]
        if scope == "product":
            groups = self.products.filter(unit_id=unit_id)["group"].to_list()
            wanted += [("group", group) for group in groups]
        return next((place for place in wanted if place in known), ("all", ""))


def related_products(dataset: Dataset) -> pl.DataFrame:
    """unit_id, group: each product's category (the one met most often); "" where there is none."""
    if not dataset.has("transactions.product_id", "transactions.category"):
        return pl.DataFrame(schema={"unit_id": pl.String, "group": pl.String})
    lines = dataset.tables["transactions"].lazy().select(unit_id="product_id", group="category").drop_nulls()
    counted = lines.group_by("unit_id", "group").agg(n=pl.len())
    return (
        counted.sort("n", "group", descending=[True, False])
        .unique("unit_id", keep="first", maintain_order=True)
        .select("unit_id", "group")
        .sort("unit_id")
        .collect()
    )


def learn_response(
    drivers: DriverPanel,
    related: pl.DataFrame,
    calendar: CalendarSpec = NO_CALENDAR,
    spec: ResponseSpec = DEFAULT,
) -> ResponseResult:
    """What went with price, promotions and events on daily sales of products.

    ``drivers`` are daily and by product; ``related`` has unit_id and group (``related_products``).

    Raises ``AnalysisError``: ``response_too_short`` (fewer than half a year), ``response_few_sales``,
    ``response_not_daily``.
    """
    if drivers.frequency != "day":
        raise AnalysisError("response_not_daily")
    report(0.0, "learning_response")
    frame = drivers.frame.filter(pl.col("list_price").is_finite().any().over("unique_id"))
    sold = frame.group_by("unique_id").agg(pl.col("quantity").sum()).filter(pl.col("quantity") >= LEAST_SOLD)
    if sold.is_empty():
        raise AnalysisError("response_few_sales", needed=LEAST_SOLD)
    frame = frame.filter(pl.col("unique_id").is_in(sold["unique_id"].implode()))
    first, last = days_of(frame)
    n_days = (last - first).days + 1
    if n_days < LEAST_DAYS:
        raise AnalysisError("response_too_short", n_days=n_days, needed=LEAST_DAYS)
    members = _grouped(frame, related)
    touched = event_days(calendar, first, last)
    found: list[Learned] = []
    groups = members["group"].unique().sort().to_list()
    for i, name in enumerate(groups):
        report(i / len(groups), "learning_response")
        ids = members.filter(group=name)["unit_id"]
        found.append(_learn(name, group_rows(frame.filter(pl.col("unique_id").is_in(ids.implode())), touched), spec))
    everything = _together(found)
    asked = {event.code for event in special_days(calendar, "day", first.year, last.year)}
    tables = [tabulate(item, spec, asked) for item in (everything, *found)]
    prices, promotions, events, today = (pl.concat(list(parts)) for parts in zip(*tables, strict=True))
    occasions = pl.concat([item.group.depths.select(pl.lit(item.name).alias("group"), pl.all()) for item in found])
    told = any((frame["told"] == "").any() for frame in (prices, promotions, events))
    caveats = [Caveat("response_is_association", "note", {}) if told else Caveat("response_nothing", "watch", {})]
    if told and drivers.price_source == "paid":
        caveats.append(Caveat("response_paid_prices", "watch", {}))
    return ResponseResult(
        spec=spec,
        prices=prices,
        promotions=promotions,
        events=events,
        today=today,
        products=members,
        posteriors=tuple(one for item in (everything, *found) for one in item.posteriors),
        occasions=occasions.drop("occasion"),
        n_days=n_days,
        key=derive_key("learn_response", spec, drivers.key, derive_key("calendar", calendar), _digest(related)),
        caveats=tuple(caveats),
    )


def _digest(related: pl.DataFrame) -> str:
    from analytics.keys import digest_frame

    return digest_frame(related)


def _grouped(frame: pl.DataFrame, related: pl.DataFrame) -> pl.DataFrame:
    """unit_id, group; groups too small to pool are one."""
    ids = frame.select(unit_id=pl.col("unique_id").unique().sort())
    named = ids.join(related, on="unit_id", how="left", maintain_order="left").with_columns(
        pl.col("group").fill_null(OTHERS)
    )
    small = pl.len().over("group") < LEAST_IN_GROUP
    return named.with_columns(group=pl.when(small).then(pl.lit(OTHERS)).otherwise("group"))


# ---- one group ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    counts: Counts
    names: tuple[str, ...]  # of the last columns in common: price, jump, slope, events
    n_waves: int
    n_occasions: int
    chunk: npt.NDArray[np.int64]


def _learn(name: str, group: Group, spec: ResponseSpec) -> Learned:
    import numpy as np

    design = _design(group)
    sized = _sized(design)
    gain = _gains(design, sized.own, sized.common, sized.dispersion, sized.best, spec.n_folds)
    names = design.names
    posteriors = [_posterior("group", name, names, *_mixed(sized, design, None), sized.by_chance)]
    for place, unit in enumerate(group.ids):
        posteriors.append(_posterior("product", unit, names, *_mixed(sized, design, place), sized.by_chance))
    days = group.rows
    seen = {}
    for i, code in enumerate(group.events):
        held = days.filter(pl.col(f"code_{i}") > 0)["middle"].floor().cast(pl.Int64).unique().to_list()
        seen[code] = occurrences([group.first + np.timedelta64(int(day), "D").astype(object) for day in held])
    return Learned(name, "group", group, names, tuple(posteriors), gain, seen, group.depths.height)


def _mixed(sized: _Sized, design: _Design, place: int | None) -> tuple[Floats, Floats]:
    """Mean and covariance of the group's response, or of one product's: its elasticity is the group's and its own
    difference. Over the fits by their weight, so that the interval holds what is not known of the priors."""
    import numpy as np

    total = sum(weight for weight, _found in sized.fits)
    means, covs = [], []
    for _weight, found in sized.fits:
        at = slice(found.b.size - len(design.names), None)
        mean, cov = found.b[at].copy(), found.cov_b[at, at].copy()
        if place is not None:
            cross = found.cov_ab[place, -1, at]
            mean[0] += found.a[place, -1]
            cov[0] += cross
            cov[:, 0] += cross
            cov[0, 0] += found.cov_a[place, -1, -1]
        means.append(mean)
        covs.append(cov)
    weights = np.array([weight / total for weight, _found in sized.fits])
    mean = weights @ np.array(means)
    apart = np.array(means) - mean
    return mean, np.einsum("f,fij->ij", weights, np.array(covs)) + np.einsum("f,fi,fj->ij", weights, apart, apart)


def _posterior(
    scope: Scope, unit: str, names: tuple[str, ...], mean: Floats, cov: Floats, by_chance: float
) -> Posterior:
    # A matrix product's last digits depend on where its arrays lie in memory: no estimate keeps them.
    mean, cov = mean.round(9), cov.round(12)
    return Posterior(scope, unit, names, tuple(mean.tolist()), tuple(map(tuple, cov.tolist())), by_chance)


def _design(group: Group) -> _Design:
    """The rows of a group as arrays, series by series, padded with rows of no weight."""
    import numpy as np

    rows, n = group.rows, len(group.ids)
    place = rows["place"].to_numpy()
    column = rows.select(pl.int_range(pl.len()).over("place")).to_series().to_numpy()
    n_rows = int(column.max()) + 1

    def laid(values: Floats, empty: float = 0.0) -> Floats:
        held = np.full((n, n_rows), empty)
        held[place, column] = values
        return held

    middle, log_price = laid(rows["middle"].to_numpy()), laid(rows["log_price"].to_numpy())
    occasion, depth = laid(rows["occasion"].to_numpy(), -1.0), laid(rows["depth"].to_numpy())
    on = (occasion >= 0).astype(np.float64)
    numbers = np.unique(rows["occasion"].to_numpy())
    numbers = numbers[numbers >= 0]
    wave = waves(middle, group.first, group.n_days)
    parts = [
        wave,
        np.stack([occasion == number for number in numbers], axis=-1) if len(numbers) else np.zeros((n, n_rows, 0)),
        np.stack([log_price, on, -np.log1p(-depth) * on], axis=-1),
        *(laid(rows[f"code_{i}"].to_numpy())[..., None] for i in range(len(group.events))),
    ]
    common = np.concatenate(parts, axis=-1).astype(np.float64)
    own = np.concatenate([hats(middle, group.n_days), log_price[..., None]], axis=-1)
    exposure = laid(rows["exposure"].to_numpy())
    counts = Counts(
        y=laid(rows["quantity"].to_numpy()),
        offset=np.log(exposure.clip(min=1e-9)),
        weight=(exposure > 0).astype(np.float64),
        own=own,
        common=common,
    )
    names = ("price", "jump", "slope", *group.events)
    return _Design(counts, names, wave.shape[-1], len(numbers), (middle // CHUNK_DAYS).astype(np.int64))


def _priors(design: _Design, wander: float, differ: float, by_chance: float) -> tuple[Floats, Floats]:
    """Precisions: levels walk from knot to knot, own elasticities differ, occasions differ; the rest is loose."""
    import numpy as np

    k = design.counts.own.shape[2]
    steps = np.diff(np.eye(k - 1), axis=0)
    own = np.zeros((k, k))
    own[:-1, :-1] = steps.T @ steps / wander**2 + np.eye(k - 1) * 1e-3
    own[-1, -1] = 1 / differ**2
    sizes = [0.5] * design.n_waves + [by_chance] * design.n_occasions + [3.0, 1.0, 3.0]
    sizes += [0.7] * (len(design.names) - 3)
    return own, np.diag(1 / np.array(sizes) ** 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Sized:
    """The best fit with its priors, and every fit with its weight: how far things wander and differ is not known."""

    best: Fit
    own: Floats
    common: Floats
    dispersion: float
    by_chance: float
    fits: tuple[tuple[float, Fit], ...]


def _sized(design: _Design) -> _Sized:
    """How far levels wander, elasticities and occasions differ, weighed by marginal likelihood."""
    import numpy as np

    wander, differ, by_chance = WANDERS[1], DIFFERS[1], BY_CHANCE[1]
    found = fit(design.counts, *_priors(design, wander, differ, by_chance))
    dispersion = overdispersion(design.counts, found)

    def tried(sizes: list[tuple[float, float, float]], start: Fit) -> list[tuple[Fit, tuple[float, float, float]]]:
        return [(fit(design.counts, *_priors(design, *size), dispersion, start), size) for size in sizes]

    def best(those: list[tuple[Fit, tuple[float, float, float]]]) -> tuple[Fit, tuple[float, float, float]]:
        return max(those, key=lambda item: item[0].log_marginal)

    if design.n_occasions:
        found, (_w, _d, by_chance) = best(tried([(wander, differ, size) for size in BY_CHANCE], found))
    grid = tried([(w, d, by_chance) for w in WANDERS for d in DIFFERS], found)
    found, size = best(grid)
    height = np.array([item.log_marginal for item, _size in grid])
    weight = np.exp(height - height.max())
    weight /= weight.sum()
    fits = tuple((float(w), item) for w, (item, _size) in zip(weight, grid, strict=True) if w > LEAST_WEIGHT)
    own, common = _priors(design, *size)
    return _Sized(found, own, common, dispersion, by_chance, fits)


def _gains(
    design: _Design, own: Floats, common: Floats, dispersion: float, found: Fit, n_folds: int
) -> dict[str, tuple[float, float, float]]:
    """Deviance that knowing price or promotions saves on quarters of a year left out in turn."""
    import numpy as np

    counts, n_common = design.counts, design.counts.common.shape[2]
    price_at = n_common - len(design.names)
    promotion_at = [*range(design.n_waves, design.n_waves + design.n_occasions), price_at + 1, price_at + 2]
    saved: dict[str, list[float]] = {"price": [], "promotion": []}
    without: dict[str, float] = {"price": 0.0, "promotion": 0.0}
    blank = {"price": [price_at], "promotion": promotion_at}
    for fold in range(n_folds):
        held_out = design.chunk % n_folds == fold
        if not held_out.any():
            continue
        kept = dataclasses.replace(counts, weight=counts.weight * ~held_out)
        full = fit(kept, own, common, dispersion, found)
        # Occasions left out are not known to the fit: what it says of them is jump and slope.
        spent = deviance(counts, full.mu) * counts.weight
        for effect, columns in blank.items():
            if effect == "promotion" and not design.n_occasions:
                continue
            shared, theirs = counts.common.copy(), counts.own
            shared[..., columns] = 0.0
            if effect == "price":
                theirs = counts.own.copy()
                theirs[..., -1] = 0.0
            less = dataclasses.replace(kept, common=shared, own=theirs)
            other = deviance(counts, fit(less, own, common, dispersion, found).mu) * counts.weight
            without[effect] += float(other[held_out].sum())
            for chunk in np.unique(design.chunk[held_out]):
                at = design.chunk == chunk
                saved[effect].append(float((other - spent)[at].sum()))
    gain = {}
    for effect, parts in saved.items():
        error = float(np.std(parts, ddof=1) * np.sqrt(len(parts))) if len(parts) > 1 else np.inf
        gain[effect] = (float(np.sum(parts)), error, without[effect])
    return gain


# ---- all groups together -----------------------------------------------------------------------------------------


def _together(found: list[Learned]) -> Learned:
    """All groups: each effect is their mean by items sold of late, which is what it does to the total."""
    import numpy as np

    names = tuple(dict.fromkeys(name for item in found for name in item.names))
    weight = np.array([float(item.group.today["recent"].sum()) + 1e-9 for item in found])
    weight /= weight.sum()
    mean, cov = np.zeros(len(names)), np.zeros((len(names), len(names)))
    for share, item in zip(weight, found, strict=True):
        at = [names.index(name) for name in item.names]
        theirs = item.posteriors[0]
        mean[at] += share * np.array(theirs.mean)
        cov[np.ix_(at, at)] += share**2 * np.array(theirs.cov)
    gain = {
        effect: (
            sum(item.gain[effect][0] for item in found),
            float(np.sqrt(sum(item.gain[effect][1] ** 2 for item in found))),
            sum(item.gain[effect][2] for item in found),
        )
        for effect in ("price", "promotion")
    }
    first = found[0].group
    whole = Group(
        ids=tuple(unit for item in found for unit in item.group.ids),
        rows=first.rows.clear(),
        today=pl.concat([item.group.today for item in found]),
        events=names[3:],
        first=first.first,
        n_days=first.n_days,
        depths=pl.concat([item.group.depths for item in found]),
    )
    seen = {code: max(item.n_seen.get(code, 0) for item in found) for code in names[3:]}
    # Days on which several groups were promoted are one occasion.
    n_occasions = occurrences_of(whole.depths)
    by_chance = float(weight @ np.array([item.posteriors[0].by_chance for item in found]))
    posterior = _posterior("all", "", names, mean, cov, by_chance)
    return Learned("", "all", whole, names, (posterior,), gain, seen, n_occasions)


def occurrences_of(depths: pl.DataFrame) -> int:
    """How many promotions there were that did not overlap."""
    spans = depths.sort("first").select("first", latest=pl.col("last").cum_max().shift(1))
    return int((spans["latest"].is_null() | (spans["first"] > spans["latest"])).sum())
