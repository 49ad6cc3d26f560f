"""Questionnaires as survey tools export them: which columns are questions, of which kind, with which answers."""

from __future__ import annotations

import csv
import io
import pickle
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.errors import AnalysisError
from analytics.mapping import MappedTable, Question, Questionnaire, apply_mapping, questions, suggest_mapping
from analytics.mapping.questionnaire import choices, numbered
from analytics.reading import read

SAMPLE = Path(__file__).parents[1] / "sample_data" / "marketplace" / "survey.parquet"


def export(heading: list[str], rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([heading, *rows])
    return text.getvalue().encode("utf-8-sig")


def mapped(data: bytes, name: str = "export.csv", table: str | None = None) -> MappedTable:
    raw = read(data, name)
    return apply_mapping(raw, suggest_mapping(raw, table).spec)


# --------------------------------------------------------------------------------------------------- by hand

HEADING = ["序号", "提交答卷时间", "来自IP", "1、您的性别", "2、喜欢什么（多选）", "3、满意度", "4、您的建议"]
ROWS = [
    ["1", "2024/5/1 9:00:00", "203.0.113.5(上海-上海)", "男", "茶┋咖啡", "5", "多开几家店"],
    ["2", "2024/5/1 9:05:00", "203.0.113.6(上海-上海)", "女", "茶", "4", "(空)"],
    ["3", "2024/5/2 9:05:00", "203.0.113.7(北京-北京)", "女", "咖啡┋其他〖酸梅汤〗", "2", "排队太久、服务一般"],
    ["4", "2024/5/3 9:05:00", "203.0.113.8(北京-北京)", "男", "(跳过)", "5", "(空)"],
]


def test_six_answers_by_hand() -> None:
    table = mapped(export(HEADING, ROWS))
    assert table.table == "survey"
    asked = questions(table)
    assert asked.n_respondents == 4
    assert asked.background == ("序号", "来自IP")
    assert asked.questions == (
        Question("1、您的性别", "您的性别", "1", "single_choice", ("女", "男"), 4),
        Question("2、喜欢什么（多选）", "喜欢什么（多选）", "2", "multi_choice", ("咖啡", "茶", "其他"), 3, "┋"),
        Question("3、满意度", "满意度", "3", "score", ("2", "4", "5"), 4),
        Question("4、您的建议", "您的建议", "4", "open_text", (), 2),
    )
    assert table.frame["answered_at"].null_count() == 0
    assert asked["3、满意度"].kind == "score"
    with pytest.raises(KeyError):
        asked["提交答卷时间"]


@pytest.mark.parametrize(
    ("heading", "number", "text"),
    [
        ("1、您的性别", "1", "您的性别"),
        ("Q3. Why us?", "Q3", "Why us?"),
        ("Q5_1", "Q5_1", "Q5_1"),
        ("Q4_2 門市", "Q4_2", "門市"),
        ("3a. Quality", "3a", "Quality"),
        ("Question 12: Anything else?", "Question12", "Anything else?"),
        ("第3题 您的年龄", "3", "您的年龄"),
        ("5(A、抖音)", "5", "(A、抖音)"),
        ("３．年齡", "３", "年齡"),
        ("3D printing at home?", "", "3D printing at home?"),
        ("2024 income", "", "2024 income"),
        ("nps", "", "nps"),
    ],
)
def test_numbers_leave_the_question(heading: str, number: str, text: str) -> None:
    assert numbered(heading) == (number, text)


def kind_of(heading: str, cells: list[Any]) -> Question:
    rows = [[f"2024-05-{1 + i % 28:02d}", cell] for i, cell in enumerate(cells)]
    return questions(mapped(export(["提交时间", heading], rows), table="survey")).questions[0]


@pytest.mark.parametrize(
    ("heading", "cells", "kind", "separator"),
    [
        ("Q1. Satisfaction", ["1", "5", "3", "4"] * 5, "score", ""),
        ("Q1. Satisfaction", ["5分", "4分", "3分", "3分"] * 5, "score", ""),
        ("Q1. Recommend", ["0 not at all", "5", "7", "9", "10 surely"] * 4, "score", ""),
        ("Q2. City", ["Taipei, Taiwan", "Lyon, France", "Lyon, France"] * 6, "single_choice", ""),
        ("Q2. Gender (1 = f, 2 = m)", ["1", "2", "2"] * 6, "single_choice", ""),
        ("Q3. Age", ["23", "31", "64", "48"] * 5, "number", ""),
        ("Q4. Bought", ["Tea;Cake", "Tea", "Coffee;Cake", "Cake"] * 5, "multi_choice", ";"),
        ("Q4. Bought", ["Tea, Cake", "Tea", "Coffee, Cake", "Cake"] * 5, "multi_choice", ", "),
        ("4、買過", ["茶、蛋糕", "茶", "咖啡、蛋糕", "蛋糕"] * 5, "multi_choice", "、"),
        ("4、买过", ["茶┋蛋糕、饼干", "茶", "蛋糕、饼干"] * 5, "multi_choice", "┋"),
        ("Q5. Tell us", [f"It was fine, number {i}, thanks" for i in range(20)], "open_text", ""),
        ("Q6. Visits", ["-3", "2", "5", "0", "-2", "4"] * 4, "score", ""),
    ],
)
def test_kinds_by_their_answers(heading: str, cells: list[Any], kind: str, separator: str) -> None:
    question = kind_of(heading, cells)
    assert (question.kind, question.separator) == (kind, separator)


def test_skipped_answers_are_none() -> None:
    assert kind_of("Q6. Visits", ["-3", "2", "5", "0", "-2", "4"] * 4).n_answered == 16
    assert kind_of("Q6. Balance", ["-300", "-2", "5", "0"] * 4).n_answered == 16


def test_what_was_typed_after_other_is_no_option() -> None:
    assert choices("茶┋其他〖酸梅汤〗", "┋") == ["茶", "其他"]
    assert choices("Other ____ soup", "") == ["Other"]


def test_matrices_and_tick_boxes() -> None:
    heading = [
        "提交时间",
        "5、服务—态度",
        "5、服务—速度",
        "Rate us [Price]",
        "Rate us [Taste]",
        "6(A、茶)",
        "6(B、咖啡)",
    ]
    rows = [[f"2024-05-{1 + i:02d}", i % 5 + 1, i % 4 + 1, i % 3 + 1, i % 5 + 1, i % 2, (i + 1) % 2] for i in range(12)]
    asked = questions(mapped(export(heading, rows), table="survey"))
    assert [(q.matrix, q.text, q.kind) for q in asked.questions] == [
        ("5 服务", "态度", "score"),
        ("5 服务", "速度", "score"),
        ("Rate us", "Price", "score"),
        ("Rate us", "Taste", "score"),
        ("6", "茶", "multi_choice"),
        ("6", "咖啡", "multi_choice"),
    ]
    assert asked.questions[-1].options == ("咖啡",)


def test_another_table_has_no_questions() -> None:
    orders = mapped(b"order_id,customer_id,amount\n1,a,2.5\n2,b,3.5\n", table="transactions")
    with pytest.raises(AnalysisError) as refused:
        questions(orders)
    assert refused.value.code == "table_missing"


def test_it_crosses_borders() -> None:
    asked = questions(mapped(export(HEADING, ROWS)))
    again = pickle.loads(pickle.dumps(asked))
    assert (again.questions, again.background, again.key) == (asked.questions, asked.background, asked.key)


# ------------------------------------------------------------------------------- generated, in three languages

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "noted": ["Respondent ID", "End Date", "IP Address"],
        "form": "%m/%d/%Y %H:%M:%S",
        "mark": "; ",
        "single": ("1. What is your gender?", ["Female", "Male", "Prefer not to say"]),
        "multi": ("2. What did you buy? (select all that apply)", ["Tea", "Coffee", "Cake", "Bread"]),
        "score": ("3. How satisfied are you?", 5),
        "nps": ("4. How likely are you to recommend us? (0-10)", 10),
        "matrix": ["5. Please rate [Price]", "5. Please rate [Quality]"],
        "open": ("6. Anything else?", ["Opening hours are short", "All fine", "Too loud", "More vegan choice"]),
    },
    "zh_CN": {
        "noted": ["用户ID", "提交答卷时间", "来自IP"],
        "form": "%Y/%m/%d %H:%M:%S",
        "mark": "┋",
        "single": ("1、您的性别", ["男", "女", "不愿透露"]),
        "multi": ("2、您买过什么（多选）", ["茶", "咖啡", "蛋糕", "面包"]),
        "score": ("3、您的满意度", 5),
        "nps": ("4、您有多大可能推荐我们", 10),
        "matrix": ["5、请评价—价格", "5、请评价—质量"],
        "open": ("6、您的建议", ["营业时间太短", "都很好", "有点吵", "希望多一些素食"]),
    },
    "zh_TW": {
        "noted": ["會員編號", "時間戳記", "IP 位址"],
        "form": "%Y/%m/%d %H:%M:%S",
        "mark": "、",
        "single": ("1. 您的性別", ["男", "女", "不願透露"]),
        "multi": ("2. 您買過什麼？（可複選）", ["茶", "咖啡", "蛋糕", "麵包"]),
        "score": ("3. 您的滿意度", 5),
        "nps": ("4. 您有多願意推薦我們？", 10),
        "matrix": ["5. 請評分 [價格]", "5. 請評分 [品質]"],
        "open": ("6. 您的建議", ["營業時間太短", "都很好", "有點吵", "希望多一些素食"]),
    },
}


def generated(language: str, n: int, seed: int) -> tuple[bytes, dict[str, int]]:
    """An export of ``n`` respondents, and how many answered each question."""
    rng, words = random.Random(seed), WORDS[language]
    heading = [*words["noted"], *(words[key][0] for key in ("single", "multi", "score", "nps")), *words["matrix"]]
    heading.append(words["open"][0])
    rows = []
    for i in range(n):
        options = [option for option in words["multi"][1] if rng.random() < 0.5]
        row = [f"R{i:04d}", f"2024/05/{1 + i % 28:02d} 10:{i % 60:02d}:00", f"203.0.113.{i % 250}"]
        if language == "en":
            row[1] = f"05/{1 + i % 28:02d}/2024 10:{i % 60:02d}:00"
        row += [rng.choice(words["single"][1]), words["mark"].join(options), str(rng.randint(1, 5))]
        row += [str(rng.randint(0, 10)), str(rng.randint(1, 5)), str(rng.randint(1, 5))]
        row.append(f"{rng.choice(words['open'][1])} {i}" if rng.random() < 0.4 else "")
        rows.append([*row[:3], *("" if rng.random() < 0.1 else cell for cell in row[3:])])
    answered = {name: sum(bool(row[k]) for row in rows) for k, name in enumerate(heading) if k >= 3}
    return export(heading, rows), answered


@pytest.mark.parametrize("language", WORDS)
def test_an_export_in_each_language(language: str) -> None:
    data, answered = generated(language, 240, seed=3)
    words, table = WORDS[language], mapped(data)
    asked = questions(table)
    assert table.table == "survey"
    assert table.frame.columns[1:3] == ["customer_id", "answered_at"]
    assert table.frame["customer_id"].n_unique() == asked.n_respondents == 240
    assert {q.column: q.n_answered for q in asked.questions} == answered
    kinds = {q.column: q.kind for q in asked.questions}
    assert kinds == {
        words["single"][0]: "single_choice",
        words["multi"][0]: "multi_choice",
        words["score"][0]: "score",
        words["nps"][0]: "score",
        **dict.fromkeys(words["matrix"], "score"),
        words["open"][0]: "open_text",
    }
    assert set(asked[words["single"][0]].options) == set(words["single"][1])
    assert set(asked[words["multi"][0]].options) == set(words["multi"][1])
    assert asked[words["multi"][0]].separator == words["mark"].strip()
    assert len({asked[column].matrix for column in words["matrix"]}) == 1


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(WORDS)), st.integers(0, 10_000))
def test_the_order_of_respondents_changes_nothing(language: str, seed: int) -> None:
    data, _answered = generated(language, 60, seed)
    table = mapped(data, table="survey")
    raw = table.raw
    shuffled = MappedTable(
        table.table,
        table.frame.sample(fraction=1.0, shuffle=True, seed=seed),
        table.unparsed,
        table.readings,
        table.attributes,
        table.money_digits,
        raw,
        table.spec,
        table.caveats,
        "shuffled",
    )
    assert known(questions(shuffled)) == known(questions(table))


def known(asked: Questionnaire) -> list[tuple[Any, ...]]:
    return [(q.column, q.kind, q.options, q.n_answered, q.separator, q.matrix) for q in asked.questions]


# ------------------------------------------------------------------------------------------- the sample world


def test_the_sample_world_asks_what_its_truth_says() -> None:
    asked = questions(mapped(SAMPLE.read_bytes(), SAMPLE.name, "survey"))
    assert asked.background == ("duration_s",)
    kinds = {q.column: q.kind for q in asked.questions}
    attitudes = ("price_sensitivity", "brand_loyalty", "novelty_seeking", "convenience", "sustainability")
    assert kinds == {
        **dict.fromkeys(("nps", "satisfaction", *attitudes), "score"),
        "reasons_to_buy": "multi_choice",
        "comment": "open_text",
    }
    frame = pl.read_parquet(SAMPLE)
    reasons = (
        frame["reasons_to_buy"].drop_nulls().str.split(";").explode().value_counts().sort("count", descending=True)
    )
    assert set(asked["reasons_to_buy"].options) == set(reasons["reasons_to_buy"])
    assert asked["reasons_to_buy"].options[0] == reasons["reasons_to_buy"][0]
    assert asked["comment"].n_answered == frame["comment"].drop_nulls().len()
