"""``match_customers``: which customer records are probably one person.

Records are compared only within blocks (a shared e-mail, phone, or name with year or city), so the work grows with the
number of customers. A pair's evidence is weighed after Fellegi and Sunter, "A theory for record linkage", JASA 64
(1969): each field adds log2(m / u), where m is how often the field agrees in records of one person (a stated prior) and
u how often it agrees in records of two (from the data; for an agreement the frequency of the very value, after
Winkler, "Frequency-based matching in the Fellegi-Sunter model", 1989).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log2

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.integration.identity import people
from analytics.keys import derive_key, digest_frame
from analytics.progress import report

FIELDS = ("email", "phone", "name", "birth_year", "city")
LEVELS = ("same", "near", "different")
Pair = tuple[str, str]

# How often a field of two records of one person agrees, nearly agrees or differs, where both have it.
PRIOR_M: Mapping[str, tuple[float, float, float]] = {
    "email": (0.60, 0.15, 0.25),
    "phone": (0.75, 0.00, 0.25),
    "name": (0.75, 0.17, 0.08),
    "birth_year": (0.95, 0.00, 0.05),
    "city": (0.85, 0.00, 0.15),
}
# Together or alone these may be a household's or a shop's: a phone in common is no person in common.
_BLOCKS: tuple[tuple[str, ...], ...] = (
    ("email",),
    ("email_loose",),
    ("phone",),
    ("name", "birth_year"),
    ("name", "city"),
    ("birth_year", "city", "initials"),
)
_N_RANDOM_PAIRS = 20_000
_BINS = 50
_AT_ONCE = 200_000  # pairs compared at a time
_LONG_EMAIL = 12  # characters from which one slip still leaves an address recognisable
_SHORT_NAME = 9  # characters up to which one slip is allowed, beyond it two


@dataclass(frozen=True, slots=True)
class MatchSpec:
    """Which records are taken for one person.

    Attributes
    ----------
    automatic : merge every pair that scores ``accept`` or more; else only pairs in ``accepted``.
    accept, review : scores (0-1) from which a pair is proposed as a match, and from which a person should look.
    expected_share : share of customers thought to have a second record; the prior of a match.
    largest_block : records sharing a value beyond which that value alone makes no candidates.
    accepted, refused : pairs of customer ids decided by a person, smaller id first.
    """

    automatic: bool = False
    accept: float = 0.95
    review: float = 0.50
    expected_share: float = 0.02
    largest_block: int = 50
    accepted: tuple[Pair, ...] = ()
    refused: tuple[Pair, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.review <= self.accept <= 1:
            raise AnalysisError("match_thresholds", review=self.review, accept=self.accept)
        if not 0 < self.expected_share < 1:
            raise AnalysisError("match_share", share=self.expected_share)
        if not 2 <= self.largest_block <= 1000:
            raise AnalysisError("match_block", n=self.largest_block)
        for first, second in (*self.accepted, *self.refused):
            if first >= second:
                raise AnalysisError("match_pair_order", first=first, second=second)
        if set(self.accepted) & set(self.refused):
            raise AnalysisError("match_pair_twice", n=len(set(self.accepted) & set(self.refused)))


@dataclass(frozen=True, slots=True, eq=False)
class MatchResult:
    """Probable matches and what follows from them.

    Attributes
    ----------
    pairs : customer_id_a < customer_id_b, score (0-1), weight (bits, Float64), email, phone, name, birth_year, city
        ("same", "near", "different", "missing"), decision ("merge", "review", "apart"), decided_by ("rule", "person");
        pairs that score ``review`` or more or that a person decided, the best first. "merge" is a proposal unless
        ``automatic`` or decided by a person.
    clusters : customer_id, person (smallest id of the cluster), n_records; only customers that are merged.
    histogram : score_from, score_to (Float64), n_pairs (Int64): every candidate pair, 50 bins.
    weights : field, level, m, u, weight (bits); for "same" at the mean frequency of the values.
    n_customers, n_candidates : customers compared, and pairs compared.
    """

    pairs: pl.DataFrame
    clusters: pl.DataFrame
    histogram: pl.DataFrame
    weights: pl.DataFrame
    n_customers: int
    n_candidates: int
    spec: MatchSpec
    caveats: tuple[Caveat, ...]
    key: str


def match_customers(data: Dataset | pl.DataFrame, spec: MatchSpec | None = None) -> MatchResult:
    """Probable duplicates among the customers of a Dataset, or of a frame with its columns.

    Of ``FIELDS`` those that are there are compared; ``country`` settles how a phone is read.

    Raises ``AnalysisError``: ``table_missing``; ``match_no_fields`` without a customer_id or any comparable field.
    """
    spec = spec or MatchSpec()
    customers = data.table("customers") if isinstance(data, Dataset) else data
    held = [name for name in FIELDS if name in customers.columns and customers[name].null_count() < customers.height]
    if "customer_id" not in customers.columns or not held:
        raise AnalysisError("match_no_fields")
    report(0.0, "match_customers")
    wanted = [name for name in ("customer_id", *FIELDS, "country") if name in customers.columns]
    parent = data.key if isinstance(data, Dataset) else digest_frame(customers.select(wanted))
    key = derive_key("match_customers", spec, parent)
    persons = people(customers.select(wanted)).with_row_index("row")
    report(0.3, "match_customers")
    candidates, n_skipped = _candidates(persons, spec)
    report(0.5, "match_customers")
    model = _model(persons, spec)
    histogram, pieces = _histogram(pl.Series([], dtype=pl.Float64)), []
    for start in range(0, max(candidates.height, 1), _AT_ONCE):  # in pieces: only pairs worth keeping are held
        scored = _score(persons, _compare(persons, candidates[start : start + _AT_ONCE]), model, spec)
        pieces.append(_decide(persons, scored, spec))
        counted = _histogram(scored["score"])["n_pairs"]
        histogram = histogram.with_columns(n_pairs=histogram["n_pairs"] + counted)
        report(0.5 + 0.45 * min(1.0, (start + _AT_ONCE) / max(candidates.height, 1)), "match_customers")
    pairs = pl.concat(pieces).sort("weight", "customer_id_a", "customer_id_b", descending=[True, False, False])
    clusters = _clusters(pairs, spec)
    caveats = []
    if n_skipped:
        caveats.append(Caveat("match_blocks_skipped", "note", {"n": n_skipped, "largest": spec.largest_block}))
    lost = len({*spec.accepted, *spec.refused}) - pairs.filter(pl.col("decided_by") == "person").height
    if lost:
        caveats.append(Caveat("match_pairs_gone", "note", {"n": lost}))
    report(1.0, "match_customers")
    return MatchResult(
        pairs,
        clusters,
        histogram,
        model.frame(),
        persons.height,
        candidates.height,
        spec,
        tuple(caveats),
        key,
    )


def _candidates(persons: pl.DataFrame, spec: MatchSpec) -> tuple[pl.DataFrame, int]:
    """Pairs a < b of row numbers that share a block, each once; and how many blocks were too large."""
    found, n_skipped = [pl.DataFrame(schema={"a": pl.UInt32, "b": pl.UInt32})], 0
    for block in _BLOCKS:
        size = pl.len().over(block)
        rows = persons.drop_nulls(list(block)).select("row", *block, size=size).filter(pl.col("size") > 1)
        large = rows.filter(pl.col("size") > spec.largest_block)
        n_skipped += large.select(block).unique().height if len(block) == 1 else 0
        rows = rows.filter(pl.col("size") <= spec.largest_block).drop("size")
        both = rows.join(rows, on=list(block), how="inner", suffix="_b").filter(pl.col("row") < pl.col("row_b"))
        found.append(both.select(a="row", b="row_b"))
    ids = persons.select("customer_id", "row")
    decided = pl.DataFrame([*spec.accepted, *spec.refused], schema=["first", "second"], orient="row")
    decided = decided.cast(pl.String).join(ids, left_on="first", right_on="customer_id")
    decided = decided.join(ids, left_on="second", right_on="customer_id", suffix="_b")
    found.append(decided.select(a=pl.min_horizontal("row", "row_b"), b=pl.max_horizontal("row", "row_b")))
    return pl.concat(found).unique().sort("a", "b"), n_skipped


def _compare(persons: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """a, b and the level of each field: 0 same, 1 near, 2 different, null where either lacks it."""
    left, right = persons[pairs["a"]], persons[pairs["b"]]
    levels = {}
    for name in FIELDS:
        one, two = left[name], right[name]
        near = pl.Series([False]).new_from_index(0, pairs.height)
        comparable = one.is_not_null() & two.is_not_null()
        if name == "name":
            han = one.str.contains(r"[\u3400-\u9fff]") == two.str.contains(r"[\u3400-\u9fff]")
            comparable &= han.fill_null(False)  # a name and its romanisation say nothing of each other
            near = _near_names(left, right, comparable & (one != two).fill_null(False))
        elif name == "email":
            near = _near_emails(left, right, comparable & (one != two).fill_null(False))
        levels[name] = pl.select(
            pl.when(comparable).then(pl.when(one == two).then(0).when(near).then(1).otherwise(2)).cast(pl.Int8)
        ).to_series()
    return pairs.with_columns(series.alias(name) for name, series in levels.items())


def _distance(one: pl.Series, two: pl.Series) -> NDArray[np.int64]:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    return np.asarray(cpdist(one.fill_null("").to_list(), two.fill_null("").to_list(), scorer=OSA.distance, workers=1))


def _near_names(left: pl.DataFrame, right: pl.DataFrame, asked: pl.Series) -> pl.Series:
    """One slip (two in long names) apart, in either order of the parts."""
    at = asked.arg_true()
    near = np.zeros(len(asked), dtype=bool)
    if len(at):
        one, two = left[at], right[at]
        forms = (("name", "name"), ("written", "written"), ("written", "turned"))
        slips = np.minimum.reduce([_distance(one[mine], two[theirs]) for mine, theirs in forms])
        length = pl.select(pl.min_horizontal(one["name"].str.len_chars(), two["name"].str.len_chars())).to_series()
        near[at.to_numpy()] = (slips <= np.where(length.to_numpy() > _SHORT_NAME, 2, 1)) & (length.to_numpy() >= 3)
    return pl.Series(near)


def _near_emails(left: pl.DataFrame, right: pl.DataFrame, asked: pl.Series) -> pl.Series:
    """Equal but for punctuation, or one slip apart with the same digits: lin12@ and lin13@ are two people."""
    at = asked.arg_true()
    near = np.zeros(len(asked), dtype=bool)
    if len(at):
        one, two = left[at], right[at]
        loose = (one["email_loose"] == two["email_loose"]).fill_null(False).to_numpy()
        digits = one["email"].str.replace_all(r"\D", "") == two["email"].str.replace_all(r"\D", "")
        long = (one["email"].str.len_chars() >= _LONG_EMAIL).to_numpy()
        slip = (_distance(one["email"], two["email"]) <= 1) & digits.to_numpy() & long
        near[at.to_numpy()] = loose | slip
    return pl.Series(near)


@dataclass(frozen=True, slots=True)
class _Model:
    """u of each field and level; for "same" the mean over values."""

    u: Mapping[str, tuple[float, float, float]]

    def frame(self) -> pl.DataFrame:
        rows = [
            {"field": name, "level": level, "m": m, "u": u, "weight": log2(m / u)}
            for name, us in self.u.items()
            for level, m, u in zip(LEVELS, PRIOR_M[name], us, strict=True)
            if m > 0
        ]
        schema = {"field": pl.String, "level": pl.String, "m": pl.Float64, "u": pl.Float64, "weight": pl.Float64}
        return pl.DataFrame(rows, schema=schema)


def _model(persons: pl.DataFrame, spec: MatchSpec) -> _Model:
    """u: agreement from the frequencies of values (exact), near agreement from seeded random pairs."""
    n = persons.height
    rng = np.random.default_rng(spec.seed)
    first, second = rng.integers(0, max(n, 1), _N_RANDOM_PAIRS), rng.integers(0, max(n, 1), _N_RANDOM_PAIRS)
    apart = first != second
    drawn = pl.DataFrame({"a": first[apart].astype(np.uint32), "b": second[apart].astype(np.uint32)})
    levels = _compare(persons, drawn) if n > 1 else None
    u = {}
    for name in FIELDS:
        counts = persons[name].drop_nulls().value_counts()["count"]
        total = float(counts.sum() or 0)
        if not total:
            continue
        same = float((counts.cast(pl.Float64) ** 2).sum()) / total**2
        near = 0.0
        if levels is not None and PRIOR_M[name][1]:
            there = levels[name].drop_nulls()
            near = (float((there == 1).sum()) + 1.0) / (len(there) + 2.0)
        same, near = min(same, 0.9), min(near, 0.05)
        u[name] = (same, near, max(1.0 - same - near, 0.05))
    return _Model(u)


def _score(persons: pl.DataFrame, levels: pl.DataFrame, model: _Model, spec: MatchSpec) -> pl.DataFrame:
    """a, b, the levels, weight (bits, prior included) and score (0-1)."""
    scored = levels
    weights = []
    for name, us in model.u.items():
        total = persons[name].len() - persons[name].null_count()
        frequency = ((pl.len().over(name) - 1).clip(1) / total).alias("u")
        seen = persons.select(pl.when(pl.col(name).is_not_null()).then(frequency).alias("u"))["u"]
        m = PRIOR_M[name]
        same = (m[0] / seen[levels["a"]].fill_null(1.0)).log(2)
        near = log2(m[1] / us[1]) if m[1] else 0.0
        weights.append(
            pl.when(pl.col(name) == 0)
            .then(pl.lit(same))
            .when(pl.col(name) == 1)
            .then(near)
            .when(pl.col(name) == 2)
            .then(log2(m[2] / us[2]))
            .otherwise(0.0)
        )
    prior = log2(2 * spec.expected_share / max(persons.height, 2))
    # A table without any field to compare (a churn export) weighs nothing at all.
    scored = scored.with_columns(weight=pl.sum_horizontal(weights or [pl.lit(0.0)]) + prior)
    return scored.with_columns(score=1 / (1 + (2.0 ** (-pl.col("weight").clip(-60, 60)))))


def _identifies() -> pl.Expr:
    """Whether more than a phone or a place speaks for one person: name or e-mail, and a second witness.

    Households and shops share phones, addresses of mail and years of birth; a name that only nearly agrees needs two
    more witnesses, for siblings' names differ by one character.
    """
    n_same = pl.sum_horizontal((pl.col(name) == 0).fill_null(False).cast(pl.Int8) for name in FIELDS)
    name, email = pl.col("name"), pl.col("email")
    renamed = (name == 2).fill_null(False)
    by_name = (name == 0).fill_null(False) & (n_same >= 2)
    by_email = (email <= 1).fill_null(False) & ~renamed & ((n_same >= 2) | (name == 1).fill_null(False))
    reached = pl.any_horizontal((pl.col(item) <= 1).fill_null(False) for item in ("email", "phone"))
    by_near = (name == 1).fill_null(False) & reached & ~(pl.col("birth_year") == 2).fill_null(False) & (n_same >= 2)
    return by_name | by_email | by_near


def _decide(persons: pl.DataFrame, scored: pl.DataFrame, spec: MatchSpec) -> pl.DataFrame:
    ids = persons["customer_id"]
    one, two = ids[scored["a"]], ids[scored["b"]]
    named = scored.with_columns(
        customer_id_a=pl.select(pl.min_horizontal(one, two)).to_series(),
        customer_id_b=pl.select(pl.max_horizontal(one, two)).to_series(),
    )
    word = (
        pl.when((pl.col("score") >= spec.accept) & _identifies())
        .then(pl.lit("merge"))
        .when(pl.col("score") >= spec.review)
        .then(pl.lit("review"))
        .otherwise(pl.lit("apart"))
    )
    said = pl.concat(
        [
            pl.DataFrame(list(pairs), schema=["customer_id_a", "customer_id_b"], orient="row")
            .cast(pl.String)
            .with_columns(said=pl.lit(decision))
            for pairs, decision in ((spec.accepted, "merge"), (spec.refused, "apart"))
        ]
    ).unique()
    named = named.with_columns(rule=word).join(said, on=["customer_id_a", "customer_id_b"], how="left")
    named = named.filter((pl.col("rule") != "apart") | pl.col("said").is_not_null())
    evidence = [
        pl.col(name).replace_strict({0: "same", 1: "near", 2: "different"}, default="missing", return_dtype=pl.String)
        for name in FIELDS
    ]
    return named.select(
        "customer_id_a",
        "customer_id_b",
        "score",
        "weight",
        *evidence,
        decision=pl.coalesce("said", "rule"),
        decided_by=pl.when(pl.col("said").is_null()).then(pl.lit("rule")).otherwise(pl.lit("person")),
    )


def _clusters(pairs: pl.DataFrame, spec: MatchSpec) -> pl.DataFrame:
    """Customers joined by the pairs that hold, the person's own first, then the strongest; none that was refused."""
    holds = pairs.filter(pl.col("decision") == "merge")
    if not spec.automatic:
        holds = holds.filter(pl.col("decided_by") == "person")
    holds = holds.sort("decided_by", "weight", "customer_id_a", "customer_id_b", descending=[False, True, False, False])
    holds = holds.sort(pl.col("decided_by") == "person", descending=True, maintain_order=True)
    members = partition(holds.select("customer_id_a", "customer_id_b").iter_rows(), spec.refused)
    rows = [(customer, min(group), len(group)) for group in members for customer in group]
    schema = {"customer_id": pl.String, "person": pl.String, "n_records": pl.UInt32}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("person", "customer_id")


def partition(pairs: Iterable[Pair], refused: Iterable[Pair] = ()) -> list[set[str]]:
    """Groups of two and more that ``pairs`` connect, taken in order; a pair that would bring two refused ones
    together is passed over."""
    groups: dict[str, set[str]] = {}
    foes: dict[str, set[str]] = {}
    for first, second in refused:
        foes.setdefault(first, set()).add(second)
        foes.setdefault(second, set()).add(first)
    for first, second in pairs:
        one, two = groups.get(first, {first}), groups.get(second, {second})
        if one is two or any(foes.get(member, set()) & two for member in one):
            continue
        small, large = sorted((one, two), key=len)
        large |= small
        groups.update(dict.fromkeys(large, large))
    distinct = {id(group): group for group in groups.values()}
    return list(distinct.values())


def _histogram(scores: pl.Series) -> pl.DataFrame:
    counts, edges = np.histogram(scores.to_numpy(), bins=_BINS, range=(0.0, 1.0))
    return pl.DataFrame({"score_from": edges[:-1], "score_to": edges[1:], "n_pairs": counts.astype(np.int64)})
