"""Contrasts: against naive computations, against published intervals, and nobody told of alone."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats

from analytics.contrasts import (
    PRIVACY_LIMIT,
    Contrast,
    choose,
    comparable_fields,
    comparable_mixes,
    contrast_groups,
    holm,
    judge,
    newcombe,
    share_contrast,
)
from analytics.customers import CustomerTable, Trait


def base(n: int = 900, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    group = rng.integers(1, 4, n)
    spend = np.exp(rng.normal(4, 1, n) + (group == 1))
    return pl.DataFrame(
        {
            "label": [str(g) for g in group],
            "spend": spend,
            "spend_cents": spend * 100,
            "age": [None if rng.random() < 0.1 else int(a) for a in rng.normal(40, 9, n)],
            "city": rng.choice(["Taipei", "Tainan", "Hsinchu"], n),
        }
    )


def test_numbers_against_a_naive_loop() -> None:
    frame = base()
    found, _, _ = contrast_groups(frame, ["1", "2", "3"], ["spend", "age"], {})
    assert len(found) == 6
    for one in found:
        known = frame.filter(pl.col(one.field).is_not_null())
        values = known[one.field].cast(pl.Float64).to_numpy()
        inside = (known["label"] == one.label).to_numpy()
        scores = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))
        a, b = scores[inside], scores[~inside]
        pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2))
        assert one.effect == pytest.approx((a.mean() - b.mean()) / pooled)
        assert one.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
        assert (one.value_group, one.value_rest) == (np.median(values[inside]), np.median(values[~inside]))
        assert one.n == inside.sum()


def test_shares_against_the_chi_square_test_and_groups_left_out_count_as_the_rest() -> None:
    frame = base()
    found, _, _ = contrast_groups(frame, ["2"], [], {"city": ["Taipei", "Tainan"]})
    assert [(one.label, one.level) for one in found] == [("2", "Taipei"), ("2", "Tainan")]
    for one in found:
        has, inside = (frame["city"] == one.level).to_numpy(), (frame["label"] == "2").to_numpy()
        table = [[has[inside].sum(), (~has[inside]).sum()], [has[~inside].sum(), (~has[~inside]).sum()]]
        assert one.p == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
        assert one.effect == pytest.approx(has[inside].mean() - has[~inside].mean())


def test_newcombes_published_intervals() -> None:
    # Newcombe (1998), table II, method 10: 56/70 less 48/80, and 9/10 less 3/10.
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert newcombe(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=1e-4)


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@pytest.mark.parametrize("x", [1, PRIVACY_LIMIT - 1, 100 - PRIVACY_LIMIT + 1, 99])
def test_one_to_nine_people_are_told_of_neither_by_having_nor_by_lacking(x: int) -> None:
    assert share_contrast("a", "city", "Taipei", x, 100, 50, 100) is None
    assert share_contrast("a", "city", "Taipei", 50, 100, x, 100) is None


def test_a_number_known_of_nine_makes_no_contrast() -> None:
    frame = base().with_columns(pl.when(pl.int_range(pl.len()) < PRIVACY_LIMIT - 1).then(pl.col("spend")))
    assert contrast_groups(frame, ["1", "2", "3"], ["spend"], {})[0] == []


def test_verdicts_and_a_trait_that_repeats_another_is_not_shown_twice() -> None:
    frame = base(4000)
    found, scores, _ = contrast_groups(frame, ["1", "2", "3"], ["spend", "spend_cents", "age"], {})
    chosen = choose(judge(found, built_from=("age",)), scores, ["1", "2", "3"], 5)
    first = chosen.filter(pl.col("label") == "1")
    assert first.filter("shown")["field"].to_list() == ["spend"]
    assert dict(first.select("field", "verdict").iter_rows()) == {
        "spend": "different",
        "spend_cents": "different",
        "age": "similar",
    }
    assert chosen.filter("built_in")["field"].unique().to_list() == ["age"]


def test_ids_texts_and_dates_are_never_compared() -> None:
    n = 60
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "loyalty_id": list(range(n)),
            "email": [f"p{i}@example.org" for i in range(n)],
            "revenue": [float(i) for i in range(n)],
            "city": ["Taipei", "Tainan"] * (n // 2),
            "nickname": [f"n{i}" for i in range(n)],
        }
    )
    table = CustomerTable(
        frame, date(2026, 6, 30), "TWD", ("revenue",), ("loyalty_id", "email", "city", "nickname"), "k"
    )
    numbers, categories, caveats = comparable_fields(table, frame)
    assert (numbers, list(categories)) == (["revenue"], ["city"])
    assert [caveat.code for caveat in caveats] == ["attribute_too_varied"]


def test_a_mix_is_compared_by_each_persons_own_shares() -> None:
    rng = np.random.default_rng(1)
    n = 600
    fans = np.arange(n) < 200
    books, food, rest = rng.poisson(np.where(fans, 4, 1)), rng.poisson(3, n), rng.poisson(1, n)
    frame = pl.DataFrame(
        {"label": ["1" if fan else "2" for fan in fans], "m: Books": books, "m: Food": food, "m: other": rest}
    )
    trait = Trait("category_mix", "needs", "counts", ("m: Books", "m: Food", "m: other"), ("Books", "Food", ""))
    table = CustomerTable(frame, date(2026, 6, 30), "TWD", (), (), "k", traits=(trait,))
    mixes = comparable_mixes(table, frame)
    assert mixes == {"category_mix": {"Books": "m: Books", "Food": "m: Food"}}
    categories = {"label": ["1"]}  # a category and a mix in one call
    found, _, _ = contrast_groups(frame, ["1", "2"], [], categories, mixes=mixes, totals={trait.name: trait.columns})
    found = [one for one in found if one.field == "category_mix"]
    first = found[0]
    total = books + food + rest
    a, b = (books / np.maximum(total, 1))[(total > 0) & fans], (books / np.maximum(total, 1))[(total > 0) & ~fans]
    assert (first.label, first.level, first.kind, first.n) == ("1", "Books", "mix", len(a))
    assert (first.value_group, first.value_rest) == pytest.approx((a.mean(), b.mean()))
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert first.p == pytest.approx(welch.pvalue)
    # Welch's own interval has t quantiles; at these sizes they are the normal ones to the third digit.
    expected = welch.confidence_interval()
    assert (first.lo, first.hi) == pytest.approx((expected.low, expected.high), rel=1e-2)


def test_a_level_that_nine_people_bought_is_left_out() -> None:
    n = 400
    frame = pl.DataFrame(
        {
            "label": ["1"] * 200 + ["2"] * 200,
            "m: a": [1] * 9 + [0] * 191 + [1] * 100 + [0] * 100,
            "m: b": [5] * n,
        }
    )
    found, _, n_suppressed = contrast_groups(
        frame, ["1", "2"], [], {}, mixes={"m": {"a": "m: a"}}, totals={"m": ["m: a", "m: b"]}
    )
    assert (found, n_suppressed) == ([], 2)


def test_the_favourite_and_the_mix_of_one_subject_are_told_once() -> None:
    rows = [
        Contrast("1", "top_category", "Books", "share", 50, 0.6, 0.2, 0.4, 0.3, 0.5, 0.84, 1e-9),
        Contrast("1", "category_mix", "Books", "mix", 50, 0.5, 0.2, 0.3, 0.2, 0.4, 1.1, 1e-9),
        Contrast("1", "channel_mix", "App", "mix", 50, 0.5, 0.2, 0.3, 0.2, 0.4, 0.9, 1e-9),
        Contrast("1", "payment_mix", "card", "mix", 50, 0.5, 0.2, 0.3, 0.2, 0.4, 0.7, 1e-9),
        Contrast("1", "top_payment_method", "card", "share", 50, 0.5, 0.2, 0.3, 0.2, 0.4, 0.6, 1e-9),
    ]
    chosen = choose(judge(rows), {}, ["1"], 5)
    assert chosen.filter("shown")["field"].to_list() == ["category_mix", "channel_mix", "payment_mix"]
