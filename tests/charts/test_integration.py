"""The Integration page's pictures and words: figures of the results, whole words in every language."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import polars as pl
import pytest

from analytics.charts import integration as charts
from analytics.dataset import Dataset
from analytics.i18n import LANGUAGES, words_for
from analytics.integration import (
    POINTS,
    JoinSpec,
    MatchResult,
    MatchSpec,
    MergeResult,
    join_table,
    match_customers,
    merge_customers,
    orphans,
)

RAW_CODE = re.compile(r"\b(evidence|decision|field|table|treated|caveat)\.[a-z_]+")


def only_pair(matches: MatchResult) -> tuple[str, str]:
    (code,) = matches.pairs["pair"].to_list()
    first, second = code.split("-")
    return first, second


def world(spec: MatchSpec) -> tuple[Dataset, MatchResult, MergeResult]:
    n = 600
    customers = pl.DataFrame(
        {
            "customer_id": [f"c{i:03d}" for i in range(n)],
            "name": [f"Zed{i} Oz{i}" for i in range(n - 1)] + ["Zed0 Oz0"],
            "email": [f"z{i}@y.tw" for i in range(n - 1)] + ["Z0@y.tw"],
            "phone": [f"+886955001{i:03d}" for i in range(n)],
            "birth_year": [1950 + i % 50 for i in range(n - 1)] + [1950],
            "city": ["*Taipei*"] * n,
        }
    )
    orders = pl.DataFrame({"customer_id": ["c000", "c599", "x"], "amount": [1, 2, 3]})
    data = Dataset.build({"customers": customers, "transactions": orders}, as_of=date(2025, 1, 1))
    matches = match_customers(data, spec)
    return data, matches, merge_customers(data, matches)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "spec",
    ["open", "all", "refused"],
)
def test_everything_builds_in_whole_words(spec: str, language: Any) -> None:
    _ = words_for(language)
    pair = only_pair(world(MatchSpec())[1])
    specs = {"open": MatchSpec(), "all": MatchSpec(automatic=True), "refused": MatchSpec(refused=(pair,))}
    code = "-".join(pair)
    data, matches, merged = world(specs[spec])
    heads = [charts.headline(matches, merged, merged, _), charts.headline_without(data, 1, _)]
    texts = [text for head in heads for text in (head.finding, head.sentence)]
    texts += [f"{m.label}{m.value}{m.note}" for head in heads for m in head.metrics]
    texts += [charts.scores_finding(matches, _), charts.scores_note(matches, _)]
    texts.append(json.dumps(charts.scores(matches, _), ensure_ascii=False))
    names = charts.pair_names(matches, _)
    assert list(names) == [code]
    texts += [*names.values(), charts.pair_decision(matches, code, _), charts.pair_reason(matches, code, _)]
    texts += [charts.progress(matches, _)[1]]
    texts += [str(row) for row in charts.pair_rows(matches, data, code, _)]
    texts.append(charts.pair_table(matches, _).write_csv())
    texts.append(charts.change_table(merged, _).write_csv())
    found = orphans(data)
    texts += [charts.orphan_finding(found, _), charts.orphan_table(found, _).write_csv()]
    join = join_table(
        data.tables["transactions"], pl.DataFrame({"no": ["x"]}), JoinSpec(on=(("customer_id", "no"),), mark="m")
    )
    texts += [charts.join_finding(join, _), charts.join_note(join, _)]
    assert all(texts)
    assert RAW_CODE.search("\n".join(texts)) is None
    assert all(len(head.finding) <= 70 for head in heads)


def test_the_card_counts_what_the_results_hold() -> None:
    _ = words_for("en")
    data, matches, merged = world(MatchSpec())
    preview = merge_customers(data, match_customers(data, MatchSpec(automatic=True)))
    head = charts.headline(matches, merged, preview, _)
    assert [metric.value for metric in head.metrics] == ["600", "1", "0", "600"]
    assert head.metrics[-1].note == "599 if all proposed pairs are accepted"
    after = charts.headline(matches, preview, preview, _)
    assert after.metrics[-1].value == "599"
    assert "1 record was merged" in after.finding


def test_two_records_stand_side_by_side_with_their_evidence() -> None:
    _ = words_for("en")
    data, matches, _merged = world(MatchSpec())
    rows = {
        row["Field"].partition("  \n")[0]: row
        for row in charts.pair_rows(matches, data, "-".join(only_pair(matches)), _)
    }
    shown = rows["E-mail"]["c000"].replace("\\", "").replace("\u200b", "")
    assert shown == "z0@y.tw"
    points = matches.pairs.row(0, named=True)
    assert f":green-badge[same +{points['email_points']:.1f}]" in rows["E-mail"]["Field"]
    assert f":red-badge[different \u2212{-points['phone_points']:.1f}]" in rows["Phone"]["Field"]
    assert rows["Phone"]["c000"].replace("\\", "") == ":orange-background[+886955001000]"
    assert ":orange-background" not in rows["E-mail"]["c000"]
    parts = sum(points[name] for name in POINTS)
    reason = charts.pair_reason(matches, points["pair"], _)
    assert f"add +{parts:.1f}: in all +{points['weight']:.1f}" in reason
    assert "*Taipei*" not in rows["City"]["c000"], "a person's own text cannot become Markdown"


def test_the_bars_are_all_compared_pairs() -> None:
    _ = words_for("en")
    _data, matches, _merged = world(MatchSpec())
    frames = charts.scores(matches, _)["datasets"].values()
    drawn = [row["n_pairs"] for rows in frames for row in rows if "n_pairs" in row]
    assert sum(drawn) == matches.n_candidates
