"""Compiled kernels of an installed package are kept for the machine, not for the environment."""

from __future__ import annotations

import sys
from pathlib import Path

import numba
import pytest
from numba import njit

from rnnlens.engine.kernels.lowlevel import kept

SOURCE = Path("venv/lib/python3.12/site-packages/rnnlens/engine/kernels")


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """The user's cache folder, wherever the system has it."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def test_an_installed_package_keeps_them_in_the_users_cache_folder(caches):
    if sys.platform == "win32":
        pytest.skip("Windows says where the folder is by a call")
    folder = kept.folder_for(SOURCE, "a" * 64)
    assert folder is not None
    assert folder.is_dir()
    assert caches in folder.parents
    # another environment, the same; another state of the kernels, another
    assert kept.folder_for("other" / SOURCE, "a" * 64) == folder
    assert kept.folder_for(SOURCE, "b" * 64) != folder
    assert kept.folder_for(SOURCE.parent / "proof", "a" * 64) != folder


def test_a_checkout_keeps_them_beside_the_source(caches):
    assert kept.folder_for(Path("work/src/rnnlens/engine/kernels"), "a" * 64) is None


def test_a_folder_that_the_user_named_stands(caches, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(caches / "named"))
    assert kept.folder_for(SOURCE, "a" * 64) is None


def test_a_cache_folder_that_may_not_be_written_is_left(caches, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches / "file"))
    monkeypatch.setenv("HOME", str(caches / "file"))
    (caches / "file").write_text("no folder")
    assert kept.folder_for(SOURCE, "a" * 64) is None


def test_what_is_compiled_is_found_again_in_the_folder(tmp_path):
    def compiled():
        dispatcher = njit(cache=True)(_twice)
        kept.keep_in(dispatcher._cache, tmp_path)
        assert dispatcher(3) == 6
        return dispatcher

    first = compiled()
    assert list(tmp_path.glob("*.nbi"))
    assert list(tmp_path.glob("*.nbc"))
    assert not first.stats.cache_hits
    assert compiled().stats.cache_hits


def _twice(x):
    return 2 * x
