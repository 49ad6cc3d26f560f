"""``validate``: mapped tables to a ``Dataset``, with every row accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from analytics.dataset import UNKNOWN_DAY, Dataset, Source
from analytics.errors import AnalysisError, Caveat
from analytics.keys import derive_key
from analytics.mapped import beside, combined, let_go, rows_at, rowwise, where
from analytics.mapping import MappedTable
from analytics.progress import report
from analytics.quality.across import note_orphans, settle_customers, settle_spelling, settle_test_accounts
from analytics.quality.calendar import covered_days
from analytics.quality.checks import note_tables
from analytics.quality.findings import IssueBook, examples
from analytics.quality.ledger import Ledger, alive
from analytics.quality.order_lines import note_lines, with_amounts, with_kind
from analytics.quality.overlaps import settle_overlaps
from analytics.quality.repairs import apply_steps
from analytics.quality.report import (
    SEVERITIES,
    Issue,
    QualityReport,
    QualitySpec,
    SourceBalance,
    ValidationResult,
)
from analytics.quality.reversals import settle_reversals
from analytics.quality.rows import Period, empty_impossible, judge, with_no_rows
from analytics.quality.stacking import stack
from analytics.schema import TABLES

_CELL_REMEDIES = ("empty", "fill", "mark")


def validate(tables: Sequence[MappedTable], spec: QualitySpec | None = None) -> ValidationResult:
    """Check, repair and set aside; nothing is dropped silently.

    Issues of one file are counted as they stand in it; those across tables (source "") behind the person's own steps.
    Of the standing repairs, quarantine comes first, then merging.
    A table none of whose rows can be used is left out of the Dataset and blocks (issue ``no_rows_left``).
    Raises ``AnalysisError``: ``nothing_to_validate``, ``same_file_twice``.
    """
    spec = spec or QualitySpec()
    _refuse_repeats(tables)
    key = derive_key("validate", spec, *(mapped.key for mapped in tables))
    digits = max(mapped.money_digits for mapped in tables)
    periods = _periods(tables, spec)

    issues: list[Issue] = []
    caveats = [caveat for mapped in tables for caveat in mapped.caveats]
    checked: dict[str, list[pl.DataFrame]] = {}
    for i, mapped in enumerate(tables):
        report(i / (len(tables) + 1), "validate")
        frame, book, said = _check(mapped, spec, periods[mapped.table], digits)
        checked.setdefault(mapped.table, []).append(beside(frame, _of_source(i, frame.height)))
        issues += book.issues
        caveats += said

    report(len(tables) / (len(tables) + 1), "validate")
    files = [mapped.raw.name for mapped in tables]
    together = {}
    for name in (name for name in TABLES if name in checked):
        together[name], found = stack(name, checked[name], files)
        issues += found
    let_go()
    ledger = Ledger(together)
    _enter_standing(ledger, together, issues)
    let_go()
    together, found = settle_overlaps(together, spec)
    issues += found
    _enter_across(ledger, together, found)
    together, found = settle_reversals(together, spec)
    issues += found
    zero_is_service = spec.zero_price == "mark"
    together, said = apply_steps(together, spec.steps, digits, zero_is_service, ledger)
    caveats += said
    for settle in (settle_customers, settle_test_accounts, settle_spelling):
        together, found = settle(together, spec)
        issues += found
        _enter_across(ledger, together, found)
    issues += note_orphans(together)

    kept = {name: rowwise(frame, alive()) for name, frame in together.items()}
    issues += [_no_rows_left(name, together[name]) for name, rows in kept.items() if not rows.any()]
    currencies = sorted({r.currency for mapped in tables for r in mapped.readings if r.currency})
    dataset = Dataset.build(
        {name: _canonical(name, together[name], tables) for name, rows in kept.items() if rows.any()},
        rows=kept,
        as_of=next(iter(periods.values())).as_of,
        currency=spec.currency or (currencies[0] if len(currencies) == 1 else ""),
        money_digits=digits,
        sources=tuple(Source(mapped.raw.name, mapped.raw.digest, mapped.raw.n_rows) for mapped in tables),
    )
    # Of a single file the sorted rows serve, and need not be taken out again.
    remaining = dict(dataset.tables)
    if len(tables) > 1:
        remaining = {name: where(together[name], kept[name]) for name in remaining}
    covered = {name: (period.first, period.last) for name, period in periods.items()}
    let_go()
    issues += note_tables(together, remaining, covered, files, spec)
    caveats += _data_caveats(dataset.tables, periods, currencies, spec)
    report(1.0, "validate")
    issues.sort(key=lambda issue: (SEVERITIES.index(issue.severity), -issue.n_rows, issue.code, issue.field))
    let_go()
    return ValidationResult(
        dataset,
        QualityReport(tuple(issues), _balances(together, tables)),
        _quarantine(together, tables),
        _merged(together, tables),
        ledger.frame(),
        _distinct(caveats),
        key,
    )


def _of_source(i: int, n_rows: int) -> pl.Series:
    return pl.repeat(i, n_rows, dtype=pl.UInt16, eager=True).alias("#source")


def _refuse_repeats(tables: Sequence[MappedTable]) -> None:
    if not tables:
        raise AnalysisError("nothing_to_validate")
    seen: set[tuple[str, str, str]] = set()
    for mapped in tables:
        same = (mapped.raw.digest, mapped.table, mapped.raw.decided.sheet)
        if same in seen:
            raise AnalysisError("same_file_twice", name=mapped.raw.name)
        seen.add(same)


def _periods(tables: Sequence[MappedTable], spec: QualitySpec) -> dict[str, Period]:
    """The period of each table, and the one end of observation: the last day with orders, else the last day at all."""
    covered: dict[str, tuple[date | None, date | None]] = {}
    for name in TABLES:
        field = TABLES[name].time_field
        days = [m.frame[field].cast(pl.Date) for m in tables if m.table == name and field in m.frame.columns]
        if any(mapped.table == name for mapped in tables):
            covered[name] = covered_days(pl.concat(days)) if days else (None, None)
    lasts = [last for name, (_, last) in covered.items() if last is not None and name != "customers"]
    ordered = covered.get("transactions", (None, None))[1]
    joined = covered.get("customers", (None, None))[1]
    as_of = spec.as_of or ordered or max(lasts, default=joined or UNKNOWN_DAY)
    return {
        name: Period(first, spec.as_of if spec.as_of is not None and last is not None else last, as_of)
        for name, (first, last) in covered.items()
    }


def _check(
    mapped: MappedTable, spec: QualitySpec, period: Period, digits: int
) -> tuple[pl.DataFrame, IssueBook, list[Caveat]]:
    """One source: its rows with reasons and repeats, its issues, and what its amounts rest on."""
    frame = _at_digits(with_no_rows(mapped), mapped, digits)
    caveats: list[Caveat] = []
    if mapped.table == "transactions":
        frame, caveats = with_amounts(frame)
        frame = with_kind(frame, spec)
    book = IssueBook(mapped.table, mapped.raw.name, frame, _flagged(spec, mapped.table))
    if mapped.table == "transactions":
        note_lines(book, frame, spec, digits)
    frame = empty_impossible(mapped, frame, spec, period, book)
    frame = judge(mapped, frame, spec, period, book)
    spare = [name for name in frame.columns if name.startswith("?")]
    flags = (mask.alias(name) for name, mask in book.flags.items())
    frame = beside(frame.drop(spare, "#blank", "#totals", "#no_row"), *flags)
    return frame, book, caveats


def _flagged(spec: QualitySpec, table: str) -> frozenset[str]:
    """The findings whose rows a step of the recipe names."""
    return frozenset(step.of for step in spec.steps if step.table == table and step.where == "flagged")


def _at_digits(frame: pl.DataFrame, mapped: MappedTable, digits: int) -> pl.DataFrame:
    factor = 10 ** (digits - mapped.money_digits)
    money = [field.name for field in TABLES[mapped.table].fields if field.role == "amount"]
    return frame.with_columns(pl.col(name) * factor for name in money if factor > 1 and name in frame.columns)


def _no_rows_left(name: str, frame: pl.DataFrame) -> Issue:
    """The examples are the reasons (codes), the commonest first."""
    reasons = examples(frame["#reason"])
    return Issue("no_rows_left", "block", name, "", frame.height, 1.0, None, reasons, "quarantine", "")


def _enter_standing(ledger: Ledger, tables: dict[str, pl.DataFrame], issues: Sequence[Issue]) -> None:
    """What the standing repairs did to each file: cells first, then rows set aside by reason, then repeats."""
    for table, frame in tables.items():
        cells: dict[tuple[str, str, str], int] = {}
        for issue in issues:
            if issue.table == table and issue.remedy in _CELL_REMEDIES:
                place = (issue.remedy, issue.code, issue.field)
                cells[place] = cells.get(place, 0) + issue.n_rows
        for (action, code, field), n_rows in cells.items():
            ledger.enter(tables, action, code, table, field, n_rows, left=ledger.standing(table))
        amount = pl.col("amount").sum() if "amount" in frame.columns else pl.lit(None, pl.Int64).first()
        told = [name for name in ("#reason", "#into", "amount") if name in frame.columns]
        why = pl.when(~alive()).then(pl.coalesce("#reason", pl.lit("duplicate_rows"))).alias("why")
        gone = combined(frame.select(told), [why], pl.len().alias("n_rows"), amount.alias("amount")).drop_nulls("why")
        for why_code, n_rows, revenue in sorted(
            gone.select("why", "n_rows", "amount").rows(),
            key=lambda entry: (entry[0] == "duplicate_rows", -entry[1], entry[0]),
        ):
            rows, worth = ledger.standing(table)
            left = (rows - n_rows, None if worth is None else worth - (revenue or 0))
            action = "merge" if why_code == "duplicate_rows" else "quarantine"
            ledger.enter(tables, action, why_code, table, "", n_rows, left=left)


def _enter_across(ledger: Ledger, tables: dict[str, pl.DataFrame], found: Sequence[Issue]) -> None:
    for issue in found:
        if issue.remedy in ("merge", "quarantine", "mark"):
            ledger.enter(tables, issue.remedy, issue.code, issue.table, issue.field, issue.n_rows)


def _canonical(name: str, frame: pl.DataFrame, tables: Sequence[MappedTable]) -> pl.DataFrame:
    """Canonical columns in the schema's order, ``kind`` behind those of transactions, then attributes."""
    schema = TABLES[name]
    columns = [field.name for field in schema.fields if field.name in frame.columns]
    if name == "transactions":
        columns.append("kind")
    attributes = dict.fromkeys(a for mapped in tables if mapped.table == name for a in mapped.attributes)
    casts = {field.name: field.dtype for field in schema.fields if field.name in columns}
    return frame.select([*columns, *attributes]).cast(casts)  # type: ignore[arg-type]  # Polars takes any mapping of types; its own alias is invariant


def _data_caveats(
    canonical: Mapping[str, pl.DataFrame], periods: dict[str, Period], currencies: list[str], spec: QualitySpec
) -> list[Caveat]:
    caveats: list[Caveat] = []
    if spec.as_of is None and all(period.as_of == UNKNOWN_DAY for period in periods.values()):
        caveats.append(Caveat("as_of_unknown"))
    if len(currencies) > 1 and not spec.currency:
        caveats.append(Caveat("currencies_mixed", params={"currencies": ", ".join(currencies)}))
    orders = canonical.get("transactions")
    if orders is None:
        return caveats
    if "customer_id" not in orders.columns or orders["customer_id"].null_count() == orders.height:
        caveats.append(Caveat("all_ids_missing"))
    elif _is_one(orders, "customer_id"):
        caveats.append(Caveat("one_customer"))
    if "order_id" in orders.columns and _is_one(orders, "order_id"):
        caveats.append(Caveat("one_order"))
    return caveats


def _is_one(frame: pl.DataFrame, name: str) -> bool:
    """Whether one value stands wherever there is any."""
    first = frame[name].is_not_null().arg_max()
    if first is None or frame[name][first] is None:
        return False
    return not rowwise(frame, pl.col(name) != frame[name][first]).any()


def _balances(together: dict[str, pl.DataFrame], tables: Sequence[MappedTable]) -> tuple[SourceBalance, ...]:
    balances = []
    for i, mapped in enumerate(tables):
        rows = together[mapped.table].select("#source", "#reason", "#into")
        own, aside = pl.col("#source") == i, pl.col("#reason").is_not_null()
        merged_away = own & ~aside & pl.col("#into").is_not_null()
        masks = {"quarantined": own & aside, "merged": merged_away, "kept": own & alive()}
        quarantined, merged, kept = rows.select(mask.sum().alias(name) for name, mask in masks.items()).row(0)
        balances.append(SourceBalance(mapped.raw.name, mapped.table, mapped.raw.n_rows, kept, quarantined, merged))
    return tuple(balances)


def _quarantine(together: dict[str, pl.DataFrame], tables: Sequence[MappedTable]) -> pl.DataFrame:
    """The rows set aside as they stand in their files."""
    head = {"table": pl.String, "source": pl.String, "row_number": pl.UInt32, "reason": pl.String}
    pieces = [pl.DataFrame(schema=head)]
    for i, mapped in enumerate(tables):
        rows = together[mapped.table].select("#source", "row_number", "#reason")
        rows = where(rows, rowwise(rows, (pl.col("#source") == i) & pl.col("#reason").is_not_null()))
        if not rows.height:
            continue
        let_go()
        source = rows_at(mapped.raw.frame, rows["row_number"] - 1)
        names = {name: f"{name} (source)" if name in head else name for name in source.columns}
        originals = source.select(pl.col(old).cast(pl.String, strict=False).alias(new) for old, new in names.items())
        lead = mapped.raw.origins(rows["row_number"]).select(
            pl.lit(mapped.table).alias("table"), "source", "row_number", rows["#reason"].alias("reason")
        )
        pieces.append(lead.hstack(originals))
    return pl.concat(pieces, how="diagonal")


def _merged(together: dict[str, pl.DataFrame], tables: Sequence[MappedTable]) -> pl.DataFrame:
    head = {"table": pl.String, "source": pl.String, "row_number": pl.UInt32, "into_row_number": pl.UInt32}
    pieces = [pl.DataFrame(schema=head)]
    for i, mapped in enumerate(tables):
        rows = together[mapped.table].select(pl.col("^#.*|row_number$"))
        merged_away = (pl.col("#source") == i) & pl.col("#reason").is_null() & pl.col("#into").is_not_null()
        rows = where(rows, rowwise(rows, merged_away))
        place = pl.col("#into_source").fill_null(i) if "#into_source" in rows.columns else pl.lit(i, pl.UInt16)
        for (j,), part in rows.group_by(place.alias("#into_source"), maintain_order=True):
            target = tables[int(str(j))].raw
            into = target.origins(part["#into"])
            # Within one file the row says it all; from file to file, or from member to member, its name too.
            named = [into["source"].alias("into_source")] if j != i or target.members else []
            origin = mapped.raw.origins(part["row_number"])
            into_row = into["row_number"].alias("into_row_number")
            pieces.append(origin.select(pl.lit(mapped.table).alias("table"), "source", "row_number", into_row, *named))
    return pl.concat(pieces, how="diagonal")


def _distinct(caveats: Iterable[Caveat]) -> tuple[Caveat, ...]:
    distinct: list[Caveat] = []
    for caveat in caveats:
        if caveat not in distinct:
            distinct.append(caveat)
    return tuple(distinct)
