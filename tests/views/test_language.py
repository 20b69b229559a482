"""Templates are looked up in the language that is asked for, and are English where none is."""

from __future__ import annotations

from rnnlens.views.words.language import language, languages, many, say, spoken


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
