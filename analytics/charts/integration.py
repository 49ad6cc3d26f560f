"""The Integration page: which records are probably one person, what a merge changes, what found no partner."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

import altair as alt
import polars as pl

from analytics.charts.headline import Headline, Metric
from analytics.charts.theme import SMALL, Spec, finish, neutral, plain_axis, tooltip
from analytics.dataset import Dataset
from analytics.i18n import Words, escape_markdown
from analytics.integration import FIELDS, POINTS, CurrencyResult, JoinResult, MatchResult, MergeResult, Rate

SIDE_BY_SIDE = (*FIELDS, "gender", "country", "joined_at", "tier", "account_type")
BADGES = {"same": "green", "near": "orange", "different": "red", "missing": "gray"}
MOST_ORPHANS = 10  # keys shown a side
MOST_PAIRS = 500  # offered in the list and the table


def headline(matches: MatchResult, merged: MergeResult, shown: MergeResult, _: Words) -> Headline:
    """How many pairs are proposed, and what stands. ``shown`` is what all proposed pairs would change."""
    proposed, open_ones = count(matches, "merge"), count(matches, "review")
    before, after = people(merged)
    if before > after:
        n = before - after
        finding = _.ngettext("{n} record was merged into another", "{n} records were merged into others", n)
        sentence = _("Every table names these people by one number; Undo brings all records back as they were.")
    elif proposed:
        finding = _.ngettext("{n} pair is probably one person", "{n} pairs are probably one person each", proposed)
        sentence = _("Nothing is merged until you say so: accept pairs one by one, or all of them with one click.")
    else:
        finding = _("No customer seems to be recorded twice")
        sentence = _("No pair of records agrees enough in e-mail, phone, name, birth year and city.")
    would = people(shown)[1]
    note = _("{n} if all proposed pairs are accepted", n=would) if would < after else ""
    metrics = (
        Metric(_("Customer records"), _.number(before)),
        Metric(_("Proposed pairs"), _.number(proposed)),
        Metric(_("Pairs to look at"), _.number(open_ones), "" if open_ones else _("nothing open"), "good"),
        Metric(_("People"), _.number(after), note),
    )
    return Headline(finding, sentence, metrics)


def headline_without(data: Dataset, n_joined: int, _: Words) -> Headline:
    """The answer where there is nobody to compare: no customers table, or no field that identifies."""
    names = _.listing(_.phrase(f"table.{name}") for name in data.tables)
    metrics = (
        Metric(_("Tables"), _.number(len(data.tables))),
        Metric(_("Rows"), _.number(sum(frame.height for frame in data.tables.values()))),
        Metric(_("Second tables joined"), _.number(n_joined)),
    )
    sentence = _("Found: {tables}. Matching needs customers with a name, an e-mail or a phone.", tables=names)
    return Headline(_("There are no customer records to compare"), sentence, metrics)


def count(matches: MatchResult, decision: str) -> int:
    """Pairs with a decision."""
    return matches.pairs.filter(pl.col("decision") == decision).height


def people(merged: MergeResult) -> tuple[int, int]:
    """Customers before and after."""
    rows = merged.changes.filter(pl.col("table") == "customers")
    return (0, 0) if not rows.height else (rows["n_customers_before"][0] or 0, rows["n_customers_after"][0] or 0)


# ---- scores


def scores(matches: MatchResult, _: Words) -> Spec:
    """How many compared pairs have which score, with both thresholds; counts on a root scale, for most are 0."""
    rows = matches.histogram.filter(pl.col("n_pairs") > 0)
    bars = (
        alt.Chart(rows)
        .mark_bar(color=neutral("accent"))
        .encode(
            x=alt.X("score_from:Q", axis=plain_axis(_("Score"), format=".1f"), scale=alt.Scale(domain=[0, 1])),
            x2="score_to:Q",
            y=alt.Y("n_pairs:Q", axis=plain_axis(_("Pairs"), tickCount=4), scale=alt.Scale(type="sqrt")),
            y2=alt.Y2Datum(0),
            tooltip=[
                tooltip("score_from", _("Score from"), kind="quantitative", format=".2f"),
                tooltip("n_pairs", _("Pairs"), kind="quantitative", format=","),
            ],
        )
    )
    limits: Any = alt.Data(  # type: ignore[no-untyped-call]  # Altair's class has no types
        values=[
            {"score": matches.spec.review, "name": _("look")},
            {"score": matches.spec.accept, "name": _("propose")},
        ]
    )
    base = alt.Chart(limits).encode(x="score:Q")
    lines = base.mark_rule(color=neutral("ink"), strokeDash=[5, 3])
    names = base.mark_text(align="right", dx=-4, dy=8, baseline="top").encode(y=alt.value(0), text="name:N")
    return finish(bars + lines + names, _, height=2 * SMALL)


def scores_finding(matches: MatchResult, _: Words) -> str:
    """How clearly the scores part."""
    between = matches.pairs.filter((pl.col("score") >= matches.spec.review) & (pl.col("score") < matches.spec.accept))
    if not between.height:
        return _("The scores leave no pair in doubt")
    return _.ngettext("{n} score lies between the two limits", "{n} scores lie between the two limits", between.height)


def scores_note(matches: MatchResult, _: Words) -> str:
    """What is drawn."""
    return _("Score of each of {n} compared pairs; the height is drawn on a root scale.", n=matches.n_candidates)


# ---- pairs


def pair_names(matches: MatchResult, _: Words) -> dict[str, str]:
    """The pairs that can be decided: code -> ids, score and what stands; those to look at first."""
    order = pl.col("decision").replace_strict({"review": 0, "merge": 1, "apart": 2}, return_dtype=pl.Int8)
    rows = matches.pairs.sort(order, maintain_order=True).head(MOST_PAIRS).iter_rows(named=True)
    return {
        row["pair"]: "  ·  ".join(
            (
                f"{row['customer_id_a']} – {row['customer_id_b']}",
                _.percent(min(row["score"], 0.999), 1),
                _.phrase(f"decision.{row['decided_by']}.{row['decision']}"),
            )
        )
        for row in rows
    }


def progress(matches: MatchResult, _: Words) -> tuple[float, str]:
    """The share of the listed pairs that a person has decided, and how many that are."""
    n, done = matches.pairs.height, matches.pairs.filter(pl.col("decided_by") == "person").height
    return done / n if n else 0.0, _("{done} of {n} pairs decided", done=done, n=n)


def pair_rows(matches: MatchResult, data: Dataset, pair: str, _: Words) -> list[dict[str, str]]:
    """Two records side by side, field by field, with what the comparison says of each; what differs is marked."""
    row = _row(matches, pair)
    held = data.tables["customers"]
    ids = (row["customer_id_a"], row["customer_id_b"])
    one, two = (held.filter(pl.col("customer_id") == item).row(0, named=True) for item in ids)
    shown = []
    for field in SIDE_BY_SIDE:
        if field not in held.columns or (one[field] is None and two[field] is None):
            continue
        badge, alike, close = "", str(one[field]) == str(two[field]), False
        if field in FIELDS:
            points = "" if row[field] == "missing" else f" {_.signed(row[f'{field}_points'], 1)}"
            badge = f"  \n:{BADGES[row[field]]}-badge[{_.phrase(f'evidence.{row[field]}')}{points}]"
            alike, close = row[field] in ("same", "missing"), row[field] == "near"
        texts = (_plain(one[field]), _plain(two[field]))
        shown.append(
            {
                _("Field"): _.label("field", field) + badge,
                escape_markdown(ids[0]): _value(texts[0]) if alike else _marked(*texts, close),
                escape_markdown(ids[1]): _value(texts[1]) if alike else _marked(texts[1], texts[0], close),
            }
        )
    return shown


def pair_decision(matches: MatchResult, pair: str, _: Words) -> str:
    """What stands for a pair, and its score, in one line."""
    row = _row(matches, pair)
    said = _.phrase(f"decision.{row['decided_by']}.{row['decision']}")
    return _("Score {score}: {decision}", score=_.percent(min(row["score"], 0.999), 1), decision=said)


def pair_reason(matches: MatchResult, pair: str, _: Words) -> str:
    """How the points of the fields come to the score."""
    row = _row(matches, pair)
    points = sum(row[name] for name in POINTS)
    return _(
        "Each point doubles the odds that both are one person, the rarer the value the more. Two records taken at "
        "random start at {start}; the fields add {points}: in all {total}.",
        start=_.signed(row["weight"] - points, 1),
        points=_.signed(points, 1),
        total=_.signed(row["weight"], 1),
    )


def pair_table(matches: MatchResult, _: Words) -> pl.DataFrame:
    """The pairs with their evidence in words."""
    words = {level: _.phrase(f"evidence.{level}") for level in BADGES}
    said = [
        _.phrase(f"decision.{by}.{decision}") for by, decision in matches.pairs.select("decided_by", "decision").rows()
    ]
    return matches.pairs.with_columns(
        *(pl.col(name).replace(words) for name in FIELDS), decision=pl.Series(said, dtype=pl.String)
    ).drop("decided_by", "pair", *POINTS)


def record_table(merged: MergeResult) -> pl.DataFrame:
    """Which records are one person; what they hold stays here."""
    return merged.records.select("person", "merged_from", "n_records")


def change_table(merged: MergeResult, _: Words) -> pl.DataFrame:
    """Before and after, with the tables in words."""
    words = {name: _.phrase(f"table.{name}") for name in merged.changes["table"]}
    return merged.changes.with_columns(pl.col("table").replace(words))


def orphan_table(found: pl.DataFrame, _: Words) -> pl.DataFrame:
    """Orphans with the tables in words."""
    return found.with_columns(pl.col("table").replace({name: _.phrase(f"table.{name}") for name in found["table"]}))


def orphan_finding(found: pl.DataFrame, _: Words) -> str:
    """Whether the tables know each other's customers."""
    n = int(found["n_rows_unknown"].sum())
    if not n:
        return _("Every row belongs to a known customer")
    return _.ngettext(
        "{n} row names a customer who is not in the customers table",
        "{n} rows name customers who are not in the customers table",
        n,
    )


def join_finding(join: JoinResult, _: Words) -> str:
    """How many keys of a second table found a partner."""
    row = join.coverage.filter(pl.col("side") == "second").row(0, named=True)
    return _("{found} of {n} keys found their rows", found=row["n_keys_matched"], n=row["n_keys"])


def join_note(join: JoinResult, _: Words) -> str:
    """Orphans both ways, in one sentence."""
    first, second = (join.coverage.filter(pl.col("side") == side).row(0, named=True) for side in ("first", "second"))
    return _(
        "{matched} of {rows} rows are named by it; {alone} of its keys are found nowhere. Added: {columns}.",
        matched=first["n_rows_matched"],
        rows=first["n_rows"],
        alone=second["n_keys"] - second["n_keys_matched"],
        columns=escape_markdown(_.listing(join.added)),
    )


def join_orphans(join: JoinResult, _: Words) -> list[dict[str, str]]:
    """Examples of keys without a partner, those with most rows first."""
    sides = {"first": _("in your tables only"), "second": _("in the second table only")}
    shown = []
    for side, where in sides.items():
        rows = join.orphans.filter((pl.col("side") == side) & pl.col("key").is_not_null()).head(MOST_ORPHANS)
        shown += [
            {_("Key"): _value(row["key"]), _("Where"): where, _("Rows"): _.number(row["n_rows"])}
            for row in rows.iter_rows(named=True)
        ]
    return shown


def currency_lines(settled: CurrencyResult, _: Words) -> dict[str, str]:
    """The currencies that were found, each with what happens to its lines."""
    lines: dict[str, str] = {}
    for code, n, treated in settled.by_currency.select("currency", "n_rows", "treated").rows():
        lines.setdefault(code, _.ngettext("{n} line", "{n} lines", n) + f" · {_.phrase(f'treated.{treated}')}")
    return lines


def currency_rows(settled: CurrencyResult, _: Words) -> list[dict[str, str]]:
    """Every table's lines by currency."""
    return [
        {
            _("Table"): _.phrase(f"table.{row['table']}"),
            _("Currency"): row["currency"],
            _("Rows"): _.number(row["n_rows"]),
            _("Set apart"): _.number(row["n_apart"]),
            _("Rate"): row["rates"] or "–",
            _("What is done"): _.phrase(f"treated.{row['treated']}"),
        }
        for row in settled.by_currency.iter_rows(named=True)
    ]


def rate_line(rate: Rate, to: str, _: Words) -> str:
    """A rate with its days, in words."""
    said = _("1 {code} = {rate} {currency}", code=rate.currency, rate=rate.rate, currency=rate.to or to)
    start, end = (_.day(day) if day else "…" for day in (rate.start, rate.end))
    return f"{said}  ·  {start} – {end}"


def _row(matches: MatchResult, pair: str) -> dict[str, Any]:
    return matches.pairs.row(by_predicate=pl.col("pair") == pair, named=True)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _value(text: str) -> str:
    # A place to break before the @ and behind dots: an address does not become a link and fits a narrow column.
    return escape_markdown(text).replace("@", "\u200b@").replace(".", ".\u200b") or "–"


def _marked(text: str, other: str, close: bool) -> str:
    """A value that differs, marked; of one that is ``close`` to the other only the characters that differ."""
    if not text or not other:
        return _value(text)
    if not close:
        return f":orange-background[{_value(text)}]"
    matcher = SequenceMatcher(None, text, other, autojunk=False)
    return "".join(
        _value(text[start:end]) if kind == "equal" else f":orange-background[{_value(text[start:end])}]"
        for kind, start, end, _from, _to in matcher.get_opcodes()
        if end > start
    )
