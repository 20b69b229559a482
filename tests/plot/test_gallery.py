"""The gallery shows every chart with the code that drew it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from rnnlens import plot


@pytest.fixture(scope="module")
def gallery(root):
    spec = spec_from_file_location("make_gallery", root / "docs" / "make_gallery.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["make_gallery"] = module  # where dataclasses look for their module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_gallery"]


def test_every_chart_has_its_call_and_its_picture(gallery, root):
    assert {entry.name for entry in gallery.ENTRIES} == set(plot.__all__) - {"save"}
    for entry in gallery.ENTRIES:
        assert f"rnnlens.plot.{entry.name}(" in entry.code
        picture = root / "docs" / "images" / "gallery" / f"{entry.name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG"), entry.name


def test_the_page_is_what_was_run(gallery, root):
    assert (root / "docs" / "gallery.md").read_text(encoding="utf-8") == gallery.page()


def test_its_quick_calls_run(gallery):
    at_hand: dict[str, object] = {}
    quick = gallery.BEFORE.replace("newest(300)", "newest(20)")
    assert quick != gallery.BEFORE
    exec(quick, at_hand)
    run = 0
    for entry in gallery.ENTRIES:
        if "explained" in entry.code or entry.name in {"anatomy", "gates", "record"}:
            own = dict(at_hand)
            exec(entry.code.replace("sample=120", "sample=12"), own)
            assert own["chart"].to_dict(), entry.name  # type: ignore[attr-defined]
            run += 1
    assert run >= 8
