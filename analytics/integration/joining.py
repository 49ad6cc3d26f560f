"""``join_table``: attributes from a second table, or a mark of the rows it names; a row is never doubled or lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key, digest_frame
from analytics.mapping import MappedTable
from analytics.reading import RawTable
from analytics.schema import TABLES

_EXAMPLES = 100
JOINED = ("transactions", "customers")  # tables that a second one may be joined to
_WORTH_A_JOIN = 0.5  # share of the second table's keys that must be found


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """How a second table is joined.

    Attributes
    ----------
    on : pairs (column of the first table, column of the second); several together are one key. A column of the first
        table is a canonical field, an attribute, or a heading of the file behind it (see ``carry``).
    add : columns of the second table to take over; empty: all that are not keys.
    mark : name of a yes/no column that says whether the second table names the row; "" for none.
    table : canonical table that is the first one, for ``join_lookup``.
    source, sheet : digest and sheet of the file that is the second one, for the walk.
    """

    on: tuple[tuple[str, str], ...] = ()
    add: tuple[str, ...] = ()
    mark: str = ""
    table: str = "transactions"
    source: str = ""
    sheet: str = ""

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            raise AnalysisError("table_unknown", table=self.table)


@dataclass(frozen=True, slots=True, eq=False)
class JoinResult:
    """A joined table and what found no partner.

    Attributes
    ----------
    frame : the first table in its order, with the columns added; a name that is taken gets ``_2``.
    added : names of the columns that were added.
    coverage : side ("first", "second"), n_rows, n_rows_matched, n_keys, n_keys_matched (Int64).
    orphans : side, key (String, parts joined by " · "), n_rows (Int64); up to 100 keys without a partner a side.
    """

    frame: pl.DataFrame
    added: tuple[str, ...]
    coverage: pl.DataFrame
    orphans: pl.DataFrame
    caveats: tuple[Caveat, ...]
    key: str


def join_table(first: pl.DataFrame, second: pl.DataFrame, spec: JoinSpec) -> JoinResult:
    """``first`` with what ``second`` knows of each row.

    Keys are compared as text without blanks around them; an empty part never matches. Where ``second`` has a key more
    than once with different values, the first in sorted order stands and the caveat counts the others.
    Raises ``AnalysisError``: ``join_no_keys``, ``join_column_missing``.
    """
    if not spec.on:
        raise AnalysisError("join_no_keys")
    for frame, names in ((first, [one for one, _ in spec.on]), (second, [*(two for _, two in spec.on), *spec.add])):
        for name in names:
            if name not in frame.columns:
                raise AnalysisError("join_column_missing", column=name)
    keys_second = [two for _, two in spec.on]
    wanted = spec.add or (() if spec.mark else tuple(second.columns))
    taken = [name for name in wanted if name not in keys_second]
    one = first.with_columns(_key([mine for mine, _ in spec.on]))
    two = second.select(*taken, _key(keys_second))
    held = two.drop_nulls("#key")
    facts = held.unique(maintain_order=True)
    if taken:
        facts = facts.sort(*(pl.col(name).cast(pl.String, strict=False) for name in taken), nulls_last=True)
    single = facts.unique("#key", keep="first", maintain_order=True)
    renamed = {name: _free(name, first.columns) for name in taken}
    known = single.rename(renamed).with_columns(pl.lit(True).alias("#there"))
    joined = one.join(known, on="#key", how="left", maintain_order="left")
    added = list(renamed.values())
    if spec.mark:
        marked = _free(spec.mark, [*first.columns, *added])
        joined = joined.with_columns(pl.col("#there").fill_null(False).alias(marked))
        added.append(marked)
    caveats = []
    n_other = facts.height - single.height
    if n_other:
        caveats.append(Caveat("join_key_repeated", "watch", {"n": n_other}))
    sides = (("first", one, held["#key"]), ("second", two, one["#key"]))
    return JoinResult(
        joined.drop("#key", "#there"),
        tuple(added),
        pl.DataFrame([_coverage(*side) for side in sides]),
        pl.concat([_orphans(*side) for side in sides]),
        tuple(caveats),
        derive_key("join_table", spec, digest_frame(first), digest_frame(second)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class LookupResult:
    """A Dataset with the columns of a second table in one of its tables, and the join that made it."""

    dataset: Dataset
    join: JoinResult
    key: str


def join_lookup(dataset: Dataset, second: RawTable, spec: JoinSpec) -> LookupResult:
    """``dataset`` with ``join_table`` done on its table ``spec.table``.

    Lines of returned orders keep their kind: the mark says that the order came back, not what was paid back. Raises as
    ``join_table``, and ``AnalysisError("table_missing")``.
    """
    join = join_table(dataset.table(spec.table), second.frame, spec)
    joined = Dataset.build(
        {**dataset.tables, spec.table: join.frame},
        as_of=dataset.as_of,
        currency=dataset.currency,
        money_digits=dataset.money_digits,
        sources=dataset.sources,
    )
    return LookupResult(joined, join, derive_key("join_lookup", spec, dataset.key, join.key))


def suggest_join(dataset: Dataset, second: RawTable, files: tuple[MappedTable, ...] = ()) -> JoinSpec | None:
    """The pair of columns of which most keys of ``second`` are found; None where fewer than half are.

    ``files`` are those that ``second`` could add to: where they are given, only their tables are tried.

    Ids and categories of transactions and customers are tried, in the schema's order, then attributes, then columns of
    the ``files`` behind them that mean nothing else; the first of equals stands. A second table that has nothing but
    its key and constants marks rows (the mark is called as its constant column, else as the table); another adds what
    it knows.
    """
    best: tuple[float, JoinSpec] | None = None
    keys = {name: set(_texts(second.frame, name)) for name in second.columns}
    for table, column, values in _joinable(dataset, files):
        known: set[str] | None = None
        for other, theirs in keys.items():
            if not theirs or (best is not None and best[0] == 1.0):
                continue
            known = set(values()) if known is None else known
            found = len(theirs & known) / len(theirs)
            if found >= _WORTH_A_JOIN and (best is None or found > best[0]):
                best = found, JoinSpec(on=((column, other),), mark=_mark(second, keys, other), table=table)
    return None if best is None else best[1]


def _joinable(dataset: Dataset, files: tuple[MappedTable, ...]) -> Iterator[tuple[str, str, Callable[[], list[str]]]]:
    """table, column, its keys: what a second table may be joined on, the likeliest kind first."""
    there = {mapped.table for mapped in files} or set(JOINED)
    for table in (name for name in JOINED if name in there):
        frame = dataset.tables.get(table, pl.DataFrame())
        for field in TABLES[table].fields:
            if field.role in {"id", "category"} and field.name in frame.columns:
                yield table, field.name, partial(_texts, frame, field.name)
    for table, column in own_columns(dataset, files):
        if column in dataset.tables[table].columns:
            yield table, column, partial(_texts, dataset.tables[table], column)
        else:
            for mapped in files:
                if mapped.table == table and column in mapped.raw.columns:
                    yield table, column, partial(_texts, mapped.raw.frame, column)


def own_columns(dataset: Dataset, files: tuple[MappedTable, ...]) -> tuple[tuple[str, str], ...]:
    """(table, heading): columns of texts and whole numbers that a second table may be joined on though they mean
    nothing to the analyses: attributes, and what mapping left aside."""
    found: dict[tuple[str, str], None] = {}
    there = {mapped.table for mapped in files} or set(JOINED)
    for table in (name for name in JOINED if name in there):
        frame = dataset.tables.get(table)
        if frame is None:
            continue
        for name, dtype in frame.schema.items():
            if name not in TABLES[table] and name != "kind" and (dtype == pl.String or dtype.is_integer()):
                found[table, name] = None
        for mapped in files:
            used = {column for column, _field in mapped.spec.columns}
            for column in mapped.raw.columns if mapped.table == table else ():
                dtype = mapped.raw.frame.schema[column]
                if column not in used and (dtype == pl.String or dtype.is_integer()):
                    found[table, column] = None
    return tuple(found)


def _mark(second: RawTable, keys: Mapping[str, set[str]], key: str) -> str:
    if any(len(held) > 1 for name, held in keys.items() if name != key):
        return ""
    constant = next((name for name, held in keys.items() if name != key and held), "")
    return constant or second.decided.sheet or second.name.rpartition(".")[0] or second.name


def carry(mapped: MappedTable, columns: tuple[str, ...]) -> MappedTable:
    """``mapped`` with further columns of its file as attributes: those a second table is joined on."""
    new = [column for column in columns if column in mapped.raw.columns and column not in mapped.frame.columns]
    if not new:
        return mapped
    frame = mapped.frame.hstack(mapped.raw.frame.select(pl.col(new).cast(pl.String)))
    key = derive_key("carry", tuple(new), mapped.key)
    return dataclasses.replace(mapped, frame=frame, attributes=(*mapped.attributes, *new), key=key)


def preview_join(files: tuple[MappedTable, ...], second: RawTable, spec: JoinSpec) -> JoinResult:
    """What ``spec`` would find among the rows of the files as they came. Raises as ``join_table``."""
    wanted = tuple(mine for mine, _theirs in spec.on)
    carried = [carry(mapped, wanted).frame for mapped in files if mapped.table == spec.table]
    known = [
        frame.select(pl.col(list(wanted)).cast(pl.String)) for frame in carried if set(wanted) <= set(frame.columns)
    ]
    first = pl.concat(known) if known else pl.DataFrame()
    return join_table(first, second.frame, spec)


def _texts(frame: pl.DataFrame, column: str) -> list[str]:
    return frame.select(_key([column]))["#key"].drop_nulls().unique().to_list()


def orphans(dataset: Dataset) -> pl.DataFrame:
    """Customers without a partner, both ways, for every table that names customers.

    Returns
    -------
    table (String), n_ids (ids in it), n_unknown (of these not in the customers table), n_rows_unknown (their rows),
    n_absent (customers that the table never names): Int64, in the order of the canonical tables. Empty without a
    customers table.
    """
    schema = {"table": pl.String, **dict.fromkeys(("n_ids", "n_unknown", "n_rows_unknown", "n_absent"), pl.Int64)}
    people = dataset.tables.get("customers")
    if people is None or "customer_id" not in people.columns:
        return pl.DataFrame(schema=schema)
    known = people.select("customer_id").drop_nulls().unique()
    rows = []
    for name, frame in dataset.tables.items():
        if name == "customers" or "customer_id" not in frame.columns:
            continue
        named = frame.select("customer_id").drop_nulls()
        strangers = named.join(known, on="customer_id", how="anti")
        ids = named.unique()
        rows.append(
            {
                "table": name,
                "n_ids": ids.height,
                "n_unknown": strangers["customer_id"].n_unique(),
                "n_rows_unknown": strangers.height,
                "n_absent": known.join(ids, on="customer_id", how="anti").height,
            }
        )
    return pl.DataFrame(rows, schema=schema)


def _key(columns: list[str]) -> pl.Expr:
    """The key as text; 17850.0 and 17850 are one; null where any part is empty."""
    parts = [pl.col(name).cast(pl.String).str.strip_chars().str.replace(r"^(-?\d+)\.0+$", "${1}") for name in columns]
    whole = pl.concat_str(parts, separator=" · ")
    filled = pl.all_horizontal(part.str.len_chars() > 0 for part in parts)
    return pl.when(filled).then(whole).alias("#key")


def _free(name: str, taken: Sequence[str]) -> str:
    """A name unlike any other and unlike the canonical fields: a second table does not say what those are."""
    free, n = name, 2
    while free in taken or any(free in schema for schema in TABLES.values()):
        free, n = f"{name}_{n}", n + 1
    return free


def _coverage(side: str, frame: pl.DataFrame, others: pl.Series) -> dict[str, object]:
    matched = frame.filter(pl.col("#key").is_in(others.drop_nulls().unique().implode()))
    return {
        "side": side,
        "n_rows": frame.height,
        "n_rows_matched": matched.height,
        "n_keys": frame["#key"].drop_nulls().n_unique(),
        "n_keys_matched": matched["#key"].n_unique(),
    }


def _orphans(side: str, frame: pl.DataFrame, others: pl.Series) -> pl.DataFrame:
    alone = frame.filter(~pl.col("#key").is_in(others.drop_nulls().unique().implode()).fill_null(True))
    counted = alone.group_by("#key").agg(pl.len().cast(pl.Int64).alias("n_rows"))
    counted = counted.sort("n_rows", "#key", descending=[True, False]).head(_EXAMPLES)
    return counted.select(pl.lit(side).alias("side"), pl.col("#key").alias("key"), "n_rows")
