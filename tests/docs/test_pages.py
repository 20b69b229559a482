"""Every block of the documentation's pages runs, and prints what the page says."""

from __future__ import annotations

import re
import shutil

import pytest

from pages import DOCS, ELSEWHERE, blocks_of, differs, pages, run
from rnnlens.demo.weather import leave_files


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's files, made once for all pages."""
    folder = tmp_path_factory.mktemp("demo")
    leave_files(folder)
    return folder


@pytest.mark.parametrize("name", pages())
def test_every_block_of_a_page_runs_and_prints_what_is_shown(name, demo, tmp_path):
    folder = shutil.copytree(demo, tmp_path / "files")
    for ran in run(name, folder):
        if ran.block.shown is not None:
            wrong = differs(ran.block.shown, ran.printed)
            assert not wrong, f"{name}, line {ran.block.line}: the page shows {wrong}"


def test_a_translation_has_the_blocks_of_its_original():
    translated = sorted((DOCS / "zh").rglob("*.md"))
    assert translated
    for path in translated:
        page = path.relative_to(DOCS / "zh").as_posix()
        own, original = blocks_of(f"zh/{page}"), blocks_of(page)
        assert [(one.language, one.text, one.shown) for one in own] == [
            (one.language, one.text, one.shown) for one in original
        ], f"copy the blocks of docs/{page} to docs/zh/{page}"


def test_the_code_for_other_libraries_is_that_which_make_integrations_runs(root):
    scripts = (root / "benchmarks" / "integrations").glob("with_*.py")
    ran = "".join(path.read_text(encoding="utf-8") for path in scripts)
    blocks = [block for block in blocks_of("integrations.md") if block.language == "python"]
    assert blocks
    assert all(block.text in ran for block in blocks)


def test_a_page_that_shows_what_is_not_printed_is_seen():
    assert not differs("a 1.20 b\n...\nz\n", "a  1.21 b\nc\nz\n")
    assert differs("a 1.20 b\n", "a 1.22 b\n")
    assert differs("a\n", "a\nb\n")
    assert differs("a\nb\n", "a\n")
    assert differs("a\n...\nz\n", "a\ny\n")
    assert differs("12\n", "1.2\n")


def test_what_a_page_links_to_is_there():
    """Sphinx looks at headings too; this is what can be seen without it."""
    for path in DOCS.rglob("*.md"):
        page = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page):
            if not link.startswith("https://") and "reference/made" not in link:
                assert (path.parent / link).exists(), (path, link)


def test_a_page_that_is_run_elsewhere_is_there_and_make_knows_its_target(root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for name, target in ELSEWHERE.items():
        assert blocks_of(name)
        assert f"\n{target.removeprefix('make ')}:" in makefile


def test_every_page_stands_in_the_contents_of_another():
    listed = {"index"}
    for path in DOCS.rglob("*.md"):
        trees = re.findall(r"^```{toctree}\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
        for line in "\n".join(trees).splitlines():
            name = line.rpartition("<")[2].rstrip(">").strip()
            listed.add((path.parent / name).relative_to(DOCS).as_posix())
    named = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")}
    assert sorted(named - listed) == [], "name it in docs/index.md"
