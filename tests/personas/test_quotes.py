"""Quotes: only under the guard, free of personal data, one per author, typical ones, warm and critical alike."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from analytics.dataset import Dataset
from analytics.personas import PersonaSpec
from analytics.personas.quotes import LONGEST, choose_quotes, shortened

SPEC = PersonaSpec()
PERSONAL = (
    "My name is Grace Miller and I like it.",
    "Ask Jennifer, she knows how it went.",
    "客服陳小姐人很好，處理很快。",
    "請打 0912-345-678 找我，謝謝大家。",
    "Write to me at someone@example.com please.",
    "我叫王小明，東西很好用。",
    "Sent to 12 Baker Street, arrived in time.",
    "Order 20260114005512 never came to me.",
    "See https://example.com/x for the photo.",
    "[name] 的包裝很用心，謝謝。",
    "Mr. Smith at the counter was rude to us.",
)


def feedback(*rows: tuple[str, float | None, str]) -> Dataset:
    """customer, rating, text."""
    frame = pl.DataFrame(
        [(who, datetime(2026, 1, 1), "review", rating, text) for who, rating, text in rows],
        schema={
            "customer_id": pl.String,
            "written_at": pl.Datetime("us"),
            "source": pl.String,
            "rating": pl.Float64,
            "text": pl.String,
        },
        orient="row",
    )
    return Dataset.build({"feedback": frame}, as_of=date(2026, 6, 30))


def people(n: int, label: str = "a", start: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": [f"c{i + start:03d}" for i in range(n)], "label": [label] * n})


def plain(n: int) -> list[tuple[str, float | None, str]]:
    texts = ("The colour is true.", "It fits as described.", "Arrived on the day.", "Good value for money.")
    return [(f"c{i:03d}", 4.0 + i % 2, f"{texts[i % 4]} {'Again. ' * (i // 4)}".strip()) for i in range(n)]


# ---- the guard


@pytest.mark.parametrize(("authors", "reason"), [(4, "quotes_few_authors"), (5, None)])
def test_at_least_five_authors(authors: int, reason: str | None) -> None:
    quotes, reasons = choose_quotes(
        feedback(*plain(authors), ("c000", 1.0, "Too slow by far.")), people(20), ["a"], SPEC
    )
    assert reasons["reason"].to_list() == ([reason] if reason else [])
    assert (quotes.height > 0) == (reason is None)


def test_one_author_with_many_texts_is_one() -> None:
    rows = [("c001", 5.0, f"Very good number {i} of many.") for i in range(30)]
    quotes, reasons = choose_quotes(feedback(*rows), people(20), ["a"], SPEC)
    assert quotes.is_empty()
    assert reasons.rows() == [("a", "quotes_few_authors")]


def test_a_group_of_nine_is_never_quoted() -> None:
    quotes, reasons = choose_quotes(feedback(*plain(9)), people(9), ["a"], SPEC)
    assert quotes.is_empty()
    assert reasons["reason"].to_list() == ["quotes_few_authors"]


def test_without_feedback_or_wish_the_reason_is_said() -> None:
    empty = Dataset.build({}, as_of=date(2026, 6, 30))
    assert choose_quotes(empty, people(20), ["a"], SPEC)[1].rows() == [("a", "quotes_no_feedback")]
    none = choose_quotes(feedback(*plain(9)), people(20), ["a"], PersonaSpec(n_quotes=0))
    assert none[1].rows() == [("a", "quotes_off")]


@pytest.mark.parametrize("text", PERSONAL)
def test_a_text_with_anything_personal_is_left_out_whole(text: str) -> None:
    rows = [(f"c{i:03d}", 5.0, text) for i in range(12)]
    quotes, reasons = choose_quotes(feedback(*rows, *plain(1)), people(20), ["a"], SPEC)
    assert quotes.is_empty()
    assert reasons["reason"].to_list() == ["quotes_none_left"]


def test_what_is_shown_is_whole_sentences_of_bounded_length() -> None:
    assert shortened("Good") == ""
    assert shortened("It works well.") == "It works well."
    assert shortened("It works. " * 30) == ("It works. " * 30)[:139].strip()
    assert len(shortened("很好用。" * 60)) <= LONGEST
    assert shortened("x" * 300) == ""


# ---- which ones


def test_warm_and_critical_stand_as_shared_out_and_never_the_loudest() -> None:
    warm = [(f"c{i:03d}", 4.0, f"Quite content with item {'abcdefgh'[i % 8]} here.") for i in range(14)]
    loud = [(f"c{i:03d}", 5.0, "BEST THING EVER IN MY LIFE!!!") for i in range(14, 17)]
    cold = [(f"c{i:03d}", 2.0, f"The box {'abcdefgh'[i % 8]} was dented.") for i in range(17, 23)]
    worst = [("c024", 1.0, "Worst rubbish on this planet!!!")]
    quotes, _reasons = choose_quotes(feedback(*warm, *loud, *cold, *worst), people(40), ["a"], SPEC)
    assert quotes["tone"].to_list() == ["warm", "warm", "critical"]
    assert quotes["rating"].to_list() == [4.0, 4.0, 2.0]
    assert quotes["quote"].n_unique() == 3
    assert set(quotes["quote"]) <= {text for _who, _rating, text in (*warm, *cold)}
    assert set(quotes["source"]) == {"review"}


def test_a_single_complaint_among_praise_is_heard() -> None:
    rows = [*plain(30), ("c031", 1.0, "The parcel came a week late.")]
    quotes, _reasons = choose_quotes(feedback(*rows), people(40), ["a"], SPEC)
    assert quotes["tone"].to_list() == ["warm", "warm", "critical"]


def test_each_author_speaks_once_and_in_their_own_language() -> None:
    rows = [
        (f"c{i:03d}", rating, text)
        for i in range(6)
        for rating, text in ((5.0, "包裝很用心。" + "讚" * i), (1.0, "運費太貴了。" + "唉" * i))
    ]
    quotes, _reasons = choose_quotes(feedback(*rows), people(12), ["a"], PersonaSpec(n_quotes=6))
    assert quotes.height == 6
    authors = {text: who for who, _rating, text in rows}
    assert len({authors[quote] for quote in quotes["quote"]}) == 6
    assert all(quote in authors for quote in quotes["quote"])


def test_ratings_of_ten_and_no_ratings_at_all() -> None:
    ten = [(f"c{i:03d}", float(1 + i % 10), f"Words of person {'abcdefghij'[i % 10]} on it.") for i in range(30)]
    tones = dict(choose_quotes(feedback(*ten), people(40), ["a"], SPEC)[0].select("rating", "tone").rows())
    assert all(tone == ("warm" if rating >= 7 else "critical") for rating, tone in tones.items())
    unrated = [(who, None, text) for who, _rating, text in plain(12)]
    assert set(choose_quotes(feedback(*unrated), people(20), ["a"], SPEC)[0]["tone"]) == {"unrated"}


def test_the_seed_draws_and_nothing_else() -> None:
    rows = [(f"c{i:03d}", 4.0, f"Quite content with {'abcdefghijklmnopqrst'[i % 20]} today.") for i in range(20)]
    first = choose_quotes(feedback(*rows), people(30), ["a"], SPEC)[0]
    again = choose_quotes(feedback(*reversed(rows)), people(30).reverse(), ["a"], SPEC)[0]
    assert first.equals(again)
    drawn = {
        tuple(choose_quotes(feedback(*rows), people(30), ["a"], PersonaSpec(random_state=s))[0]["quote"])
        for s in range(6)
    }
    assert len(drawn) > 1
