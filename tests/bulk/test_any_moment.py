"""A process that ends at any operation on a file leaves what is gone on with to the same bytes."""

from __future__ import annotations

import errno
import os
import shutil
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from archives import written
from moments import failing, moments
from networks import forecaster
from rnnlens.api.shared.archives.planning import ArchiveQuestion, planned
from rnnlens.api.shared.archives.running import ran
from rnnlens.attribution.options import Effort
from rnnlens.bulk import Blocks, Runner, repair, verify
from rnnlens.errors import InputError
from rnnlens.series.sidecar import Sidecar

#: Of the states within a draft, which differ in the draft alone, one of so many is gone on with.
ONE_OF = 50


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A question of an archive of two blocks, and the files of its answer."""
    folder = tmp_path_factory.mktemp("moments")
    rng = np.random.default_rng(8)
    values, axes = rng.normal(size=(2, 24)), ("time",)
    data = xr.Dataset(
        {"rain": (axes, values[0]), "flow": (axes, values[1])},
        {"time": pd.date_range("2001-02-01", periods=24, freq="h")},
    )
    written(data, folder / "in.zarr")
    question = ArchiveQuestion(
        net=forecaster("lstm", rng, steps=3, features=2, units=2),
        archive=folder / "in.zarr",
        sidecar=Sidecar.plain(["rain", "flow"], 3, lead=2, time="time"),
        target="flow",
        method="secant",
        baseline="zero",
        held=None,
        effort=Effort(),
        blocks=Blocks(windows=12),
    )
    plan = planned(question)
    ran(plan, folder / "expected.zarr", Runner())
    return plan, folder / "expected.zarr"


@pytest.fixture(autouse=True)
def disk_that_keeps_everything(monkeypatch):
    """Spare the waiting for a disk: it is processes that end here, and not machines."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def expected(asked, every):
    return every(asked[1])


@pytest.fixture
def every(contents):
    """Every file of a result, the result's neighbours with it: no draft may be left beside it."""

    def of(out: Path) -> dict[str, bytes]:
        beside = [one.name for one in out.parent.iterdir() if one.name.startswith(".rnnlens")]
        assert beside == []
        return contents(out)

    return of


def chosen(number: int, path: str) -> bool:
    """Leave out most of the operations within a draft, which change nothing but the draft."""
    return not (".rnnlens-" in path or ".summary-" in path) or not number % ONE_OF


def test_every_moment_of_a_run_is_gone_on_with(asked, expected, every, tmp_path):
    plan, _ = asked
    (tmp_path / "run").mkdir()
    out = tmp_path / "run" / "out.zarr"
    found = moments(tmp_path / "run", tmp_path / "m", lambda: ran(plan, out, Runner()), chosen)
    assert every(out) == expected
    assert len(found) > 40
    for copy in found:
        ran(plan, copy / "out.zarr", Runner())
        assert every(copy / "out.zarr") == expected, found[copy]
        assert verify(copy / "out.zarr") == [], found[copy]


def test_every_moment_of_a_repair_is_repaired(asked, expected, every, tmp_path):
    out = shutil.copytree(asked[1], tmp_path / "run" / "out.zarr")
    for name in ("forecast/c/1", ".rnnlens/sketches/0000/0000000.npz", "summary/all/lag/zarr.json"):
        (out / name).write_bytes(b"")
    found = moments(tmp_path / "run", tmp_path / "m", lambda: repair(out), chosen)
    assert every(out) == expected
    for copy in list(found)[::6]:
        repair(copy / "out.zarr")
        assert every(copy / "out.zarr") == expected, found[copy]


def test_a_disk_that_is_full_at_any_operation_is_said_and_gone_on_from(
    asked, expected, every, tmp_path
):
    plan, _ = asked
    refused = 0
    for number in count(step=23):
        out = tmp_path / str(number) / "out.zarr"
        out.parent.mkdir()
        try:
            with failing(number, lambda: OSError(errno.ENOSPC, "No space left on device")) as done:
                ran(plan, out, Runner())
        except InputError as error:
            refused += "the disk is full" in str(error) or "No space left on device" in str(error)
        ran(plan, out, Runner())
        assert every(out) == expected and verify(out) == [], done[-1]
        if len(done) <= number:
            break
    assert refused > number / 23 / 2  # some operations make room, or are for tidiness alone


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.filterwarnings("ignore:.*use of fork")
def test_processes_that_do_the_same_blocks_at_once_give_the_same_bytes(
    asked, expected, every, tmp_path
):
    plan, _ = asked
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            try:
                ran(plan, tmp_path / "out.zarr", Runner())
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert every(tmp_path / "out.zarr") == expected and verify(tmp_path / "out.zarr") == []
