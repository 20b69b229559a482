"""The page for readers of the repository names files that are there, and no room is left out."""

from __future__ import annotations

import re

import pytest


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_file_and_folder_that_the_page_names_is_there(page, root):
    named = re.findall(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+(?:\.py|\.toml|/))`", page)
    assert len(named) > 40
    package = root / "src" / "rnnlens"
    folders = [path for path in package.rglob("*") if path.is_dir()]
    places = [package, root, *folders]  # wings are named within the row of their room
    missing = [name for name in named if not any((place / name).exists() for place in places)]
    assert missing == []


def test_every_room_and_every_wing_is_on_the_page(page, root):
    package = root / "src" / "rnnlens"
    rooms = [path for path in package.iterdir() if (path / "__init__.py").exists()]
    wings = [path for room in rooms for path in room.iterdir() if (path / "__init__.py").exists()]
    named = set(re.findall(r"`(?:[a-z_0-9]+/)*([a-z_0-9]+)/`", page))
    missing = sorted(path.name for path in [*rooms, *wings] if path.name not in named)
    assert missing == []
