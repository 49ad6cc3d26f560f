"""``match_customers``: which customer records are probably one person.

Records are compared only within blocks (a shared e-mail, phone, or name with year or city), so the work grows with the
number of customers. A pair's evidence is weighed after Fellegi and Sunter, "A theory for record linkage", JASA 64
(1969): each field adds log2(m / u), where m is how often the field agrees in records of one person (a stated prior) and
u how often it agrees in records of two (from the data; for an agreement the frequency of the very value, after
Winkler, "Frequency-based matching in the Fellegi-Sunter model", 1989).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, log2

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.integration.identity import CODE_LENGTH, people, record_codes
from analytics.keys import derive_key, digest_frame
from analytics.progress import report

FIELDS = ("email", "phone", "name", "birth_year", "city")
LEVELS = ("same", "near", "different")
POINTS = tuple(f"{name}_points" for name in FIELDS)
Pair = tuple[str, str]
_CODE = re.compile(f"[0-9a-f]{{{CODE_LENGTH}}}")
Rows = NDArray[np.uint32]

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
_POPULATION = 10_000  # people among whom a phone or address is rare, however few of them are customers
_N_RANDOM_PAIRS = 20_000
_BINS = 50
_AT_ONCE = 200_000  # pairs compared at a time
_LONG_EMAIL = 12  # characters from which one slip still leaves an address recognisable
_ROUNDING = 1e-6  # bits by which two ways to the same sum may differ
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
    accepted, refused : pairs decided by a person, as the codes of both records (``record_codes``), the smaller first:
        choices are saved and sent, so they name nobody.
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
            if not (_CODE.fullmatch(first) and _CODE.fullmatch(second) and first < second):
                raise AnalysisError("match_pair_unreadable")
        if set(self.accepted) & set(self.refused):
            raise AnalysisError("match_pair_twice", n=len(set(self.accepted) & set(self.refused)))


@dataclass(frozen=True, slots=True, eq=False)
class MatchResult:
    """Probable matches and what follows from them.

    Attributes
    ----------
    pairs : customer_id_a < customer_id_b, pair (codes of both records as in ``MatchSpec``, joined by "-"), score (0-1),
        weight (bits, Float64), email, phone, name, birth_year, city ("same", "near", "different", "missing"),
        email_points ... city_points (bits that each adds to the weight; the rest of it is the prior), decision
        ("merge", "review", "apart"), decided_by ("rule", "person"); pairs that score ``review`` or more or that a
        person decided, the best first. "merge" is a proposal unless ``automatic`` or decided by a person.
    clusters : customer_id, person (smallest id of the cluster), n_records; only customers that are merged.
    histogram : score_from, score_to (Float64), n_pairs (Int64): every pair compared, 50 bins.
    weights : field, level, m, u, weight (bits); for "same" at the mean frequency of the values.
    n_customers, n_candidates : customers compared, and pairs compared; pairs of a block that could not score ``review``
        whatever their slips are not.
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
    report(0.2, "match_customers")
    keys = _keys(persons)
    model = _model(persons, keys, spec)
    said = _said(persons, spec)
    candidates, n_skipped = _candidates(keys, model, said, spec)
    report(0.5, "match_customers")
    histogram, pieces = _histogram(np.zeros(0)), []
    for start in range(0, max(candidates.height, 1), _AT_ONCE):  # in pieces: only pairs worth keeping are held
        scored = _score(_compare(persons, keys, candidates[start : start + _AT_ONCE]), model)
        pieces.append(_decide(persons, scored, said, spec))
        counted = _histogram(scored["score"].to_numpy())["n_pairs"]
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


@dataclass(frozen=True, slots=True)
class _Keys:
    """What pairs are compared by, as arrays over the persons.

    ``numbers``: for each key one number per distinct value, 0 where it is not given. ``han``: names in Chinese.
    ``n_email``: characters of the address.
    """

    numbers: Mapping[str, NDArray[np.uint32]]
    han: NDArray[np.bool_]
    n_email: NDArray[np.int64]

    def both(self, name: str, a: Rows, b: Rows) -> NDArray[np.bool_]:
        """Whether both persons have the field; a name and its romanisation say nothing of each other."""
        given = (self.numbers[name][a] > 0) & (self.numbers[name][b] > 0)
        return given & (self.han[a] == self.han[b]) if name == "name" else given

    def same(self, name: str, a: Rows, b: Rows) -> NDArray[np.bool_]:
        return np.asarray(self.numbers[name][a] == self.numbers[name][b])

    def may_be_near(self, name: str, a: Rows, b: Rows) -> NDArray[np.bool_]:
        """What must hold before it is worth looking for slips; addresses: see ``_near_emails``."""
        if name != "email":
            return np.full(len(a), name == "name")
        loose, lengths = self.numbers["email_loose"], (self.n_email[a], self.n_email[b])
        slip = self.same("digits", a, b) & (np.abs(lengths[0] - lengths[1]) <= 1)
        return np.asarray(
            (loose[a] > 0) & self.same("email_loose", a, b) | slip & (np.maximum(*lengths) >= _LONG_EMAIL)
        )


def _keys(persons: pl.DataFrame) -> _Keys:
    digits = persons.select(digits=pl.col("email").str.replace_all(r"\D", ""))["digits"]
    named = {name: persons[name] for name in (*FIELDS, "email_loose", "initials")} | {"digits": digits}
    numbers = {name: held.rank("dense").fill_null(0).cast(pl.UInt32).to_numpy() for name, held in named.items()}
    han = persons["name"].str.contains(r"[\u3400-\u9fff]").fill_null(False).to_numpy()
    return _Keys(numbers, han, persons["email"].str.len_chars().fill_null(0).cast(pl.Int64).to_numpy())


def _said(persons: pl.DataFrame, spec: MatchSpec) -> pl.DataFrame:
    """a < b, said: the rows of the pairs that a person decided, as far as their records are here."""
    schema = {"a": pl.UInt32, "b": pl.UInt32, "said": pl.String}
    if not spec.accepted and not spec.refused:
        return pl.DataFrame(schema=schema)
    rows = {code: row for row, code in enumerate(record_codes(persons))}
    said = [
        (*sorted((rows[first], rows[second])), decision)
        for pairs, decision in ((spec.accepted, "merge"), (spec.refused, "apart"))
        for first, second in pairs
        if first in rows and second in rows
    ]
    return pl.DataFrame(said, schema=schema, orient="row").unique(["a", "b"], keep="first")


def _candidates(keys: _Keys, model: _Model, said: pl.DataFrame, spec: MatchSpec) -> tuple[pl.DataFrame, int]:
    """Pairs a < b of row numbers that share a block, each once; and how many blocks were too large.

    Only pairs that could still score ``review`` are given: those of a common name in a large city, of which there are
    ever more the more customers there are, weigh too little whatever else agrees.
    """
    found, n_skipped = [np.zeros(0, np.uint64)], 0
    for block in _BLOCKS:
        rows, groups = _blocked([keys.numbers[name] for name in block])
        sizes = np.bincount(groups)
        n_skipped += int((sizes > spec.largest_block).sum()) if len(block) == 1 else 0
        # Sorted by block, a row's partners of the block stand 1, 2, 3 ... places behind it.
        kept = sizes[groups] <= spec.largest_block
        for step in range(1, spec.largest_block):
            kept &= sizes[groups] > step
            rows, groups = rows[kept], groups[kept]
            if not len(rows):
                break
            both = groups[step:] == groups[:-step]
            a, b = rows[:-step][both], rows[step:][both]
            worth = model.most(keys, a, b) >= model.needed
            found.append(_packed(a[worth], b[worth]))
            kept = np.ones(len(rows), dtype=bool)
    found.append(_packed(said["a"].to_numpy(), said["b"].to_numpy()))
    pairs = np.unique(np.concatenate(found))
    return pl.DataFrame({"a": (pairs >> 32).astype(np.uint32), "b": (pairs & 0xFFFFFFFF).astype(np.uint32)}), n_skipped


def _blocked(numbers: list[Rows]) -> tuple[Rows, NDArray[np.int64]]:
    """The persons who have every key of a block, sorted by block, and the number of the block of each."""
    rows = np.flatnonzero(np.logical_and.reduce([held > 0 for held in numbers])).astype(np.uint32)
    rows = rows[np.lexsort([held[rows] for held in numbers])]
    starts = np.zeros(len(rows), dtype=bool)
    for held in numbers:
        starts[1:] |= held[rows[1:]] != held[rows[:-1]]
    return rows, np.cumsum(starts)


def _packed(a: Rows, b: Rows) -> NDArray[np.uint64]:
    low, high = np.minimum(a, b).astype(np.uint64), np.maximum(a, b).astype(np.uint64)
    return low << np.uint64(32) | high


def _compare(persons: pl.DataFrame, keys: _Keys, pairs: pl.DataFrame) -> pl.DataFrame:
    """a, b and the level of each field: 0 same, 1 near, 2 different, null where either lacks it."""
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    levels = {}
    for name in FIELDS:
        comparable, same = keys.both(name, a, b), keys.same(name, a, b)
        at = np.flatnonzero(comparable & ~same & keys.may_be_near(name, a, b))
        level = np.where(same, 0, 2).astype(np.int8)
        if len(at):
            near = _near_names if name == "name" else _near_emails
            level[at[near(persons[a[at]], persons[b[at]])]] = 1
        levels[name] = pl.Series(level).set(pl.Series(~comparable), None)
    return pairs.with_columns(series.alias(name) for name, series in levels.items())


def _distance(one: pl.Series, two: pl.Series) -> NDArray[np.int64]:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    return np.asarray(cpdist(one.fill_null("").to_list(), two.fill_null("").to_list(), scorer=OSA.distance, workers=1))


def _near_names(left: pl.DataFrame, right: pl.DataFrame) -> NDArray[np.bool_]:
    """One slip (two in long names) apart, in either order of the parts."""
    forms = (("name", "name"), ("written", "written"), ("written", "turned"))
    slips = np.minimum.reduce([_distance(left[mine], right[theirs]) for mine, theirs in forms])
    length = np.minimum(*(side["name"].str.len_chars().to_numpy() for side in (left, right)))
    return np.asarray((slips <= np.where(length > _SHORT_NAME, 2, 1)) & (length >= 3))


def _near_emails(left: pl.DataFrame, right: pl.DataFrame) -> NDArray[np.bool_]:
    """Equal but for punctuation, or one slip apart with the same digits: lin12@ and lin13@ are two people."""
    loose = (left["email_loose"] == right["email_loose"]).fill_null(False).to_numpy()
    digits = left["email"].str.replace_all(r"\D", "") == right["email"].str.replace_all(r"\D", "")
    long = (left["email"].str.len_chars() >= _LONG_EMAIL).to_numpy()
    return np.asarray(loose | (_distance(left["email"], right["email"]) <= 1) & digits.to_numpy() & long)


@dataclass(frozen=True, slots=True)
class _Model:
    """The weights: u of each field and level ("same": the mean over values), and for each person what agreement in
    their very value weighs. ``prior`` is the weight before anything is compared, ``needed`` that of the review score.
    """

    u: Mapping[str, tuple[float, float, float]]
    same: Mapping[str, NDArray[np.float64]]
    prior: float
    needed: float

    def weigh(self, name: str, level: int) -> float:
        m, u = PRIOR_M[name][level], self.u[name][level]
        return log2(m / u) if m else 0.0

    def most(self, keys: _Keys, a: Rows, b: Rows) -> NDArray[np.float64]:
        """The largest weight a pair could come to, without looking for slips."""
        total = np.full(len(a), self.prior)
        for name in self.u:
            different = self.weigh(name, 2)
            near = max(self.weigh(name, 1), different) if PRIOR_M[name][1] else different
            other = np.where(keys.may_be_near(name, a, b), near, different)
            weight = np.where(keys.same(name, a, b), self.same[name][a], other)
            total += np.where(keys.both(name, a, b), weight, 0.0)
        return total

    def frame(self) -> pl.DataFrame:
        rows = [
            {"field": name, "level": level, "m": m, "u": u, "weight": log2(m / u)}
            for name, us in self.u.items()
            for level, m, u in zip(LEVELS, PRIOR_M[name], us, strict=True)
            if m > 0
        ]
        schema = {"field": pl.String, "level": pl.String, "m": pl.Float64, "u": pl.Float64, "weight": pl.Float64}
        return pl.DataFrame(rows, schema=schema)


def _model(persons: pl.DataFrame, keys: _Keys, spec: MatchSpec) -> _Model:
    """u: agreement from the frequencies of values (exact), near agreement from seeded random pairs."""
    n = persons.height
    rng = np.random.default_rng(spec.seed)
    first, second = rng.integers(0, max(n, 1), _N_RANDOM_PAIRS), rng.integers(0, max(n, 1), _N_RANDOM_PAIRS)
    apart = first != second
    drawn = pl.DataFrame({"a": first[apart].astype(np.uint32), "b": second[apart].astype(np.uint32)})
    levels = _compare(persons, keys, drawn) if n > 1 else None
    u, weights = {}, {}
    for name in FIELDS:
        counts = np.bincount(keys.numbers[name])[1:]
        total = float(counts.sum())
        if not total:
            continue
        same = float((counts.astype(np.float64) ** 2).sum()) / total**2
        near = 0.0
        if levels is not None and PRIOR_M[name][1]:
            there = levels[name].drop_nulls()
            near = (float((there == 1).sum()) + 1.0) / (len(there) + 2.0)
        same, near = min(same, 0.9), min(near, 0.05)
        u[name] = (same, near, max(1.0 - same - near, 0.05))
        whole = max(total, _POPULATION) if name in ("email", "phone") else total
        frequency = np.concatenate([[1.0], np.maximum(counts - 1, 1) / whole])
        weights[name] = np.log2(PRIOR_M[name][0] / frequency)[keys.numbers[name]]
    # A table without any field to compare (a churn export) weighs nothing at all.
    prior = log2(2 * spec.expected_share / max(n, 2))
    needed = log2(spec.review / (1 - spec.review)) if 0 < spec.review < 1 else (60.0 if spec.review else -inf)
    return _Model(u, weights, prior, needed - _ROUNDING)


def _score(levels: pl.DataFrame, model: _Model) -> pl.DataFrame:
    """a, b, the levels, what each adds (points), weight (bits, prior included) and score (0-1)."""
    rows = levels["a"].to_numpy()
    points = {name: np.zeros(levels.height) for name in FIELDS}
    for name in model.u:
        level = levels[name].fill_null(3).to_numpy()
        near, different = model.weigh(name, 1), model.weigh(name, 2)
        points[name] = np.choose(level, [model.same[name][rows], near, different, 0.0])
    weight = model.prior + np.sum([*points.values()], axis=0)
    named = {f"{name}_points": held for name, held in points.items()}
    return levels.with_columns(weight=weight, score=1 / (1 + 2.0 ** -weight.clip(-60, 60)), **named)


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


def _decide(persons: pl.DataFrame, scored: pl.DataFrame, said: pl.DataFrame, spec: MatchSpec) -> pl.DataFrame:
    word = (
        pl.when((pl.col("score") >= spec.accept) & _identifies())
        .then(pl.lit("merge"))
        .when(pl.col("score") >= spec.review)
        .then(pl.lit("review"))
        .otherwise(pl.lit("apart"))
    )
    named = scored.with_columns(rule=word).join(said, on=["a", "b"], how="left")
    named = named.filter((pl.col("rule") != "apart") | pl.col("said").is_not_null())
    held = persons[pl.concat([named["a"], named["b"]]).unique()]
    known = held.select("row", "customer_id", code=record_codes(held))
    named = named.join(known, left_on="a", right_on="row").join(known, left_on="b", right_on="row", suffix="_b")
    evidence = [
        pl.col(name).replace_strict({0: "same", 1: "near", 2: "different"}, default="missing", return_dtype=pl.String)
        for name in FIELDS
    ]
    return named.select(
        customer_id_a=pl.min_horizontal("customer_id", "customer_id_b"),
        customer_id_b=pl.max_horizontal("customer_id", "customer_id_b"),
        pair=pl.min_horizontal("code", "code_b") + "-" + pl.max_horizontal("code", "code_b"),
        score="score",
        weight="weight",
        **dict(zip(FIELDS, evidence, strict=True)),
        **{name: name for name in POINTS},
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
    refused = pairs.filter((pl.col("decided_by") == "person") & (pl.col("decision") == "apart"))
    two = ("customer_id_a", "customer_id_b")
    members = partition(holds.select(two).iter_rows(), refused.select(two).iter_rows())
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


def _histogram(scores: NDArray[np.float64]) -> pl.DataFrame:
    counts, edges = np.histogram(scores, bins=_BINS, range=(0.0, 1.0))
    return pl.DataFrame({"score_from": edges[:-1], "score_to": edges[1:], "n_pairs": counts.astype(np.int64)})
