"""Every example of the page on the sidecar is read, and the page has every key."""

from __future__ import annotations

import re

import pytest

from rnnlens.series.column_text import COLUMN_KEYS
from rnnlens.series.scaling_text import SCALING_KEYS
from rnnlens.series.sidecar import Sidecar, read_sidecar


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "sidecar.md").read_text(encoding="utf-8")


def test_every_example_is_read_and_written_back(page, tmp_path):
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 6
    for number, text in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(text, encoding="utf-8")
        sidecar = read_sidecar(path)
        path.write_text(sidecar.to_toml(), encoding="utf-8")
        assert read_sidecar(path) == sidecar


def test_every_key_is_on_the_page(page):
    keys = {*Sidecar.__dataclass_fields__, *COLUMN_KEYS, *SCALING_KEYS, "unit", "held", "horizons"}
    assert sorted(key for key in keys if not re.search(rf"\b{key}\b", page)) == []


def test_the_example_that_a_scaling_forgotten_is_refused_holds(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("window = 3\n[features]\ntemp = { unit = 'C' }\n", encoding="utf-8")
    with pytest.raises(ValueError, match="mean is missing; it must be the number that training"):
        read_sidecar(path)
