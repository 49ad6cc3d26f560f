"""Values of one category written in several ways."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import polars as pl

from analytics.mapped import count_values
from analytics.mapping.names import simplified

_SUFFIX = re.compile(r"(?<=[\u4e00-\u9fff]{2})(?:市|县|省|特别行政区)$")
_LATIN_SUFFIX = re.compile(r"\s+(?:city|shi)$")
# Romanisations of places by which one column often holds the same city in two scripts.
_PLACES = {
    "台北": "taipei taibei", "新北": "newtaipei xinbei", "台中": "taichung taizhong", "台南": "tainan",
    "高雄": "kaohsiung gaoxiong", "桃园": "taoyuan", "新竹": "hsinchu xinzhu", "基隆": "keelung jilong",
    "嘉义": "chiayi jiayi", "花莲": "hualien hualian", "北京": "beijing peking", "上海": "shanghai",
    "广州": "guangzhou canton", "深圳": "shenzhen", "杭州": "hangzhou", "南京": "nanjing nanking",
    "成都": "chengdu", "重庆": "chongqing chungking", "天津": "tianjin tientsin", "武汉": "wuhan", "西安": "xian",
    "苏州": "suzhou", "厦门": "xiamen amoy", "香港": "hongkong", "澳门": "macau macao", "东京": "tokyo",
    "新加坡": "singapore", "台湾": "taiwan", "中国": "china", "日本": "japan",
}  # fmt: skip
_BY_ROMAN = {roman: place for place, romans in _PLACES.items() for roman in romans.split()}


@dataclass(frozen=True, slots=True)
class Variants:
    """``mapping``: written value -> the commonest spelling; ``other_scripts``: groups that only a reader can merge."""

    mapping: dict[str, str]
    n_rows: int
    examples: tuple[str, ...]
    other_scripts: tuple[tuple[str, ...], ...]
    n_other_rows: int


def find_variants(column: pl.Series, *, across_scripts: bool) -> Variants:
    """Values that differ in case, blanks, full-width forms or end punctuation only; and the same in other scripts."""
    counted = count_values(column).sort("n", "value", descending=[True, False])
    values: list[str] = counted["value"].to_list()
    rows: list[int] = counted["n"].to_list()
    groups: dict[str, list[int]] = {}
    for i, value in enumerate(values):
        groups.setdefault(_folded(value), []).append(i)
    mapping: dict[str, str] = {}
    examples: list[str] = []
    n_rows = 0
    for members in groups.values():
        for i in members[1:]:
            mapping[values[i]] = values[members[0]]
            n_rows += rows[i]
            if len(examples) < 5:
                examples.append(f"{values[i]} → {values[members[0]]}")
    other, n_other = _other_scripts(groups, values, rows) if across_scripts else ((), 0)
    return Variants(mapping, n_rows, tuple(examples), other, n_other)


def _folded(value: str) -> str:
    text = value if value.isascii() else unicodedata.normalize("NFKC", value)
    return " ".join(text.casefold().split()).strip(" .,;:_-")


def _other_scripts(
    groups: dict[str, list[int]], values: list[str], rows: list[int]
) -> tuple[tuple[tuple[str, ...], ...], int]:
    wide: dict[str, list[int]] = {}
    for folded, members in groups.items():
        wide.setdefault(_across(folded), []).append(members[0])
    found = [sorted(members, key=lambda i: (-rows[i], values[i])) for members in wide.values() if len(members) > 1]
    by_value = {members[0]: sum(rows[i] for i in members) for members in groups.values()}
    n_other = sum(by_value[i] for members in found for i in members[1:])
    return tuple(tuple(values[i] for i in members) for members in found), n_other


def _across(folded: str) -> str:
    text = _SUFFIX.sub("", simplified(folded).replace("臺", "台"))
    compact = re.sub(r"[\s\-']", "", _LATIN_SUFFIX.sub("", text))
    return _BY_ROMAN.get(compact, compact)
