"""What all charts share: number labels in each language, colours by range name, neutrals by the background."""

from __future__ import annotations

import altair as alt
import pytest

from analytics.charts.theme import category_scale, finish, label_expr, neutral
from analytics.i18n import LANGUAGES, words_for


def bar() -> alt.Chart:
    data = alt.Data(values=[{"a": "x", "b": 1}])
    return alt.Chart(data).mark_bar().encode(x="b:Q", color=alt.Color("a:N", scale=category_scale(["x", "y"])))


@pytest.mark.parametrize("language", LANGUAGES)
def test_finish_gives_one_plain_specification(language: str) -> None:
    spec = finish(bar(), words_for(language))
    assert spec["height"] == 320
    assert {param["name"] for param in spec["params"]} >= {"ink", "muted", "quiet", "hair", "accent", "paper"}
    assert spec["encoding"]["color"]["scale"] == {"domain": ["x", "y"], "range": "category"}
    assert spec["config"]["axis"]["labelColor"] == {"expr": "muted"}


def test_chinese_charts_carry_their_own_locale() -> None:
    assert finish(bar(), words_for("zh_TW"))["config"]["locale"]["time"]["days"][1] == "週一"
    assert finish(bar(), words_for("zh_CN"))["config"]["locale"]["time"]["days"][1] == "周一"
    assert finish(bar(), words_for("en"))["config"]["locale"] == {}


def test_large_numbers_on_axes_read_in_the_language() -> None:
    english, traditional = (label_expr(words_for(code), currency="TWD") for code in ("en", "zh_TW"))
    assert "'M'" in english
    assert "' 萬'" in traditional
    assert "' 億'" in traditional
    assert "NT$" in english


def test_an_unknown_neutral_is_refused() -> None:
    with pytest.raises(KeyError):
        neutral("pink")
