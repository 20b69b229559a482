"""Templates are looked up in the language that is asked for, and are English where none is."""

from __future__ import annotations

from rnnlens.views.words.language import filled, language, languages, many, paragraph, say, spoken


def test_english_is_there_without_a_catalogue():
    assert languages()[0] == "en"
    assert say("looks back {span}", span="5 h") == "looks back 5 h"
    assert many(1, "{count} lag", "{count} lags") == "1 lag"
    assert many(3, "{count} lag", "{count} lags") == "3 lags"


def test_a_language_is_spoken_within_its_block_alone():
    with language("xx"):
        assert spoken() == "xx"
        assert say("what no catalogue has") == "what no catalogue has"
    assert spoken() == "en"


def test_chinese_is_set_without_spaces_but_beside_letters_and_numbers():
    put = filled(
        "在 {range} 内，{count} 个，取 {name}。", {"range": "数据", "count": 3, "name": "temp"}
    )
    assert put == "在数据内，3 个，取 temp。"
    assert filled("{a}  {b} {c}", {"a": "甲", "b": "乙", "c": "丙"}) == "甲  乙 丙"
    assert filled("取 {name:>4} 值", {"name": "x y"}) == "取  x y 值"
    assert filled("a {b} c", {"b": "名"}) == "a 名 c"
    with language("zh"):
        assert paragraph(["一。", "二。"]) == "一。二。"
