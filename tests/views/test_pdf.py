"""The report on paper: a PDF with the sentences, the tables and the figures of the page."""

import io
import re

import numpy as np
import pytest

import rnnlens
from networks import forecaster
from refused.registry import instead_of_modules
from rnnlens.errors import InputError, MissingLibrary
from rnnlens.views.report.paper import HEIGHT, MARGIN, WIDTH, Paper


@pytest.fixture(scope="module")
def asked():
    rng = np.random.default_rng(3)
    return forecaster("lstm", rng, steps=4, features=2, units=2), rng.normal(size=(12, 4, 2))


def test_a_report_on_paper_says_what_the_page_says(asked, tmp_path, monkeypatch):
    pypdf = pytest.importorskip("pypdf")
    network, X = asked
    drawn = []
    monkeypatch.setattr(Paper, "picture", lambda self, svg, caption: drawn.append(caption))
    path = rnnlens.report(network, X, tmp_path / "page.pdf", target=0, title="Dünen & Wetter")
    assert path.read_bytes().startswith(b"%PDF")
    read = pypdf.PdfReader(path)
    text = " ".join(page.extract_text() for page in read.pages)
    words = " ".join(text.split())
    for said in (
        "Dünen & Wetter",
        "Is the forecast any good?",
        "Of all that moved the forecast",
        "Each lag in numbers",
        "How was it made?",
    ):
        assert said in words
    assert "recurrent.W_f" in words
    assert read.metadata.title == "Dünen & Wetter"
    assert len(drawn) > 4
    box = read.pages[0].mediabox
    assert (float(box.width), float(box.height)) == pytest.approx((WIDTH, HEIGHT), abs=1)


def test_a_picture_of_vectors_stays_one(asked):
    pypdf = pytest.importorskip("pypdf")
    import vl_convert

    paper = Paper()
    paper.picture(
        '<svg width="900" height="300"><path d="M0,0L900,300" stroke="red"/></svg>', "red"
    )
    (page,) = paper.finished()
    single = pypdf.PdfReader(io.BytesIO(vl_convert.svg_to_pdf(page))).pages[0]
    assert not list(single.images)
    assert "red" in single.extract_text()


def test_nothing_is_written_beyond_the_margins_and_a_table_goes_on_with_its_headings():
    paper = Paper()
    rows = [[str(number), "word " * 40, "x" * 200] for number in range(60)]
    paper.table(["number", "words", "letters"], rows)
    pages = paper.finished()
    assert len(pages) > 3
    for page in pages:
        assert page.count(">number<") == 1
    places = [float(y) for page in pages for y in _places(page)]
    assert min(places) >= MARGIN and max(places) <= HEIGHT - 24


def _places(page):
    return re.findall(r'<text x="[\d.]+" y="([\d.]+)"', page)


@pytest.mark.parametrize("name", ["page.txt", "page", "page.pdf.exe", "page.docx"])
def test_another_ending_is_refused_before_anything_is_computed(asked, tmp_path, name):
    with pytest.raises(InputError, match="a report is written as .html or .htm or .pdf"):
        rnnlens.report(asked[0], asked[1], tmp_path / name, target=99)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused_before_anything_is_computed(asked, tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        rnnlens.report(asked[0], asked[1], tmp_path / "none" / "page.html", target=99)


def test_without_pypdf_what_to_install_is_said_before_anything_is_computed(asked, tmp_path):
    with (
        instead_of_modules({"pypdf": None}),
        pytest.raises(MissingLibrary, match=r"pip install 'rnnlens\[pdf\]'"),
    ):
        rnnlens.report(asked[0], asked[1], tmp_path / "page.pdf", target=99)
