"""Files without dates: which number of the customers table is a tenure, and which column says who left.

A name alone decides nothing: a tenure must be a number that is never negative and differs between customers, a churn
column must have exactly two values. Both can be changed by a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from analytics.dataset import Dataset
from analytics.survival.spec import Unit

_TENURE = re.compile(
    r"tenure|duration|lifetime|survival_?time|months?_(on|with|as|since|active)|(account|membership|contract)_?(age|length|"
    r"months?|days?)|account_?weeks|time_?with|网龄|網齡|在网|在網|入网时长|入網時長|留存时长|会龄|會齡|会员时长|會員時長|使用月数|使用月數|"
    r"在籍|年资|年資|存续|存續"
)
_LEFT = re.compile(
    r"churn|attrition|exited|cancell?ed|is_?(left|lost|gone)|has_?left|^left$|event|terminated|unsubscribed|流失|离开|離開|退订|"
    r"退訂|离网|離網|注销|註銷|解约|解約|退会|退會"
)
_YES = (
    "yes",
    "y",
    "true",
    "t",
    "1",
    "1.0",
    "churned",
    "churn",
    "left",
    "exited",
    "lost",
    "是",
    "已流失",
    "流失",
    "离开",
    "離開",
)
_UNITS: tuple[tuple[str, Unit], ...] = (
    (r"day|天|日", "day"),
    (r"week|周|週", "week"),
    (r"year|年", "year"),
    (r"month|月", "month"),
)
MOST_MONTHS = 150  # a tenure without a unit in its name beyond this is counted in days


@dataclass(frozen=True, slots=True)
class TenureColumns:
    """What the data offer: ``durations`` and ``events`` that could be meant, and what is proposed ("" for nothing)."""

    durations: tuple[str, ...]
    events: tuple[str, ...]
    duration: str
    event: str
    value: str
    unit: Unit


def propose_columns(dataset: Dataset) -> TenureColumns:
    """The columns of the customers table that could be a tenure and a churn flag, and the likeliest of each."""
    people = dataset.tables.get("customers", pl.DataFrame())
    columns = [name for name in people.columns if name != "customer_id"]
    durations = tuple(name for name in columns if is_duration(people[name]))
    events = tuple(name for name in columns if name not in durations and is_flag(people[name]))
    events += tuple(name for name in durations if is_flag(people[name]))
    duration = next((name for name in durations if _TENURE.search(_plain(name)) and not is_flag(people[name])), "")
    event = next((name for name in events if _LEFT.search(_plain(name)) and name != duration), "")
    value = left_value(people[event]) if event else ""
    return TenureColumns(durations, events, duration, event, value, unit_of(people, duration) if duration else "month")


def is_duration(column: pl.Series) -> bool:
    """Numbers, none of them negative, several of them different."""
    if not column.dtype.is_numeric() or column.null_count() == len(column):
        return False
    return float(column.min()) >= 0 and column.n_unique() >= 3  # type: ignore[arg-type]  # a scalar: Polars types any literal


def is_flag(column: pl.Series) -> bool:
    """Exactly two values."""
    if not (column.dtype == pl.Boolean or column.dtype == pl.String or column.dtype.is_numeric()):
        return False
    return bool(column.drop_nulls().n_unique() == 2)


def left_value(column: pl.Series) -> str:
    """Which of a flag's two values means left: the one that says yes, else the rarer."""
    counts = column.drop_nulls().cast(pl.String).value_counts().rename({column.name: "value"})
    named = [value for value in counts["value"].sort() if value.strip().lower() in _YES]
    if len(named) == 1:
        return str(named[0])
    return str(counts.sort("count", "value")["value"][0]) if counts.height else ""


def unit_of(people: pl.DataFrame, name: str) -> Unit:
    """The unit its name tells, else months, or days where the numbers are too large for months."""
    for pattern, unit in _UNITS:
        if re.search(pattern, _plain(name)):
            return unit
    return "month" if float(people[name].max()) <= MOST_MONTHS else "day"  # type: ignore[arg-type]  # a scalar: Polars types any literal


def _plain(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\s_\-]+", "_", parted).lower()
