"""The Validation page: what became of every row, and what was found in them."""

from __future__ import annotations

from typing import Any

import altair as alt

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import Spec, finish, label_expr, neutral, plain_axis, tooltip
from analytics.i18n import Words, escape_markdown
from analytics.quality import Issue, ValidationResult

MOST_BARS = 10
ICONS = {
    "block": ":red[:material/block:]",
    "check": ":orange[:material/warning:]",
    "repaired": ":green[:material/check_circle:]",
    "note": ":blue[:material/info:]",
}


def headline(result: ValidationResult, _: Words) -> Headline:
    """Rows in = kept + quarantined + merged, and the gravest finding."""
    balances = result.report.balances
    rows_in, kept = sum(item.rows_in for item in balances), sum(item.kept for item in balances)
    quarantined, merged = sum(item.quarantined for item in balances), sum(item.merged for item in balances)
    share = kept / rows_in if rows_in else 0.0
    if kept == rows_in:
        finding = _("All rows are kept: nothing had to be set aside")
    else:
        finding = _("{share} of rows are kept; every other row is accounted for", share=_exact(share, _))
    blocking = [issue for issue in result.report.issues if issue.severity == "block"]
    looks = [issue for issue in result.report.issues if issue.severity == "check"]
    if blocking:
        sentence = _("Blocks the way: {problem}.", problem=_.phrase(f"issue.{blocking[0].code}"))
    elif looks:
        n = len(looks)
        sentence = _.ngettext(
            "{n} finding wants your look; the repairs below can be changed.",
            "{n} findings want your look; the repairs below can be changed.",
            n,
        )
    else:
        sentence = _("Nothing that wants a decision was found.")
    metrics = (
        Metric(_("Rows in"), _.number(rows_in)),
        Metric(_("= Kept"), _.number(kept), _.percent(share, 1)),
        Metric(_("+ Quarantined"), _.number(quarantined), _.percent(quarantined / rows_in if rows_in else 0.0, 1)),
        Metric(_("+ Merged"), _.number(merged), _.percent(merged / rows_in if rows_in else 0.0, 1)),
    )
    return Headline(finding, sentence, metrics)


def issue_rows(result: ValidationResult, _: Words) -> list[dict[str, str]]:
    """The table of findings: one row each, the gravest first, written out."""
    return [
        {
            _("Severity"): f"{ICONS[issue.severity]} {_.phrase(f'severity.{issue.severity}')}",
            _("Problem"): _problem(issue, _),
            _("Where"): _where(issue, _),
            _("Rows"): _.number(issue.n_rows),
            _("Share of rows"): _.percent(issue.row_share, 2),
            _("Revenue touched"): _.percent(issue.revenue_share, 2),
            _("What was done"): _.phrase(f"remedy.{issue.remedy}"),
            _("Examples"): escape_markdown(_.listing(example[:30] for example in issue.examples[:3])),
        }
        for issue in result.report.issues
    ]


def findings(result: ValidationResult, _: Words) -> Spec:
    """Bars of the rows that each of the most frequent findings touches."""
    shown = sorted(result.report.issues, key=lambda issue: -issue.n_rows)[:MOST_BARS]
    rows = [
        {
            "problem": _short(issue, _),
            "rows": issue.n_rows,
            "share": _.percent(issue.row_share, 2),
            "revenue": _.percent(issue.revenue_share, 2),
        }
        for issue in shown
    ]
    # Room at the right end for the number beside the longest bar.
    most = max((issue.n_rows for issue in shown), default=1) * 1.08
    data: Any = alt.Data(values=rows)  # type: ignore[no-untyped-call]
    base = alt.Chart(data).encode(
        y=alt.Y("problem:N", sort=[_short(issue, _) for issue in shown], axis=plain_axis(labelLimit=320)),
        x=alt.X("rows:Q", axis=None, scale=alt.Scale(domain=[0, most])),
        tooltip=[
            tooltip("problem", _("Problem")),
            tooltip("rows", _("Rows"), kind="quantitative", format=","),
            tooltip("share", _("Share of rows")),
            tooltip("revenue", _("Revenue touched")),
        ],
    )
    bars = base.mark_bar(height=14, color=neutral("accent"))
    text = base.transform_calculate(shown=label_expr(_, datum="datum.rows")).mark_text(align="left", dx=6)
    return finish(bars + text.encode(text="shown:N"), _, height=max(60, 32 * len(rows)))


def findings_finding(result: ValidationResult, _: Words) -> str:
    """The finding that touches most rows."""
    if not result.report.issues:
        return _("Nothing was found")
    most = max(result.report.issues, key=lambda issue: issue.n_rows)
    return _("Most rows: {problem}", problem=_short(most, _))


def findings_note(result: ValidationResult, _: Words) -> str:
    """What is drawn."""
    return _("Rows that each finding touches, counted in the files before any repair. A row can have several findings.")


def _problem(issue: Issue, _: Words) -> str:
    return _.phrase(f"issue.{issue.code}")


def _short(issue: Issue, _: Words) -> str:
    """The problem and its field, as one line."""
    problem = _.phrase(f"issue.{issue.code}")
    return f"{problem} · {_.label('field', issue.field)}" if issue.field else problem


def _where(issue: Issue, _: Words) -> str:
    table = _.phrase(f"table.{issue.table}")
    return f"{table} · {_.label('field', issue.field)}" if issue.field else table


def _exact(share: float, _: Words) -> str:
    """One decimal, and never 100% while a row is missing."""
    return _.percent(min(share, 0.999), 1)
