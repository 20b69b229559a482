"""Facts that results keep are English, know what they are made of, and are said in any language."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
import xarray as xr

import rnnlens
from networks import forecaster
from rnnlens.names import Told, clauses, counted, told
from rnnlens.results.attributes import attributes, told_each, told_in, told_of, told_values
from rnnlens.results.store import as_dict, save
from rnnlens.views.tables.explanation import explanation_view
from rnnlens.views.words.language import enumerated, language, listed, many, say, telling
from rnnlens.views.words.origin import attribute_text, clause_texts, fact_text

FACT = told(
    "{players} in {windows}, by {share:.1%}: {why}",
    players=["a", told("whole inputs")],
    windows=counted(3, "{count} window", "{count:,} windows"),
    share=np.float64(0.125),
    why=(told("no certificates"), "b"),
)


def test_a_fact_is_told_in_english():
    assert FACT == "a and whole inputs in 3 windows, by 12.5%: no certificates; b"


@pytest.mark.parametrize("fact", [FACT, clauses(["a", told("lags")]), counted(1, "{count} x", "y")])
def test_a_fact_that_was_kept_is_told_again_as_it_was(fact):
    kept = attributes({"why": fact})
    assert type(kept["why"]) is str and kept["why"] == fact
    again = told_of(kept, "why")
    assert isinstance(again, Told) and again == fact
    assert (again.template, again.several) == (fact.template, fact.several)
    assert attributes({"why": again}) == kept == attributes(kept)


def test_what_was_changed_by_hand_or_is_of_an_old_file_stands_as_it_is():
    kept = attributes({"why": FACT})
    assert told_of({**kept, "why": "by hand"}, "why") == "by hand"
    assert not isinstance(told_of({"why": str(FACT)}, "why"), Told)
    with language("zh"):
        assert attribute_text({**kept, "why": "by hand"}, "why") == "by hand"
        assert attribute_text({"why": str(FACT)}, "why") == FACT
        assert attribute_text({}, "why") == ""
        assert clause_texts({"missing": "no test; no draws"}, "missing") == ["no test", "no draws"]


def test_facts_by_name_and_in_arrays_are_told_again():
    kept = attributes({"missing": {"cut": told("no certificates"), "gates": "mere text"}})
    assert json.loads(str(kept["missing"])) == {"cut": "no certificates", "gates": "mere text"}
    each = told_each(kept, "missing")
    assert isinstance(each["cut"], Told) and not isinstance(each["gates"], Told)
    notes = np.array([told("no certificates"), "", "mere text"], dtype=object)
    plain, beside = told_values(notes)
    assert plain.dtype.kind == "U" and plain.tolist() == ["no certificates", "", "mere text"]
    assert isinstance(told_in(beside, "no certificates"), Told)
    assert told_in(beside, "mere text") == "mere text"


def test_copies_of_a_fact_know_what_it_is_made_of():
    for again in (copy.deepcopy(FACT), pickle.loads(pickle.dumps(FACT))):
        assert isinstance(again, Told) and (again, again.template) == (FACT, FACT.template)


def test_what_is_said_to_be_kept_is_english_and_said_later_in_another_language():
    def sentence():
        steps = many(3, "{count} step", "{count} steps")
        names = listed([say("forget gate"), "b"])
        return say("{name}: {fact}", name=enumerated([steps, names]), fact=say("persistence"))

    with language("zh"):
        said = sentence()
        with telling():
            kept = sentence()
        assert kept == "3 steps, forget gate and b: persistence"
        assert fact_text(told_of(attributes({"why": kept}), "why")) == said
        assert said == "3 步、遗忘门和 b：持续性预测"
    assert fact_text(kept) == kept


@pytest.fixture(scope="module")
def explained():
    rng = np.random.default_rng(5)
    network, X = forecaster("lstm", rng), rng.normal(size=(30, 7, 3))
    return rnnlens.explain(network, X, target=0, background=X, effort=rnnlens.Effort(budget=2000))


def shown(result, code):
    with language(code):
        return [one for one in explanation_view(result).renderables if isinstance(one, str)]


def test_a_result_that_was_saved_and_opened_is_said_as_before_in_every_language(
    explained, tmp_path
):
    own = [tmp_path / "own.nc", save(explained, tmp_path / "saved.nc")]
    explained.to_netcdf(own[0], engine="h5netcdf")
    for path in own:
        opened = xr.load_dataset(path, engine="h5netcdf")
        for code in ("en", "zh"):
            assert shown(opened, code) == shown(explained, code)


def test_an_older_file_opens_and_its_sentences_stay_english(explained, tmp_path):
    older = explained.copy()
    older.attrs = {key: v for key, v in explained.attrs.items() if not key.endswith("_told")}
    opened = xr.load_dataset(save(older, tmp_path / "older.nc"), engine="h5netcdf")
    assert shown(opened, "en") == shown(explained, "en")
    in_chinese = " ".join(shown(opened, "zh"))
    assert explained.attrs["baseline"] in in_chinese and "基线" in in_chinese


def test_plain_data_hold_the_sentences_alone(explained):
    assert "why" in as_dict(explained)["attrs"]
    assert not [key for key in as_dict(explained)["attrs"] if key.endswith("_told")]
