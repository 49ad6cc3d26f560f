"""Repairs as a recipe: a person's own ordered steps, replayed alike on this file and on next month's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal, get_args

import polars as pl

from analytics.errors import AnalysisError
from analytics.schema import TABLES

Action = Literal["set_aside", "empty", "replace", "recode", "scale", "strip_start"]
Where = Literal["flagged", "one_of", "contains", "below", "above", "missing", "always"]
MOST_VALUES = 200
VALUES_OF: dict[str, tuple[int, int]] = {  # condition -> fewest and most values
    "flagged": (0, 0),
    "one_of": (1, MOST_VALUES),
    "contains": (1, 1),
    "below": (1, 1),
    "above": (1, 1),
    "missing": (0, 0),
    "always": (0, 0),
}
# A choice is saved and shared: it may say how a customer's number looks, never whose it is.
PERSONAL = frozenset({"name", "email", "phone"})
LONGEST = 200  # characters of a value


@dataclass(frozen=True, slots=True)
class Step:
    """One repair of one table, made on what the steps before it left.

    Attributes
    ----------
    action : "set_aside" the rows (they go to the quarantine), "empty" cells, "replace" them by ``to``, "recode" texts
        by ``pairs``, "scale" numbers by the factor ``to`` (money and quantities are rounded half away from zero),
        "strip_start": take the texts ``prefixes`` off the beginning, as often as they stand there ("C-00042" without
        "C-" and "0" is "42").
    table, field : whose cells; ``field`` is "" for "set_aside".
    where : which rows: "flagged" by the finding ``of``; the field ``of`` is "one_of" ``values``, "contains" one,
        is "below" or "above" one (numbers, or days as 2024-03-05; money in whole currency units), or is "missing";
        "always" takes every row.
    of : a field, or the code of a finding.
    values : the values compared with, as text.
    to : the new value, or the factor, as text.
    prefixes : for "strip_start".
    pairs : for "recode", on all rows: (value as it is, value as it shall be).

    Raises ``AnalysisError``: ``step_incomplete``, ``step_not_a_number``, ``step_not_a_day``, ``step_personal``,
    ``table_unknown``.
    """

    action: Action = "set_aside"
    table: str = "transactions"
    field: str = ""
    where: Where = "flagged"
    of: str = ""
    values: tuple[str, ...] = ()
    to: str = ""
    prefixes: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.table not in TABLES:
            raise AnalysisError("table_unknown", table=self.table)
        fewest, most = VALUES_OF[self.where] if self.where in get_args(Where) else (0, -1)
        whole = self.action == "set_aside"
        told = (self.action in get_args(Action)) and fewest <= len(self.values) <= most and all(self.values)
        told = told and whole == (not self.field) and (self.where == "always") == (not self.of)
        told = told and (self.action in ("replace", "scale")) == bool(self.to)
        told = told and (self.action == "strip_start") == bool(self.prefixes) and all(self.prefixes)
        recoded = [text for pair in self.pairs for text in pair]
        told = told and (self.action == "recode") == bool(recoded) and all(recoded) and len(recoded) <= 2 * MOST_VALUES
        told = told and (self.action != "recode" or self.where == "always")
        texts = (self.field, self.of, self.to, *self.values, *self.prefixes, *recoded)
        if not told or (whole and self.where == "always") or any(len(text) > LONGEST for text in texts):
            raise AnalysisError("step_incomplete")
        names_persons = {self.of} & PERSONAL or (self.of == "customer_id" and self.where == "one_of")
        if (names_persons and self.values) or (
            self.field in {*PERSONAL, "customer_id"} and self.action in ("replace", "recode")
        ):
            raise AnalysisError("step_personal", field=self.of if self.values else self.field)
        if self.action == "scale" and not _number(self.to):
            raise AnalysisError("step_not_a_number", value=self.to)
        self._readable(self.of, self.values)
        if self.action == "replace":
            self._readable(self.field, (self.to,))

    def _readable(self, name: str, texts: tuple[str, ...]) -> None:
        """Whether the values are of the field's type; attributes are known only once the data are there."""
        if self.where != "contains" and name in TABLES[self.table]:
            for text in texts:
                typed(text, TABLES[self.table][name].dtype, 0)


def typed(text: str, dtype: pl.DataType, money_digits: int) -> object:
    """``text`` as a value of a column; ``money_digits`` above 0 for money, which is given in whole units.

    Raises ``AnalysisError``: ``step_not_a_number``, ``step_not_a_day``.
    """
    if dtype.is_numeric():
        number = _number(text)
        if number is None:
            raise AnalysisError("step_not_a_number", value=text)
        scaled = number * 10**money_digits
        return float(scaled) if dtype.is_float() else int(scaled.to_integral_value(ROUND_HALF_UP))
    if dtype.is_temporal():
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise AnalysisError("step_not_a_day", value=text) from None
        return day if dtype == pl.Date else datetime.combine(day, time())
    if dtype == pl.Boolean:
        return text.lower() in ("1", "true", "yes")
    return text


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**15 else None
