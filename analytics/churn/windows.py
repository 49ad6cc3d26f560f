"""From tables to what is learned from: who was active on each cut-off day, what was known, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.churn import guard
from analytics.churn.attributes import Attribute, attribute_columns, read_attributes, usable
from analytics.churn.features import Column, describe_day, rhythm_at
from analytics.churn.ledger import Floats, Ints, Ledgers, as_date, day_number, read_ledgers
from analytics.churn.rolling import Window
from analytics.churn.spec import ChurnSpec
from analytics.churn.targets import Aim, active_at, choose_cuts, given_labels, labels_after
from analytics.dataset import UNKNOWN_DAY, Dataset
from analytics.errors import AnalysisError
from analytics.progress import report
from analytics.rhythm import Rhythm
from analytics.schema import CUSTOMERS

# Columns of the customers table that stay what they are: what they say today they said at the cut-off.
_LASTING = ("gender", "birth_year", "country", "acquisition_channel")
RHYTHM_EVERY = 4  # cut-offs
_AUDITED = 1_000  # customers whose features are built anew without later rows
_PAST_BY_RULE = 0.9  # share of leavings at one and the same silence


# By cut-off day: who is active (positions), and the columns of these customers.
Days = dict[int, tuple[Ints, dict[Column, npt.NDArray[np.float32]]]]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """Everything that is learned from. ``columns`` of all ``windows`` and of ``today`` are the same."""

    aim: Aim
    ledgers: Ledgers
    columns: tuple[Column, ...]
    windows: list[Window]
    today: Window
    described: pl.DataFrame
    refusals: list[guard.Refusal]
    n_checked: int
    audit: pl.DataFrame


def build_study(dataset: Dataset, ledgers: Ledgers, aim: Aim, spec: ChurnSpec) -> Study:
    """Windows with their features, after the guard.

    Raises ``AnalysisError``: churn_short_history, churn_few_gone, churn_few_stayed, churn_no_features,
    churn_target_defined, churn_target_by_rule, churn_nobody_active.
    """
    without = (aim.column,) if aim.column else ()
    attributes = read_attributes(dataset.tables.get("customers"), ledgers.ids, without)
    if aim.target == "given":
        return _given_study(dataset, ledgers, aim, attributes, spec)
    if aim.target == "left":
        _refuse_rule(ledgers)
    cuts = choose_cuts(ledgers, aim, dataset.as_of, spec)
    end = day_number(dataset.as_of)
    days: Days = {}
    rhythm: Rhythm | None = None
    for i, day in enumerate([*cuts, end]):
        report(0.05 + 0.2 * i / (len(cuts) + 1), "churn_features")
        # Fees have no rhythm of their own. A rhythm learned at a cut-off serves the next ones: it is slow to change.
        if aim.target == "no_order" and (rhythm is None or i % RHYTHM_EVERY == 0 or day == end):
            rhythm = rhythm_at(ledgers, day)
        active = active_at(ledgers, day, aim, rhythm)
        known = describe_day(ledgers, day, rhythm)
        days[day] = active, {column: values[active].astype(np.float32) for column, values in known.items()}
    gone = {day: labels_after(ledgers, day, aim, days[day][0]) for day in cuts}
    _enough(gone)
    if not len(days[end][0]):
        raise AnalysisError("churn_nobody_active", as_of=dataset.as_of.isoformat())
    report(0.25, "churn_guard")
    middle = cuts[len(cuts) // 2]
    refusals, alone = _guard_file(ledgers, attributes, aim, middle, end, days[middle][0], gone[middle], spec)
    refused = {name: refusal.code for refusal in refusals for name in refusal.feature.split(" + ")}
    lasting = _split_lasting(attributes, alone)
    chosen = [one for one in lasting[0] if one.name not in refused and usable(one)]
    for day, (active, own) in days.items():
        held = attribute_columns(chosen, day)
        own |= {column: values[active].astype(np.float32) for column, values in held.items()}
    columns = tuple(column for column in days[end][1] if column.feature not in spec.leave_out and _varies(column, days))
    if not columns:
        raise AnalysisError("churn_no_features")
    left_out = {one.name: "as_of_file" for one in lasting[1]} | {
        one.name: "constant" for one in lasting[0] if not usable(one)
    }
    windows, today = _ordered(columns, days, gone, end)
    described = _describe(columns, windows, {**left_out, **refused}, list(days[end][1]), spec)
    audit = audit_features(dataset, as_date(middle), aim)
    return Study(aim, ledgers, columns, windows, today, described, refusals, len(alone), audit)


def audit_features(dataset: Dataset, day: date, aim: Aim) -> pl.DataFrame:
    """Build features of some customers twice, with and without the rows after ``day``: cut_on, n_values, n_changed."""
    parts = []
    names = [name for name in ("customers", "transactions", "events") if name in dataset.tables]
    known = [dataset.tables[name]["customer_id"] for name in names if "customer_id" in dataset.tables[name].columns]
    ids = pl.concat([one.alias("customer_id").unique() for one in known]).drop_nulls().unique().sort()
    ids = ids.gather_every(max(1, len(ids) // _AUDITED))
    tables = {
        name: frame.filter(pl.col("customer_id").is_in(ids.implode())) if "customer_id" in frame.columns else frame
        for name, frame in dataset.tables.items()
    }
    few = Dataset(tables, dataset.as_of, dataset.currency, dataset.money_digits, dataset.sources, dataset.key)
    for until in (dataset.as_of, day):
        ledgers = read_ledgers(few, until)
        rhythm = rhythm_at(ledgers, day_number(day)) if aim.target == "no_order" else None
        parts.append(describe_day(ledgers, day_number(day), rhythm))
    shared = [column for column in parts[0] if column in parts[1]]
    changed = sum(int((~_same(parts[0][column], parts[1][column])).sum()) for column in shared)
    n_values = sum(len(parts[0][column]) for column in shared)
    row = {"cut_on": [day], "n_values": [n_values], "n_changed": [changed]}
    return pl.DataFrame(row, schema={"cut_on": pl.Date, "n_values": pl.Int64, "n_changed": pl.Int64})


def _same(left: Floats, right: Floats) -> npt.NDArray[np.bool_]:
    return np.isclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True)


def _given_study(dataset: Dataset, ledgers: Ledgers, aim: Aim, attributes: list[Attribute], spec: ChurnSpec) -> Study:
    held = dataset.tables["customers"].filter(pl.col("customer_id").is_not_null())
    held = held.unique("customer_id", keep="first", maintain_order=True)
    placed = pl.DataFrame({"customer_id": ledgers.ids}).join(
        held.select("customer_id", told=given_labels(held, aim)), on="customer_id", how="left", maintain_order="left"
    )
    told = placed["told"].is_not_null().to_numpy()
    customers = np.flatnonzero(told)
    gone = placed["told"].fill_null(0).to_numpy().astype(np.int64)[customers]
    end = day_number(dataset.as_of)
    dated = dataset.as_of != UNKNOWN_DAY and bool(ledgers.dated() or np.isfinite(ledgers.joined).any())
    built = describe_day(ledgers, end, rhythm_at(ledgers, end)) if dated else {}
    report(0.2, "churn_guard")
    usable_ones = [one for one in attributes if one.name not in spec.leave_out]
    candidates = [_candidate(one, customers) for one in usable_ones]
    candidates += [
        guard.Candidate(column.feature, values[customers], None, from_file=False)
        for column, values in built.items()
        if not column.level and column.feature not in spec.leave_out
    ]
    # The order of rows must not decide which folds are drawn: they stand in the order of their values.
    order = _content_order(candidates, gone)
    none = np.full(len(customers), np.nan)
    joined = ledgers.joined[customers] if dated else none
    time = guard.Time(joined[order], none, np.zeros((len(customers), 0)), np.zeros((len(customers), 0)))
    candidates = [one.rows(order) for one in candidates]
    refusals, _ = guard.check_features(candidates, gone[order], time=time, level=spec.level, seed=spec.random_state)
    _refuse_defined(refusals, {column.feature for column in built})
    refused = {name: refusal.code for refusal in refusals for name in refusal.feature.split(" + ")}
    chosen = [one for one in usable_ones if one.name not in refused and usable(one)]
    parts = {column: values for column, values in built.items() if column.feature not in refused}
    parts |= attribute_columns(chosen, end if dated else None)
    columns = tuple(
        column
        for column, values in parts.items()
        if column.feature not in spec.leave_out and _spread(values[customers])
    )
    if not columns:
        raise AnalysisError("churn_no_features")
    days: Days = {end: (customers, {column: values[customers].astype(np.float32) for column, values in parts.items()})}
    windows, _ = _ordered(columns, days, {end: gone}, end)
    left_out = {one.name: "constant" for one in usable_ones if not usable(one)}
    described = _describe(columns, windows, {**left_out, **refused}, list(parts), spec)
    audit = pl.DataFrame(schema={"cut_on": pl.Date, "n_values": pl.Int64, "n_changed": pl.Int64})
    return Study(aim, ledgers, columns, windows, windows[0], described, refusals, len(candidates), audit)


def _refuse_defined(refusals: list[guard.Refusal], built: set[str]) -> None:
    """A target that a feature of the very same moment defines cannot be predicted, only repeated."""
    for refusal in refusals:
        if refusal.feature in built and refusal.code == "target_defined":
            raise AnalysisError(
                "churn_target_defined",
                feature=refusal.feature,
                threshold=refusal.threshold,
                agreement=None if refusal.share is None else round(100 * refusal.share, 1),
            )


def _refuse_rule(ledgers: Ledgers) -> None:
    """A leaving date that is the last activity plus a fixed number of days is a rule about silence, not a leaving."""
    gone = np.flatnonzero(np.isfinite(ledgers.left))
    source = ledgers.events or ledgers.orders
    if source is None or not len(gone):
        return
    last = source.last(source.last_day)
    silence = (ledgers.left - last)[gone]
    silence = silence[np.isfinite(silence)]
    if len(silence) < 20:
        return
    typical = float(np.median(silence))
    share = float((np.abs(silence - typical) <= 1).mean())
    if typical < 7 or share < _PAST_BY_RULE:
        return
    gaps = np.diff(source.keys)
    gaps = gaps[gaps < source.last_day - source.first_day]
    # Fees that come by the month put the end one month after the last: that is the contract, no rule about silence.
    if len(gaps) and np.mean(np.abs(gaps - np.median(gaps)) <= 2) > 0.8 and abs(typical - np.median(gaps)) <= 3:
        return
    raise AnalysisError("churn_target_by_rule", days=round(typical), share=round(100 * share, 1), n=len(silence))


def _guard_file(
    ledgers: Ledgers,
    attributes: list[Attribute],
    aim: Aim,
    day: int,
    end: int,
    active: Ints,
    gone: Ints,
    spec: ChurnSpec,
) -> tuple[list[guard.Refusal], dict[str, float]]:
    """Ready columns, against being gone by the end of the data: what was written down at leaving shows there."""
    ever = gone if aim.target == "no_order" else np.isfinite(ledgers.left[active]).astype(np.int64)
    before, after = [], []
    # Campaigns are what is done to customers, by what stands in such columns: they do not count as what came after.
    for ledger in ledgers.dated()[: -1 if ledgers.campaigns is not None else None]:
        for name in ledger.totals:
            before += [ledger.ever(name, day)[active], ledger.between(name, day - 90, day)[active]]
            after.append(ledger.between(name, day, end)[active])
        after.append(ledger.last(end)[active] - day)
        before.append(day - ledger.last(day)[active])
        ledger.forget()
    before.append(day - ledgers.first_seen(day)[active])
    empty = np.zeros((len(active), 0))
    candidates = [_candidate(one, active) for one in attributes if one.name not in spec.leave_out]
    order = _content_order(candidates, ever)
    time = guard.Time(
        ledgers.joined[active][order],
        ledgers.left[active][order],
        np.stack(before, axis=1)[order],
        np.stack(after, axis=1)[order] if after else empty,
    )
    candidates = [one.rows(order) for one in candidates]
    return guard.check_features(candidates, ever[order], time=time, level=spec.level, seed=spec.random_state)


def _candidate(attribute: Attribute, rows: Ints) -> guard.Candidate:
    values = attribute.values
    if values.dtype.is_numeric() or values.dtype == pl.Boolean or values.dtype.is_temporal():
        return guard.Candidate(attribute.name, attribute.numbers()[rows])
    return guard.Candidate(attribute.name, None, attribute.texts().gather(rows))


def _content_order(candidates: list[guard.Candidate], gone: Ints) -> Ints:
    keys: list[npt.NDArray[np.float64]] = [gone.astype(np.float64)]
    for one in candidates:
        if one.numbers is not None:
            keys.append(np.nan_to_num(one.numbers, nan=-1e30))
        else:
            keys.append(one.bins().astype(np.float64))
    return np.lexsort(keys[::-1])


def _split_lasting(attributes: list[Attribute], looked_at: dict[str, float]) -> tuple[list[Attribute], list[Attribute]]:
    """Columns that may be used at a past cut-off, and those that may have been written since."""
    lasting: list[Attribute] = []
    changing: list[Attribute] = []
    for one in attributes:
        own = one.name not in CUSTOMERS and one.name in looked_at
        (lasting if own or one.name in _LASTING else changing).append(one)
    return lasting, changing


def _enough(gone: dict[int, Ints]) -> None:
    """At least so many of both kinds, over cut-offs that do not share customers' windows."""
    from analytics.churn.targets import LEAST_GONE

    n_gone = sum(int(one.sum()) for one in gone.values())
    n_stayed = sum(len(one) for one in gone.values()) - n_gone
    if n_gone < LEAST_GONE:
        raise AnalysisError("churn_few_gone", n=n_gone, least=LEAST_GONE)
    if n_stayed < LEAST_GONE:
        raise AnalysisError("churn_few_stayed", n=n_stayed, least=LEAST_GONE)


def _spread(values: npt.NDArray[np.float64] | npt.NDArray[np.float32]) -> bool:
    known = values[np.isfinite(values)]
    return len(known) >= 20 and bool(known.min() != known.max())


def _varies(column: Column, days: Days) -> bool:
    return all(column in parts for _, parts in days.values()) and any(
        _spread(parts[column]) for _, parts in list(days.values())[:-1]
    )


def _ordered(columns: tuple[Column, ...], days: Days, gone: dict[int, Ints], end: int) -> tuple[list[Window], Window]:
    """Windows with their rows in the order of values; equal rows by what the customer is like at other times."""
    matrices = {day: np.stack([parts[column] for column in columns], axis=1) for day, (_, parts) in days.items()}
    n = max((int(active.max(initial=-1)) for active, _ in days.values()), default=-1) + 1
    signature = np.zeros(n)
    for number, (day, (active, _)) in enumerate(days.items()):
        for j in range(len(columns)):
            values = np.nan_to_num(matrices[day][:, j].astype(np.float64), nan=0.5)
            signature[active] += values * np.sqrt(2 + j + number)
    windows = []
    for day, (active, _) in days.items():
        label = gone.get(day, np.zeros(0, np.int64))
        keys: list[npt.NDArray[Any]] = [np.round(signature[active], 6), *([label] if len(label) else [])]
        keys += [np.nan_to_num(matrices[day][:, j], nan=-1e30) for j in reversed(range(len(columns)))]
        order = np.lexsort(keys)
        windows.append(Window(day, active[order], matrices[day][order], label[order] if len(label) else label))
    today = next(window for window in windows if window.day == end)
    return ([window for window in windows if len(window.gone)]), today


def _describe(
    columns: tuple[Column, ...], windows: list[Window], refused: dict[str, str], every: list[Column], spec: ChurnSpec
) -> pl.DataFrame:
    """As ``ChurnResult.features``, of all that was looked at."""
    from analytics.churn.measures import auc

    values = np.concatenate([window.values for window in windows[-4:]])
    gone = np.concatenate([window.gone for window in windows[-4:]])
    rows: dict[str, dict[str, object]] = {}
    for j, column in enumerate(columns):
        given = values[:, j]
        known = np.isfinite(given)
        area = auc(gone[known], given[known].astype(np.float64)) if known.any() else float("nan")
        best = max(area, 1 - area) if np.isfinite(area) else None
        held = rows.setdefault(column.feature, _row(column, True, None, float(known.mean()), best))
        if column.level and best is not None and best > (held["auc"] or 0):  # type: ignore[operator]  # a value of a named row
            held["auc"] = best
    for column in every:
        if column.feature not in rows:
            code = refused.get(column.feature) or ("left_out" if column.feature in spec.leave_out else "constant")
            rows[column.feature] = _row(column, False, code, None, None)
    for name, code in refused.items():
        if name not in rows:
            rows[name] = _row(Column(name, "attribute"), False, code, None, None)
    schema = {
        "feature": pl.String,
        "family": pl.String,
        "source": pl.String,
        "known_share": pl.Float64,
        "used": pl.Boolean,
        "refused": pl.String,
        "auc": pl.Float64,
    }
    return pl.DataFrame(list(rows.values()), schema=schema, orient="row")


def _row(column: Column, used: bool, code: str | None, known: float | None, area: float | None) -> dict[str, object]:
    return {
        "feature": column.feature,
        "family": column.family,
        "source": "file" if column.family == "attribute" else "rows",
        "known_share": known,
        "used": used,
        "refused": code,
        "auc": area,
    }


def seen_dates(days: Floats) -> pl.Series:
    """Day numbers as dates, null for NaN."""
    known = np.isfinite(days)
    whole = pl.Series("day", np.where(known, days, 0).astype(np.int32)).cast(pl.Date)
    return pl.select(pl.when(pl.lit(pl.Series(known))).then(pl.lit(whole))).to_series()
