"""A person's own cuts: the first rule that a customer meets is their segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.customers import CustomerTable
from analytics.errors import AnalysisError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_RULES, MOST_CONDITIONS, LONGEST_NAME = 12, 8, 40
_NEAR = 0.1  # a customer within a tenth of all customers from a cut is near it


@dataclass(frozen=True, slots=True)
class Condition:
    """What a trait must be. Unknown values meet no condition.

    ``test``: "at_least" (>= ``low``), "below" (< ``high``), "between" (>= ``low`` and < ``high``) for numbers;
    "one_of" (``values``; "true" and "false" for flags). ``field`` is a column of the customer table that a trait
    stands in ("recency_days", "city", "category_mix: Groceries"). Raises ``AnalysisError``: condition_incomplete.
    """

    field: str
    test: Literal["at_least", "below", "between", "one_of"] = "at_least"
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        bounds = [value for value in (self.low, self.high) if value is not None]
        complete = {
            "at_least": self.low is not None,
            "below": self.high is not None,
            "between": self.low is not None and self.high is not None and self.low < self.high,
            "one_of": bool(self.values),
        }[self.test]
        if not complete or not np.isfinite(bounds).all():
            raise AnalysisError("condition_incomplete", field=self.field)


@dataclass(frozen=True, slots=True)
class Rule:
    """A segment by its name and the conditions that all hold in it. Raises ``AnalysisError``: rule_name_missing,
    rule_without_conditions, too_many_conditions."""

    name: str
    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > LONGEST_NAME:
            raise AnalysisError("rule_name_missing", most=LONGEST_NAME)
        if not self.conditions:
            raise AnalysisError("rule_without_conditions", name=self.name)
        if len(self.conditions) > MOST_CONDITIONS:
            raise AnalysisError("too_many_conditions", name=self.name, most=MOST_CONDITIONS)


def check_rules(rules: tuple[Rule, ...]) -> None:
    """Refuse more than twelve rules, and two of one name."""
    if len(rules) > MOST_RULES:
        raise AnalysisError("too_many_rules", n=len(rules), most=MOST_RULES)
    names = [rule.name.strip() for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise AnalysisError("rule_name_twice", name=name)


@dataclass(frozen=True, slots=True, eq=False)
class RulesModel:
    """Rules in order, and where their cuts lie among the customers they were made for.

    ``percentiles``: (field, its percentiles 0-100 among those customers) for every field with a cut.
    """

    rules: tuple[Rule, ...]
    percentiles: tuple[tuple[str, tuple[float, ...]], ...]

    def place(self, frame: pl.DataFrame) -> tuple[Ints, Floats]:
        """The first rule each row meets, the number of rules for the rest; margin by rank from the nearest cut."""
        n = len(self.rules)
        index = np.full(frame.height, n, dtype=np.int64)
        for i in reversed(range(n)):
            index[_meets(frame, self.rules[i])] = i
        margin = np.ones(frame.height)
        for field, grid in self.percentiles:
            values = frame[field].cast(pl.Float64).to_numpy() if field in frame.columns else np.empty(0)
            if not len(values):
                continue
            at = np.interp(values, grid, np.linspace(0, 1, len(grid)))
            for cut in _cuts(self.rules, field):
                away = np.abs(at - np.interp(cut, grid, np.linspace(0, 1, len(grid)))) / _NEAR
                margin = np.minimum(margin, np.where(np.isfinite(away), away, 1.0))
        return index, margin


def fit_rules(customers: CustomerTable, frame: pl.DataFrame, rules: tuple[Rule, ...]) -> RulesModel:
    """Check the rules against the traits that are there. Raises ``AnalysisError``: rules_empty, rule_field_unknown,
    rule_field_not_numeric."""
    if not rules:
        raise AnalysisError("rules_empty")
    kinds = {column: trait.kind for trait in customers.traits for column in trait.columns}
    for rule in rules:
        for condition in rule.conditions:
            if condition.field not in kinds:
                raise AnalysisError("rule_field_unknown", name=rule.name, field=condition.field)
            if condition.test != "one_of" and kinds[condition.field] not in ("number", "counts"):
                raise AnalysisError("rule_field_not_numeric", name=rule.name, field=condition.field)
    fields = [name for name in kinds if _cuts(rules, name)]
    grid = np.linspace(0, 1, 101)
    percentiles = tuple(
        (name, tuple(np.quantile(held, grid).tolist()))
        for name in fields
        if len(held := frame[name].cast(pl.Float64).drop_nulls().to_numpy())
    )
    return RulesModel(rules, percentiles)


def _cuts(rules: tuple[Rule, ...], field: str) -> list[float]:
    found = {
        cut
        for rule in rules
        for condition in rule.conditions
        if condition.field == field and condition.test != "one_of"
        for cut in (condition.low, condition.high)
        if cut is not None
    }
    return sorted(found)


def _meets(frame: pl.DataFrame, rule: Rule) -> npt.NDArray[np.bool_]:
    held = pl.lit(True)
    for condition in rule.conditions:
        column = pl.col(condition.field)
        if condition.field not in frame.columns:
            return np.zeros(frame.height, dtype=bool)
        if condition.test == "one_of":
            held = held & column.cast(pl.String).is_in(list(condition.values))
        if condition.test in ("at_least", "between"):
            held = held & (column >= condition.low)
        if condition.test in ("below", "between"):
            held = held & (column < condition.high)
    met = frame.select(held.fill_null(False).alias("met"))["met"]
    return (met.to_numpy() if len(met) == frame.height else np.repeat(met.to_numpy(), frame.height)).astype(bool)
