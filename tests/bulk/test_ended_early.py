"""What ends early is gone on with: nothing lost, nothing done twice, the same bytes in the end."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import time
import warnings
from contextlib import contextmanager, suppress

import pytest

from archives import written
from rnnlens.api.shared.archives import planning
from rnnlens.bulk import Blocks, status, verify, work
from rnnlens.bulk.job import load, read_manifest
from rnnlens.bulk.records import place_of_record
from rnnlens.bulk.runners import Tally, in_this_process
from rnnlens.errors import InputError, UnreadableFile

BLOCKS = 3 * 5


@contextmanager
def explaining(made, out: str):
    """Explain in a process of its own, slowly, so that it can be ended at any moment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that threads do not outlive a fork: the child begins anew
        child = os.fork()
    if not child:
        keep = work.keep

        def slowly(*given):
            time.sleep(0.02)
            keep(*given)

        work.keep = slowly
        made.explain(out)
        os._exit(0)
    try:
        yield child
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
@pytest.mark.parametrize("seed", range(4))
def test_a_process_killed_at_any_moment_is_gone_on_with(made, files, expected, seed):
    out, draw = made.folder / "killed.zarr", random.Random(seed)
    wanted = draw.randint(1, BLOCKS - 1)
    with explaining(made, "killed.zarr"):
        limit = time.monotonic() + 60
        while not place_of_record(out, wanted).exists() and time.monotonic() < limit:
            time.sleep(0.002)
        time.sleep(draw.random() * 0.03)
    assert status(out).done > wanted
    made.explain("killed.zarr")
    assert files(out) == expected
    assert verify(out) == [] and status(out).done == BLOCKS


@contextmanager
def files_of_at_most(size: int):
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_said_and_the_same_command_goes_on_when_there_is_room(made, files, expected):
    made.explain("full.zarr", limit=100)
    with (
        files_of_at_most(700),
        pytest.raises(InputError, match=r"after 0 of 11 blocks \(the disk is full\): make room"),
    ):
        made.explain("full.zarr")
    made.explain("full.zarr")
    assert files(made.folder / "full.zarr") == expected


def test_a_chunk_that_cannot_be_read_costs_its_blocks_alone_and_is_named(made, files, expected):
    chunk = made.path / "flow" / "c" / "0" / "2"
    made.explain("unread.zarr", limit=1)
    plan = work_of(made, "unread.zarr")
    whole = chunk.read_bytes()
    chunk.write_bytes(bytes(len(whole)))
    numbers = list(range(1, BLOCKS))
    tally = Tally(None, 0)
    in_this_process(plan, made.folder / "unread.zarr", numbers, tally)
    # rows 80 to 119 are in blocks 2 and 3 of the five of each station
    assert sorted(number for number, _ in tally.failed) == [2, 3, 7, 8, 12, 13]
    said = dict(tally.failed)[7]
    assert f"rows 60 to 95 of {made.path}, station 'south' cannot be read" in said
    assert status(made.folder / "unread.zarr").done == BLOCKS - 6
    with pytest.raises(UnreadableFile, match="cannot be read"):
        made.explain("unread.zarr")
    chunk.write_bytes(whole)
    made.explain("unread.zarr")
    assert files(made.folder / "unread.zarr") == expected


def work_of(made, out: str):
    """Give the job of a result, as a worker loads it."""
    path = made.folder / out
    return load(str(path), str(made.path), read_manifest(path).identity)


def test_what_another_question_began_is_not_gone_on_with(made):
    made.explain(limit=1)
    for options, name in (
        ({"baseline": "mean"}, "baseline"),
        ({"blocks": Blocks(windows=31)}, "block_rows"),
        ({"target": "rain"}, "target"),
        ({"held": ["rain"]}, "held"),
    ):
        with pytest.raises(InputError, match=f"was begun with another {name}.*give another --out"):
            made.explain(**options)
        made.explain("another.zarr", limit=1, **options)
        shutil.rmtree(made.folder / "another.zarr")


def test_another_archive_under_the_same_name_is_not_gone_on_with(made):
    made.explain(limit=1)
    shutil.rmtree(made.path)
    written(made.data.assign(flow=made.data.flow + 1), made.path)
    with pytest.raises(InputError, match="was begun with another archive .its files."):
        made.explain()


def test_what_other_versions_computed_is_not_gone_on_with(made, monkeypatch):
    made.explain(limit=1)
    monkeypatch.setattr(planning, "versions", lambda: {"rnnlens": "9"})
    with pytest.raises(InputError, match=r"was begun with another rnnlens \(0"):
        made.explain()


def test_a_folder_of_something_else_is_not_written_into(made):
    (made.folder / "mine.zarr").mkdir()
    (made.folder / "mine.zarr" / "precious").write_text("x")
    with pytest.raises(UnreadableFile, match="is no result of rnnlens explain with blocks"):
        made.explain("mine.zarr")
    assert [one.name for one in (made.folder / "mine.zarr").iterdir()] == ["precious"]
