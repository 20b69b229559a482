"""Certificates and the table of lags from the command line, as a user types them."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import rnnlens
from rnnlens.errors import MissingLibrary

#: How exact what is shown, drawn and proven is, where the words alone are looked at.
QUICK = ("--replacements", "20", "--budget", "1", "--method", "secant")


def refused(said, *words):
    """Require one sentence on stderr that holds the words, after any notes, and nothing else."""
    assert (said.code, said.out) == (1, "")
    (sentence,) = [line for line in said.err.splitlines() if not line.startswith("note: ")]
    assert sentence.startswith("rnnlens: ")
    for word in words:
        assert word in sentence


def certify(call, model, data, *options):
    return call("certify", model, data, "--target", "temp", *options)


def test_certify_says_what_a_sensors_error_can_do(call, model, data):
    said = certify(call, model, data, "--lag", "5", "--feature", "temp", "--range", "0.5",
                   "--tolerance", "0.1")  # fmt: skip
    assert said.code == 0, said.err
    assert "How far one lag can move the forecast of temp (F)" in said.out
    assert "temp: own value +- 0.5 F" in said.out
    assert "proven in" in " ".join(said.out.split())
    assert max(map(len, said.out.splitlines())) <= 100


def test_certify_runs_the_source_and_adds_what_it_differs_by(call, model, data):
    asked = ("--lag", "5", "--feature", "temp", "--range", "0.5", "--last", "2")
    checked = certify(call, model, data, *asked)
    assert "Twice a deviation of" in " ".join(checked.out.split())
    assert "measured and not proven (Keras" in " ".join(checked.out.split())
    plain = certify(call, model, data, *asked, "--no-check")
    assert "deviation of" not in plain.out
    bounds = [
        json.loads(certify(call, model, data, *asked, "--json", *more).out)["lags"][0]["bound"]
        for more in ((), ("--no-check",))
    ]
    assert bounds[0] > bounds[1]


def test_certify_says_where_the_source_could_not_be_run(call, model, data, monkeypatch):
    def missing(*_):
        raise MissingLibrary("Keras is not installed")

    begun = []

    def counted(*question, **options):
        begun.append(options["source"])
        return proving(*question, **options)

    proving = rnnlens.certify
    monkeypatch.setattr("rnnlens.readers.run.source_outputs", missing)
    monkeypatch.setattr("rnnlens.api.certify", counted)
    said = certify(call, model, data, "--lag", "5", "--feature", "temp", "--last", "2")
    assert said.code == 0
    assert "note: no deviation of the source model is added, as it was not run: Keras" in said.err
    assert begun == [None], "the bounds are searched for once"


def test_certify_gives_json_by_lag(call, model, data):
    said = certify(call, model, data, "--lag", "1-2,12", "--feature", "temp,dewp", "--json",
                   "--last", "2", "--range", "temp=2;dewp=3")  # fmt: skip
    found = json.loads(said.out)
    assert [row["lag"] for row in found["lags"]] == [1, 2, 12]
    for row in found["lags"]:
        assert row["attained"] <= row["bound"]
        assert sum(row[name] for name in ("structural", "proven", "refuted", "undecided")) == 2
        assert set(row["attained_by"]) == {"temp", "dewp"}
    assert found["range"] == "temp: own value +- 2 F; dewp: own value +- 3 F"
    assert found["sentence"].startswith("Of 6 questions (a window and a lag each)")


def test_lags_of_a_short_series_says_on_what_little_its_draws_rest(call, model, data):
    said = call("lags", model, data, "--windows", "1", "--tolerance", "30", *QUICK)
    assert said.code == 0, said.err
    text = " ".join(said.out.split())
    assert "Evidence on each lag for the forecast of temp (F)" in text
    assert "30 F (as given)" in text
    # 97 windows of 240 numbers
    assert "Drawn from Gaussian given the step on either side (covariance of 97 background" in text
    assert "whether it fits cannot be told from fewer than 100 windows" in text
    assert max(map(len, said.out.splitlines())) <= 100


def test_lags_ends_in_two_sentences_and_fits_a_page(call, model, table, tmp_path, rng):
    hours = pd.date_range("2013-09-05", periods=400, freq="h").strftime("%Y-%m-%d %H:%M")
    names = list(table.columns[1:])
    means, scales = table[names].mean(), table[names].std()
    long = pd.DataFrame(means.values + scales.values * rng.normal(size=(400, 10)), columns=names)
    long.insert(0, table.columns[0], hours)
    long.to_csv(tmp_path / "long.csv", index=False)
    said = call("lags", model, tmp_path / "long.csv", "--windows", "0", "--margin", "0.5",
                "--alpha", "0.1", *QUICK)  # fmt: skip
    assert said.code == 0, said.err
    text = " ".join(said.out.split())
    assert "margin 0.5 F (as given)" in text
    assert "Drawn from Gaussian given the step on either side (covariance of 377 backgr" in text
    assert "at 10 % family-wise." in text[-600:]
    assert "proven" not in text
    assert max(map(len, said.out.splitlines())) <= 100


def test_lags_by_feature_has_a_row_a_feature_and_names_the_held(call, model, data):
    said = call("lags", model, data, "--by", "feature", "--windows", "0", "--json", *QUICK)
    found = json.loads(said.out)
    assert [row["feature"] for row in found["features"]][:2] == ["temp", "dewp"]
    assert [row["verdict"] for row in found["features"]][-2:] == ["held", "held"]
    assert len(found["sentences"]) == 3 and found["sentences"][0].startswith(
        "The forecast of temp: "
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--lag", "25"), ["lag 25 is beyond the window", "lags 1 to 24"]),
        (("--feature", "temp", "--range", "3,3"), ["the range of temp is empty", "from 3 to 3 F"]),
        (
            ("--feature", "temp", "--range", "900,950"),
            ["does not hold the own value", "of temp in"],
        ),
        (("--feature", "temp", "--range", "0"), ["error of a sensor must be above 0"]),
        (("--feature", "snow"), ["no feature is called 'snow'"]),
        (("--feature", "temp", "--tolerance", "0"), ["tolerance must be a number above 0"]),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(call, model, data, options, words):
    refused(certify(call, model, data, *options), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--margin", "0"), ["the margin must be above zero, but is 0"]),
        (("--block-length", "60"), ["blocks of 60 windows need at least 240 windows"]),
        (("--alpha", "0.5"), ["alpha must be between 0 and 0.5"]),
        (("--range", "900,950", "--windows", "1"), ["does not hold the own value"]),
    ],
)
def test_a_table_that_cannot_be_made_is_refused(call, model, data, options, words):
    refused(call("lags", model, data, "--windows", "0", *options), *words)


@pytest.mark.parametrize("options", [("--lag", "x"), ("--lag", "1-"), ("--range", "a")])
def test_what_is_no_lag_and_no_range_is_a_wrong_command_line(call, model, data, options):
    assert certify(call, model, data, *options).code == 2
