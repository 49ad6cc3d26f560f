"""Names that several parts share: of the target, of features, models and shares."""

from __future__ import annotations

from analytics.churn import ChurnResult
from analytics.i18n import Words, escape_markdown


def space(_: Words) -> str:
    """Between two sentences."""
    return " " if _.language == "en" else ""


def model_name(model: str, _: Words) -> str:
    """What people read for a model or a simple rule."""
    return _.phrase(f"baseline.{model}")


def feature_name(feature: str, _: Words) -> str:
    """What people read for a feature: "contacts_30_of: price" is a count of one kind, "a + b" a group."""
    if " + " in feature:
        return " + ".join(feature_name(part, _) for part in feature.split(" + "))
    trait, mark, level = feature.partition(": ")
    if mark and trait.endswith("_of") and _.has_phrase(f"field.{trait}"):
        return _.phrase(f"field.{trait}", event=_.label("event", level), reason=level)
    return _.label("field", feature)


def levelled(feature: str, level: str | None, _: Words) -> str:
    """A feature, with the level that is meant where it is a category."""
    name = feature_name(feature, _)
    return _("{feature}: {level}", feature=name, level=level) if level else name


def days(n: int | None, _: Words) -> str:
    """``30 days``."""
    return _.ngettext("{n} day", "{n} days", n or 0)


def small_share(share: float | None, _: Words) -> str:
    """A share; with one decimal where it is small."""
    return _.percent(share, 1 if share is not None and 0 < share < 0.095 else 0)


def level_name(result: ChurnResult, _: Words) -> str:
    """``90%``: of all intervals of the result."""
    return _.percent(result.spec.level)


def what_is_gone(result: ChurnResult, _: Words) -> str:
    """What counts as gone, in a sentence."""
    if result.target == "left":
        return _("Gone: the leaving date lies within the {days} after a cut-off.", days=days(result.horizon_days, _))
    if result.target == "no_order":
        return _("Gone: no order within the {days} after a cut-off.", days=days(result.horizon_days, _))
    return _(
        "Gone: {column} is {value}, as of the file.",
        column=escape_markdown(_.label("field", result.column)),
        value=escape_markdown(result.gone_value),
    )


def is_dated(result: ChurnResult) -> bool:
    """Whether there are cut-offs: a column without dates cannot tell how early anybody would have been warned."""
    return result.validation == "cutoffs"
