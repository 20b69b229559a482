"""Each language is one catalogue, which holds what is said and nothing else."""

from __future__ import annotations

import ast
import re
import string

import pytest

import rnnlens
from pseudo import catalogues, outside, pseudo_language, texts_of, titles_of
from rnnlens.errors import InputError
from rnnlens.views.report import ReportParts, render_report
from rnnlens.views.tables.summary import pick_window
from rnnlens.views.words import language as spoken

CODES = [code for code in spoken.languages() if code != "en"]


def catalog_of(code):
    return catalogues.read(catalogues.po_of(code), code)


def strings(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def ids(message):
    return message.id if isinstance(message.id, tuple) else (message.id,)


def places(template):
    """The named places of a template, each with its format."""
    return {(name, spec) for _, name, spec, _ in string.Formatter().parse(template) if name}


def test_chinese_is_spoken():
    assert CODES == ["zh"]
    with spoken.language("zh"):
        assert spoken.say("forget gate") == "遗忘门"
        assert spoken.many(3, "{count} step", "{count} steps") == "3 步"
        assert spoken.say("what no catalogue has") == "what no catalogue has"


@pytest.mark.parametrize("code", CODES)
def test_what_gettext_reads_is_compiled_from_what_is_translated(code):
    kept = catalogues.po_of(code).with_suffix(".mo").read_bytes()
    made = catalogues.compiled(catalog_of(code))
    assert catalogues.holds(kept) == catalogues.holds(made), "make languages"


@pytest.mark.parametrize("code", CODES)
def test_every_template_of_the_source_is_translated_and_none_that_is_gone(code):
    catalog, found = catalog_of(code), catalogues.templates()
    assert {m.id for m in catalog if m.id} == {m.id for m in found if m.id}, "make languages"
    assert not catalog.obsolete
    assert [message.id for message in catalogues.left(catalog)] == []


def test_the_template_of_catalogues_is_that_of_the_source():
    path = catalogues.LANGUAGES / "rnnlens.pot"
    kept = {message.id for message in catalogues.read(path, "en")}
    assert kept == {message.id for message in catalogues.templates()}, "make languages"


@pytest.mark.parametrize("code", CODES)
def test_places_and_their_formats_are_those_of_the_template(code):
    for message in catalog_of(code):
        wanted = [places(text) for text in ids(message)]
        for text in strings(message):
            if message.id:
                # one thing may be said in words that leave its number out
                assert places(text) in wanted or places(text) == wanted[-1] - {("count", "")}, text


def test_a_template_that_is_not_written_out_where_it_is_said_is_found():
    tree = ast.parse("say(text)")
    with pytest.raises(SystemExit, match="written out where it is said"):
        list(catalogues.said_in(tree, "x.py"))


def test_a_language_that_is_not_there_is_refused_by_those_that_are(monkeypatch):
    with pytest.raises(InputError, match="one of en, zh"):
        spoken.check_language("tlh")
    monkeypatch.setenv(spoken.VARIABLE, "tlh")
    with pytest.raises(InputError, match=r"RNNLENS_LANGUAGE must be one of en, zh"):
        spoken.say("forget gate")
    monkeypatch.setenv(spoken.VARIABLE, "zh")
    assert spoken.say("forget gate") == "遗忘门"
    with spoken.language("en"):
        assert spoken.say("forget gate") == "forget gate"


#: What is shown in every language as it is: names of the network and its data, kinds of layers and
#: their settings, names of methods and programs, titles of papers, and what these made-up results
#: hold as mere text.
AS_IT_IS = re.compile(
    r"LSTM|Dense|Input|InputLayer|Keras .*|weather\.keras.*|activation = .*|\w+ = .*"
    r"|[\w/]*kernel.*|[\w/]*bias.*|lstm.*|dense.*|layers/.*|secant|rnnlens|NumPy|SHA-256"
    r"|hour_sin, hour_cos|.*\(\d{4}\), .*|mean of the training months|W_.*|U_.*|b_.*"
    r"|input|forget|cell|output"
    r"|The .* in no array: .*|The layer dropout acts only in training\."
    r"|contribution"  # the middle line of a legend's title, whose brackets are on the others
)
CHARTS = ("forecast", "lag_feature", "lag_contributions", "beeswarm", "calendar", "waterfall")


#: Parts of sentences that the made-up results of these tests hold as mere text.
MADE_UP = re.compile(
    r"outputs stored when the network was trained|mean of the training months|method secant|secant,"
)


def unsaid(texts, names):
    """The texts that hold words which no catalogue has and are not shown as they are."""
    kept = [MADE_UP.sub("", text) for text in texts if text.strip() not in names]
    return [text for text in kept if outside(text, names) and not AS_IT_IS.fullmatch(text.strip())]


@pytest.fixture
def names(explanation):
    return frozenset([*map(str, explanation["feature"].values), "temp", "lstm", "weather"])


def test_a_language_is_one_file_and_a_page_says_nothing_else(
    explanation, lags, trace, weights, fidelity, description, names, tmp_path, monkeypatch
):
    with pseudo_language(tmp_path, monkeypatch):
        window, reason = pick_window(explanation)
        page = render_report(
            ReportParts(
                title=spoken.say("What {network} learned about {target}", network="a", target="b"),
                description=description,
                explanation=explanation,
                lags=lags,
                trace=trace,
                weights=weights,
                window=window,
                window_reason=reason,
                fidelity=fidelity,
            )
        )
    assert "\n".join(unsaid(texts_of(page), names)) == ""
    assert '<html lang="xx">' in page


@pytest.mark.parametrize("chart", CHARTS)
def test_a_language_is_one_file_and_a_chart_says_nothing_else(
    explanation, names, chart, tmp_path, monkeypatch
):
    with pseudo_language(tmp_path, monkeypatch) as code:
        assert spoken.languages() == ("en", "xx")
        drawn = getattr(rnnlens.plot, chart)(explanation, language=code).to_dict()
    assert unsaid(titles_of(drawn), names) == []


def test_a_sentence_that_no_catalogue_has_stands_outside(tmp_path, monkeypatch):
    with pseudo_language(tmp_path, monkeypatch):
        assert outside(spoken.say("forget gate")) == []
        assert outside(f"{spoken.say('forget gate')} is open") == ["open"]
