"""The Validation page: what became of every row, and what was found in them."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import Spec, chart_of, finish, neutral, plain_axis, tooltip
from analytics.i18n import N_, Words, escape_markdown
from analytics.quality import SEVERITIES, THRESHOLDS, Issue, ValidationResult, meaning

MOST_BARS = 10
LINE = 26  # characters; half as many in Chinese
MOST_EXAMPLES, LONGEST = 2, 44  # examples in a cell, and characters of one
TOGETHER = frozenset({"missing"})  # findings that are one row for all columns of a table
NO_BREAK, WORD_JOINER = "\u00a0", "\u2060"
HAN_PAIR = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef])(?=[\u3000-\u9fff\uff00-\uffef])")
BADGES = {
    "block": "red[:material/block:",
    "check": "orange[:material/warning:",
    "repaired": "green[:material/check_circle:",
    "note": "blue[:material/info:",
}
ANALYSES = ("personas", "segmentation", "lifecycle", "forecasting")
PAGES = {
    "upload": N_("Upload"),
    "validation": N_("Validation"),
    "integration": N_("Integration"),
    "personas": N_("Personas"),
    "segmentation": N_("Segmentation"),
    "lifecycle": N_("Lifecycle"),
    "forecasting": N_("Demand forecasting"),
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
        Metric(_("+ Set aside"), _.number(quarantined), _.percent(quarantined / rows_in if rows_in else 0.0, 1)),
        Metric(_("+ Merged"), _.number(merged), _.percent(merged / rows_in if rows_in else 0.0, 1)),
    )
    return Headline(finding, sentence, metrics)


def severities(result: ValidationResult, _: Words) -> dict[str, str]:
    """The severities that were found, the gravest first, each with its number of findings: code -> title."""
    numbers = {severity: len(_rows(result, severity)) for severity in SEVERITIES}
    return {code: f"{_.phrase(f'severity.{code}')} · {n}" for code, n in numbers.items() if n}


def issue_rows(result: ValidationResult, severity: str, _: Words) -> list[dict[str, str]]:
    """The findings of one severity, written out in Markdown: what, where, how much, for which pages it matters and why,
    what was done and what else can be."""
    return _issue_rows(result, severity, _, examples=True)


def issue_rows_told(result: ValidationResult, severity: str, _: Words) -> list[dict[str, str]]:
    """As ``issue_rows``, without any value as it stands in the files: for who may not see their rows."""
    return _issue_rows(result, severity, _, examples=False)


def _issue_rows(result: ValidationResult, severity: str, _: Words, *, examples: bool) -> list[dict[str, str]]:
    return [
        {
            _("Problem"): _two_lines(
                f":{BADGES[severity]}]{NO_BREAK}**{_one_line(_.phrase(f'issue.{code}'))}**",
                _.phrase(f"issue.{code}.body"),
            ),
            _("Where"): _two_lines(_where(issues, _), _examples(issues, _) if examples else ""),
            _("Rows"): _two_lines(_rows_or_days(issues, _), _share(max(issue.row_share for issue in issues), _)),
            _("Revenue touched"): _touched(issues, _),
            _("Matters for"): _two_lines(_broad(_pages(code, _)), _broad(_.phrase(f"why.{meaning(code).reason}"))),
            _("What was done"): _two_lines(_.phrase(f"remedy.{issues[0].remedy}"), _broad(_choices(code, _))),
        }
        for code, issues in _rows(result, severity)
    ]


def _pages(code: str, _: Words) -> str:
    pages = meaning(code).pages
    return _("All analyses") if set(ANALYSES) <= set(pages) else _.listing(_(PAGES[page]) for page in pages)


def _choices(code: str, _: Words) -> str:
    """What a person can do about it: a step of their own, or a standing repair."""
    can = [_.phrase(f"way.{action}") for action in meaning(code).actions]
    standing = [field for field in meaning(code).choices if _.has_phrase(f"option.{field}.keep")]
    can += [_("standing repair")] if standing else []
    can += [_("threshold")] if set(meaning(code).choices) & set(THRESHOLDS) else []
    return _("Can be: {ways}", ways=_.listing(can)) if can else ""


def quarantined(result: ValidationResult, _: Words) -> pl.DataFrame:
    """The rows set aside, as they stand in their files, with table and reason in words.

    source, row_number, table, reason, then the files' own columns; columns that are empty in all these rows are left
    out.
    """
    frame = result.quarantine
    words = {
        name: {code: _.phrase(f"{name}.{code}") for code in frame[name].unique().drop_nulls()}
        for name in ("table", "reason")
    }
    lead = ["source", "row_number", "table", "reason"]
    own = [name for name in frame.columns if name not in lead and frame[name].null_count() < frame.height]
    return frame.select(*lead, *own).with_columns(pl.col(name).replace(known) for name, known in words.items() if known)


def quarantined_finding(result: ValidationResult, _: Words) -> str:
    """How many rows were set aside, and the reason that most of them have."""
    reasons = result.quarantine["reason"].value_counts(name="n").sort("n", "reason", descending=[True, False])
    if not reasons.height:
        return _("No row had to be set aside")
    return _.ngettext(
        "{n} row was set aside: {reason}",
        "{n} rows were set aside, most often: {reason}",
        result.quarantine.height,
        reason=_.phrase(f"reason.{reasons['reason'][0]}"),
    )


def reason_rows(result: ValidationResult, _: Words) -> list[dict[str, str]]:
    """Why rows were set aside, the commonest reason first."""
    reasons = result.quarantine["reason"].value_counts(name="n").sort("n", "reason", descending=[True, False])
    return [{_("Set aside because"): _.phrase(f"reason.{code}"), _("Rows"): _.number(n)} for code, n in reasons.rows()]


def quarantined_note(result: ValidationResult, shown: int, _: Words) -> str:
    """What the table of rows set aside shows."""
    if result.quarantine.height > shown:
        return _("The first {n} are shown as they stand in the file; the download holds them all.", n=shown)
    return _("As they stand in the file, with their row number there and the reason.")


def findings(result: ValidationResult, _: Words) -> Spec:
    """Bars of the rows that each of the most frequent findings touches."""
    counted = (issue for issue in result.report.issues if issue.n_rows)
    shown = sorted(counted, key=lambda issue: -issue.n_rows)[:MOST_BARS]
    codes = Counter(issue.code for issue in shown)
    problems = [_short(issue, codes, _) for issue in shown]
    rows = [
        {
            "problem": problem,
            "rows": issue.n_rows,
            "number": _.number(issue.n_rows),
            "share": _share(issue.row_share, _),
            "revenue": _.percent(issue.revenue_share, 2),
        }
        for problem, issue in zip(problems, shown, strict=True)
    ]
    # Room at the right end for the number beside the longest bar.
    most = max((issue.n_rows for issue in shown), default=1) * 1.12
    base = chart_of(rows).encode(
        y=alt.Y("problem:N", sort=problems, axis=plain_axis(labelLimit=300)),
        x=alt.X("rows:Q", axis=None, scale=alt.Scale(domain=[0, most])),
        tooltip=[
            tooltip("problem", _("Problem")),
            tooltip("rows", _("Rows"), kind="quantitative", format=","),
            tooltip("share", _("Share of rows")),
            tooltip("revenue", _("Revenue touched")),
        ],
    )
    bars = base.mark_bar(height=14, color=neutral("accent"))
    text = base.mark_text(align="left", dx=6)
    return finish(bars + text.encode(text="number:N"), _, height=max(60, 32 * len(rows)))


def findings_finding(result: ValidationResult, _: Words) -> str:
    """The finding that touches most rows."""
    if not result.report.issues:
        return _("Nothing was found")
    most = max(result.report.issues, key=lambda issue: issue.n_rows)
    return _("Most rows: {problem}", problem=_.phrase(f"issue.{most.code}"))


def findings_note(result: ValidationResult, _: Words) -> str:
    """What is drawn."""
    return _("Rows that each finding touches, counted in the files before any repair. A row can have several findings.")


def _rows(result: ValidationResult, severity: str) -> list[tuple[str, list[Issue]]]:
    """Findings of one severity; the same finding on several fields of a table is one row."""
    groups: dict[tuple[str, str, str, str], list[Issue]] = {}
    for issue in result.report.issues:
        if issue.severity == severity:
            # Only what is said of a whole column reads well together; a number that is wrong stands by itself.
            apart = "" if issue.code in TOGETHER else f"{issue.field} {issue.source}"
            groups.setdefault((issue.code, issue.table, issue.remedy, apart), []).append(issue)
    return [(key[0], issues) for key, issues in groups.items()]


def _two_lines(first: str, second: str) -> str:
    return f"{first}  \n:small[:gray[{second}]]" if second else first


def _one_line(title: str) -> str:
    """Kept together, so that a narrow screen scrolls the table instead of squeezing the column to one letter."""
    return HAN_PAIR.sub(WORD_JOINER, title.replace(" ", NO_BREAK))


def _short(issue: Issue, codes: Mapping[str, int], _: Words) -> str:
    """The problem as one line; its field too, where the same problem is found twice."""
    problem = _.phrase(f"issue.{issue.code}")
    if codes[issue.code] == 1:
        return problem
    place = _.label("field", issue.field) if issue.field else _.phrase(f"table.{issue.table}")
    return f"{problem} · {place}"


def _broad(text: str) -> str:
    """Lines of a readable length, each kept together: a narrow screen scrolls the table instead of squeezing it."""
    if not HAN_PAIR.search(text):
        return " ".join(_one_line(line) for line in textwrap.wrap(text, LINE))
    return "".join(_one_line(text[start : start + LINE // 2]) for start in range(0, len(text), LINE // 2))


def _where(issues: Sequence[Issue], _: Words) -> str:
    table = _.phrase(f"table.{issues[0].table}")
    if len(issues) > 1:
        return _("{table}: {n} columns", table=table, n=len(issues))
    return f"{table} · {_.label('field', issues[0].field)}" if issues[0].field else table


def _examples(issues: Sequence[Issue], _: Words) -> str:
    if len(issues) > 1:
        return escape_markdown(
            _.listing(f"{_.label('field', issue.field)} {_.number(issue.n_rows)}" for issue in issues)
        )
    issue = issues[0]
    if issue.code == "two_date_formats":  # the examples are codes of formats
        return " / ".join(_.phrase(f"option.date_format.{code}") for code in issue.examples)
    if issue.code == "no_rows_left":
        return _.listing(_.phrase(f"reason.{code}") for code in issue.examples)
    cut = (text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…" for text in issue.examples[:MOST_EXAMPLES])
    return escape_markdown(_.listing(cut))


def _most(issues: Sequence[Issue], text: str, _: Words) -> str:
    return _("up to {n}", n=text) if len(issues) > 1 else text


def _rows_or_days(issues: Sequence[Issue], _: Words) -> str:
    """Days where no row is there to be counted."""
    if issues[0].n_days:
        return _.ngettext("{n} day", "{n} days", issues[0].n_days)
    return _most(issues, _.number(max(issue.n_rows for issue in issues)), _)


def _touched(issues: Sequence[Issue], _: Words) -> str:
    shares = [issue.revenue_share for issue in issues if issue.revenue_share is not None]
    return _share(max(shares), _) if shares else "–"


def _share(share: float, _: Words) -> str:
    """Two decimals; what is there but less is not shown as nothing."""
    return f"< {_.percent(0.0001, 2)}" if 0 < share < 0.00005 else _.percent(share, 2)


def _exact(share: float, _: Words) -> str:
    """One decimal, and never 100% while a row is missing."""
    return _.percent(min(share, 0.999), 1)
