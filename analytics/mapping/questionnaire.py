"""``questions``: what a survey table asked, question by question, from a column per question.

Written for the exports of survey tools: numbered headings (1、, Q3., 5a), a matrix as one column per row (Q5_1,
``Question [Row]``, ``Question—Row``), several answers in one cell (┋, ; 、 , |) or one column of ticks per answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, get_args

import polars as pl

from analytics.errors import AnalysisError
from analytics.keys import derive_key
from analytics.mapping.apply import MappedTable
from analytics.mapping.cells import without_missing
from analytics.mapping.names import normal
from analytics.progress import report

QuestionKind = Literal["score", "number", "single_choice", "multi_choice", "open_text"]
QUESTION_KINDS: tuple[str, ...] = get_args(QuestionKind)

# A mark that is tried later may stand inside an answer that an earlier one separates.
_MARKS = ("┋", "|", ";", "；", "\n", "、", ", ", "，", ",")
_MOST_OPTIONS, _LONGEST_OPTION, _MOST_CELLS = 50, 80, 2_000
_LOWEST_SCORE, _HIGHEST_SCORE = 0, 10
_NUMBER = re.compile(
    r"^\s*(?:第\s*)?(?P<number>(?:q|question|问题|問題|题|題)\s*[-_.#]?\s*\d+[a-z]?(?:[-_.]\d+)*|\d+[a-z]?(?:[-_]\d+)*"
    r"(?=\s*[、.．:：)）题題(（]))\s*(?:题|題)?\s*[、.．:：)）_]?\s*(?P<text>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_PARTS = re.compile(r"^(?P<number>.*?\d)(?:[-_.](?P<part>\d+)|(?P<letter>[a-z]))$", re.IGNORECASE)
_ROW = re.compile(
    r"^(?P<stem>.*\S)?\s*(?:[\[【](?P<bracket>[^\[\]【】]+)[\]】]|[—–]{1,2}\s*(?P<dash>[^—–]+))\s*$", re.DOTALL
)
_OPTION = re.compile(r"^[(（]\s*[A-Za-z0-9]{1,2}\s*[、.．)）]\s*(?P<option>.+?)[)）]?$")
_ALL_THAT_APPLY = re.compile(r"(?i)select all|all that apply|multiple|多选|多選|可多|复选|複選|可复选|不定项")
_ASKS = re.compile(r"[?？]\s*$")
_POINTS = re.compile(
    r"(?i)^\s*(?P<points>\d{1,2})\s*(?P<words>(?P<unit>分|星|颗星|顆星|stars?|points?)?\s*(?:[-–—=:：.、(（].*|[^\d\s].*)?)$"
)
_OWN_WORDS = re.compile(r"〖.*?〗|_{3,}.*$")  # what was typed after "other"
# What the tool notes beside the answers, or who answered: in the normal form of a heading, Chinese simplified.
_NOTED = """
    no, id, 序号, 编号, 答卷编号, 答卷id, respondent id, response id, collector id, network id, token,
    submission id, 所用时间, 用时, 答题时长, 作答时长, 填写时长, 填答时长, 填答秒数, 作答秒数, 时长,
    duration, duration s, duration in seconds, time taken, time spent, completion time, 来源, 来源详情,
    来源渠道, source, channel, collector, referrer, utm source, 来自ip, ip, ip地址, ip address, ip 地址,
    timestamp, 时间戳, 时间戳记, start date, end date, start time, end time, started at, submitted at,
    date submitted, date created, date modified, recorded date, submit date, 开始时间, 结束时间,
    开始答题时间, 结束答题时间, 提交时间, 提交答卷时间, 填写时间, 填答时间, 总分, total score, status,
    答卷状态, progress, finished, response type, user language, language, location latitude,
    location longitude, distribution channel, external reference, country code, region code, 国家, 省份,
    城市, 地区, 设备, 浏览器, 操作系统, device, device type, browser, os, user agent, email, e mail,
    email address, 邮箱, 电子邮件, 电子邮件地址, 电子邮箱, username, user name, 用户名, name, first name,
    last name, recipient first name, recipient last name, recipient email, 姓名, 昵称, 微信昵称, openid,
    手机, 手机号, 手机号码, 电话, phone, phone number, custom data 1, tags, ip位址, ip 位址, 填表时间,
    答题开始时间, 答题结束时间
"""
_BACKGROUND = frozenset(" ".join(word.split()) for word in _NOTED.split(","))


@dataclass(frozen=True, slots=True)
class Question:
    """One column of answers.

    Attributes
    ----------
    column : its name in ``MappedTable.frame``.
    text : the question as it was put, without its number; for a row of a matrix or a tick box, what is its own.
    number : "3", "Q5_1", or "" where the heading has none.
    kind : "score" (whole numbers within 0 to 10), "number", "single_choice", "multi_choice" (several answers in a
        cell, or one tick box of several), "open_text".
    options : the answers, most given first; scores and ticks in their own order; none for numbers and open text.
    n_answered : people who answered.
    separator : what stands between the answers of a cell; "" where a cell holds one.
    matrix : what the columns of one question share (its number or its text); "" for a column of its own.
    """

    column: str
    text: str
    number: str
    kind: QuestionKind
    options: tuple[str, ...]
    n_answered: int
    separator: str = ""
    matrix: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Questionnaire:
    """What was asked.

    Attributes
    ----------
    questions : in the file's order.
    background : columns that hold no answer: what the tool noted (times, address, source) and who answered.
    n_respondents : rows; each is one person's answers.
    """

    questions: tuple[Question, ...]
    background: tuple[str, ...]
    n_respondents: int
    key: str

    def __getitem__(self, column: str) -> Question:
        for question in self.questions:
            if question.column == column:
                return question
        raise KeyError(column)


def questions(mapped: MappedTable) -> Questionnaire:
    """The questions of a survey table, recognised by their headings and by their answers.

    Raises ``AnalysisError("table_missing")`` for another table.
    """
    if mapped.table != "survey":
        raise AnalysisError("table_missing", table="survey")
    asked, background = recognise(mapped.frame, mapped.attributes)
    return Questionnaire(asked, background, mapped.frame.height, derive_key("questions", None, mapped.key))


def recognise(frame: pl.DataFrame, columns: tuple[str, ...]) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """The questions among ``columns`` of a frame of answers, and the columns that hold no answer."""
    asked: list[Question] = []
    background: list[str] = []
    for i, column in enumerate(columns):
        report(i / max(len(columns), 1), "questions")
        number, text = numbered(column)
        if not number and not _ASKS.search(column) and normal(column) in _BACKGROUND:
            background.append(column)
            continue
        asked.append(_question(column, number, text, answers(frame[column])))
    report(1.0, "questions")
    return tuple(_in_matrices(asked, frame)), tuple(background)


def numbered(heading: str) -> tuple[str, str]:
    """A heading's number ("" for none) and what is left of it: "3、您的性别" is ("3", "您的性别")."""
    found = _NUMBER.match(heading)
    if not found:
        return "", heading.strip()
    return re.sub(r"\s+", "", found["number"]), found["text"].strip() or heading.strip()


def answers(column: pl.Series) -> pl.Series:
    """What was answered, null where nothing was. Tools write -2 and -3 for "empty" and "skipped" among numbers."""
    if column.dtype.is_numeric():
        codes = (column == -2) | (column == -3)
        return column.set(codes, None) if bool((column.filter(~codes.fill_null(False)) >= 0).all()) else column
    return without_missing(column.cast(pl.String))


def choices(cell: str, separator: str) -> list[str]:
    """The answers in one cell, without what was typed after "other"."""
    parts = cell.split(separator) if separator else [cell]
    return [part for part in (_OWN_WORDS.sub("", part).strip() for part in parts) if part]


def _question(column: str, number: str, text: str, given: pl.Series) -> Question:
    there = given.drop_nulls()
    n = len(there)
    if there.dtype.is_numeric():
        kind, options = _of_numbers(there)
        return Question(column, text, number, kind, options, n)
    counted = there.alias("cell").value_counts().sort("count", "cell", descending=[True, False])
    cells = dict(zip(counted["cell"].to_list(), counted["count"].to_list(), strict=True))
    separator = _separator(cells, several=bool(_ALL_THAT_APPLY.search(column)))
    if separator:
        return Question(column, text, number, "multi_choice", _commonest(cells, separator), n, separator)
    options = _commonest(cells, "") if len(cells) <= 4 * _MOST_OPTIONS else ()
    few = 0 < len(options) <= _MOST_OPTIONS and all(len(option) <= _LONGEST_OPTION for option in options)
    if not few or sum(count for count in cells.values() if count > 1) < 0.6 * n:
        return Question(column, text, number, "open_text", (), n)
    points = points_of(options)
    if points:
        return Question(column, text, number, "score", tuple(sorted(options, key=points.__getitem__)), n)
    return Question(column, text, number, "single_choice", options, n)


def _of_numbers(there: pl.Series) -> tuple[QuestionKind, tuple[str, ...]]:
    """Two different numbers are two answers (1 and 2, 0 and 1); more of them within 0 to 10 a scale."""
    values = sorted(there.unique().to_list())
    whole = all(value == round(value) for value in values)
    if not whole or not values or values[0] < _LOWEST_SCORE or values[-1] > _HIGHEST_SCORE:
        return "number", ()
    options = tuple(str(round(value)) for value in values)
    return ("score" if len(values) > 2 or values[-1] > 2 else "single_choice"), options


def points_of(options: tuple[str, ...]) -> dict[str, int]:
    """The points of answers such as "5分", "4 stars" or a scale with words at its ends only; {} for other answers."""
    found = {option: match for option in options if (match := _POINTS.match(option))}
    points = {option: int(match["points"]) for option, match in found.items()}
    bare = sum(not match["words"] or bool(match["unit"]) for match in found.values())
    sound = len(points) == len(options) >= 3 and len(set(points.values())) == len(points)
    return points if sound and max(points.values()) <= _HIGHEST_SCORE and 2 * bare >= len(points) else {}


def _commonest(cells: dict[str, int], separator: str) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for cell, n in cells.items():
        for option in dict.fromkeys(choices(cell, separator)):
            counts[option] = counts.get(option, 0) + n
    return tuple(sorted(counts, key=lambda option: -counts[option]))


def _separator(cells: dict[str, int], *, several: bool) -> str:
    """The mark between several answers; "" where a cell holds one.

    Answers recombine: an option stands beside different others, or alone. A mark that is only part of an answer
    ("Shanghai, Jiangsu") or of prose separates pieces that do not. ``several``: the question itself says so.
    """
    sample = dict(list(cells.items())[:_MOST_CELLS])
    for mark in _MARKS:
        if not any(mark in cell for cell in sample):
            continue
        uses: dict[str, int] = {}
        holders: dict[str, int] = {}
        for cell, n in sample.items():
            for part in set(choices(cell, mark)):
                uses[part] = uses.get(part, 0) + n
                holders[part] = holders.get(part, 0) + 1
        if not uses or len(uses) > _MOST_OPTIONS or max(map(len, uses)) > _LONGEST_OPTION:
            continue
        again = sum(n for n in uses.values() if n > 1) / sum(uses.values())
        recombined = sum(n > 1 for n in holders.values()) / len(holders)
        if mark == "┋" or several or (again >= 0.7 and recombined >= 0.5):
            return mark
    return ""


def _in_matrices(asked: list[Question], frame: pl.DataFrame) -> list[Question]:
    """Columns of one question belong together; where all of them hold a tick or nothing they are its tick boxes."""
    stems = [_stem(question) for question in asked]
    done = []
    for question, (stem, own) in zip(asked, stems, strict=True):
        siblings = [other for other, (shared, _own) in zip(asked, stems, strict=True) if stem and shared == stem]
        if len(siblings) < 2:
            done.append(question)
            continue
        one = replace(question, matrix=stem, text=own)
        if all(_is_tick(other, frame) for other in siblings):
            one = replace(one, kind="multi_choice", options=(own,), n_answered=question.n_answered)
        done.append(one)
    return done


def _stem(question: Question) -> tuple[str, str]:
    """What a column shares with the others of its question, and what is its own."""
    option = _OPTION.match(question.text)
    if option and question.number:
        return question.number, option["option"].strip()
    row = _ROW.match(question.text)
    if row and row["stem"]:
        return f"{question.number} {row['stem']}".strip(), (row["bracket"] or row["dash"]).strip()
    part = _PARTS.match(question.number)
    return (part["number"], question.text) if part else ("", question.text)


def _is_tick(question: Question, frame: pl.DataFrame) -> bool:
    """0 and 1, yes and no, or one text or nothing (the option's own name, or a mark)."""
    given = answers(frame[question.column])
    values = {str(value) for value in given.drop_nulls().unique().to_list()}
    return values <= {"0", "1"} or values <= {"true", "false"} or (len(values) == 1 and given.null_count() > 0)
