"""What validation is told and what it says: the spec, the issues, the balance of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import polars as pl

from analytics.dataset import Dataset
from analytics.errors import AnalysisError, Caveat
from analytics.quality.recipe import Step

Severity = Literal["block", "check", "repaired", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
Remedy = Literal["merge", "quarantine", "keep", "mark", "empty", "fill", "read", "choose"]
THRESHOLDS: dict[str, tuple[float, float]] = {  # field of QualitySpec -> least and most
    "outlier_times_usual": (2.0, 1000.0),
    "order_twice_minutes": (1, 1440),
    "gap_open_share": (0.5, 1.0),
    "gap_days": (1, 60),
    "drift_share": (0.01, 0.5),
    "near_unique_share": (0.5, 1.0),
}
MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class QualitySpec:
    """The recipe of repairs: what is done with each kind of finding, then a person's own steps in their order.

    Attributes
    ----------
    duplicates : lines that repeat another cell by cell and carry an order id or a time of day: "merge" into one.
        Repeats without either (two equal purchases on one day; answers without a name) are never merged.
    same_customer : several rows of the customers table with one id: "merge" keeps the fullest row.
    missing_customer : "keep" order lines without a customer (they count in demand and baskets).
    missing_date : order lines without a date.
    negative_price : lines with a unit price below zero (bad debt, corrections).
    zero_price : lines with a unit price of zero: "mark" as kind "service" (samples, stock corrections: no sale).
    unparsed : rows whose date, amount, price or quantity cannot be read: "quarantine", or "empty" the cell.
    future_dates, early_dates : rows after ``as_of``, or far outside the period that the rest covers.
    service_codes : postage, fees, manual corrections among the products: "mark" as kind "service".
    test_accounts : "mark" as account type "test", which the population leaves out.
    spelling_variants : values that differ in case, blanks or full-width letters only: "merge" into the commonest.
    impossible_values : ages, birth years and ratings that cannot be: "empty" the cell.
    overlaps : rows with an identity that a later file repeats on days that an earlier one covers: "merge" into those.
    as_of : the last observed day; None takes the last day with orders.
    currency : ISO 4217 code; "" takes the one that the amounts show.
    outlier_times_usual : a quantity is told as unusual from 100 items and from so many times the one that 99.5 % of
        lines stay within.
    order_twice_minutes : the same lines by one customer under another number within so many minutes.
    gap_open_share : a weekday is usually open where so large a share of the same weekdays around have orders.
    gap_days : from so many usually open days in a row a gap is to be looked at, below it is a note (holidays).
    drift_share : values of a category and forms of ids that hold so large a share are watched for abrupt changes.
    near_unique_share : distinct values over filled cells from which a column tells no groups apart.
    steps : the person's own repairs; they come behind what is done to the rows of each file and before what looks
        across tables (the same customer twice, test accounts, spellings, orphans).

    Raises ``AnalysisError``: ``currency_invalid``, ``too_many_steps``, ``threshold_invalid`` (outside
    ``THRESHOLDS``).
    """

    duplicates: Literal["merge", "keep"] = "merge"
    same_customer: Literal["merge", "keep"] = "merge"
    missing_customer: Literal["keep", "quarantine"] = "keep"
    missing_date: Literal["quarantine", "keep"] = "quarantine"
    negative_price: Literal["quarantine", "keep"] = "quarantine"
    zero_price: Literal["mark", "keep", "quarantine"] = "mark"
    unparsed: Literal["quarantine", "empty"] = "quarantine"
    future_dates: Literal["quarantine", "keep"] = "quarantine"
    early_dates: Literal["quarantine", "keep"] = "quarantine"
    service_codes: Literal["mark", "keep", "quarantine"] = "mark"
    test_accounts: Literal["mark", "keep", "quarantine"] = "mark"
    spelling_variants: Literal["merge", "keep"] = "merge"
    impossible_values: Literal["empty", "keep"] = "empty"
    overlaps: Literal["merge", "keep"] = "merge"
    as_of: date | None = None
    currency: str = ""
    outlier_times_usual: float = 20.0
    order_twice_minutes: int = 10
    gap_open_share: float = 0.8
    gap_days: int = 4
    drift_share: float = 0.05
    near_unique_share: float = 0.95
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if len(self.steps) > MOST_STEPS:
            raise AnalysisError("too_many_steps", n=len(self.steps), limit=MOST_STEPS)
        if self.currency and not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise AnalysisError("currency_invalid", currency=self.currency)
        for field, (low, high) in THRESHOLDS.items():
            if not low <= getattr(self, field) <= high:
                raise AnalysisError("threshold_invalid", field=field, low=low, high=high)


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding, counted as it stands in the file, before any repair.

    Attributes
    ----------
    code : ``issue.<code>`` are its words.
    severity : "block" (the table is of no use so), "check" (a person should look), "repaired", "note".
    field : the canonical field, "" for whole rows.
    n_rows, row_share : rows of the source (or, for findings across files, of the table).
    revenue_share : amounts of those rows over all positive amounts of the table; None where there are no amounts.
    examples : up to five values as written ("other_spellings": up to 50 groups, the commonest spelling first).
    remedy : what was done, one of ``Remedy``; ``remedy.<remedy>`` are its words.
    source : the file's name, "" for findings across files.
    n_days : days that a finding is about when no row is (days without orders).
    """

    code: str
    severity: Severity
    table: str
    field: str
    n_rows: int
    row_share: float
    revenue_share: float | None
    examples: tuple[str, ...]
    remedy: Remedy
    source: str
    n_days: int = 0


@dataclass(frozen=True, slots=True)
class SourceBalance:
    """Where a file's rows went: rows_in = kept + quarantined + merged."""

    source: str
    table: str
    rows_in: int
    kept: int
    quarantined: int
    merged: int

    def __post_init__(self) -> None:
        if self.rows_in != self.kept + self.quarantined + self.merged:
            raise AssertionError(f"rows of {self.source} do not add up: {self}")


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Every finding (the gravest first, then by rows) and the balance of each source."""

    issues: tuple[Issue, ...]
    balances: tuple[SourceBalance, ...]

    def find(self, code: str, table: str | None = None, field: str | None = None) -> tuple[Issue, ...]:
        """The issues with this code, of this table and field where given."""
        return tuple(
            issue
            for issue in self.issues
            if issue.code == code and table in (None, issue.table) and field in (None, issue.field)
        )


@dataclass(frozen=True, slots=True, eq=False)
class ValidationResult:
    """The validated data and what became of the rest.

    Attributes
    ----------
    dataset : tables with canonical columns in the schema's order, ``kind`` behind those of transactions, then
        attributes.
    report : findings and balances.
    quarantine : table, source (the file's name; of an archive, the name of the file in it), row_number (1-based data
        row of that file), reason (code), then the source's own columns as text.
    merged : table, source, row_number, into_row_number: rows that were merged into another; into_source where that
        row may stand in another file.
    ledger : one row per repair, in the order in which they were made: step (1-based), own (place in ``spec.steps``,
        null for a standing repair), action, reason (code of the finding or of the quarantine), table, field, n_rows
        (touched), rows_before, rows_after, revenue_before, revenue_after (sums of ``amount`` in minor units, null
        without amounts). rows_after of one is rows_before of the next of its table.
    """

    dataset: Dataset
    report: QualityReport
    quarantine: pl.DataFrame
    merged: pl.DataFrame
    ledger: pl.DataFrame
    caveats: tuple[Caveat, ...]
    key: str
