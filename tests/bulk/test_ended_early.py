"""What ends early is gone on with: nothing lost, nothing done twice, the same bytes in the end."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import resource
import shutil
import signal
import time
import warnings
from contextlib import contextmanager, suppress
from uuid import uuid4

import numpy as np
import pytest

from archives import written
from rnnlens.api.shared.archives import planning, running
from rnnlens.bulk import Blocks, repair, status, verify, work
from rnnlens.bulk.arrays import Layout, create, sweep
from rnnlens.bulk.blocks import Grid
from rnnlens.bulk.job import load, read_manifest
from rnnlens.bulk.records import place_of_record
from rnnlens.bulk.runners import Tally, in_this_process
from rnnlens.bulk.upkeep.layout import note_layout
from rnnlens.errors import DataError, InputError, UnreadableFile

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
@pytest.mark.parametrize("seed", range(3))
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
    with pytest.raises(DataError, match="6 blocks of 6 could not be explained"):
        made.explain("unread.zarr")
    chunk.write_bytes(whole)
    made.explain("unread.zarr")
    assert files(made.folder / "unread.zarr") == expected


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_a_chunk_that_cannot_be_read_at_first_costs_its_blocks_alone(made, files, baseline):
    chunk = made.path / "flow" / "c" / "0" / "2"
    whole = chunk.read_bytes()
    chunk.write_bytes(bytes(len(whole)))
    out = made.folder / "unread.zarr"
    with pytest.raises(DataError, match="6 blocks of 15 could not be explained"):
        made.explain("unread.zarr", baseline=baseline)
    chunk.write_bytes(whole)
    found = made.explain("unread.zarr", baseline=baseline)
    assert verify(out) == [] and status(out).done == BLOCKS
    # what was looked at is what could be read when the result was begun
    assert found.windows_looked_at < int(np.isfinite(found.forecast).sum())
    again = {name: content for name, content in files(out).items() if "/c/" in name}
    made.explain("mean.zarr", baseline=baseline)
    fresh = files(made.folder / "mean.zarr")
    same = all(fresh[name] == content for name, content in again.items())
    assert same is (baseline == "zero")


def test_a_chunk_that_can_no_longer_be_read_leaves_the_baseline_as_it_was(made, files):
    chunk = made.path / "flow" / "c" / "0" / "2"
    made.explain("mean.zarr", baseline="mean")
    made.explain("unread.zarr", baseline="mean", limit=1)
    whole = chunk.read_bytes()
    chunk.write_bytes(bytes(len(whole)))
    with pytest.raises(DataError, match="6 blocks of 14 could not be explained"):
        made.explain("unread.zarr", baseline="mean")
    chunk.write_bytes(whole)
    made.explain("unread.zarr", baseline="mean")
    assert files(made.folder / "unread.zarr") == files(made.folder / "mean.zarr")


def test_an_archive_of_which_nothing_can_be_read_is_refused(made):
    for chunk in (made.path / "flow" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(bytes(chunk.stat().st_size))
    with pytest.raises(UnreadableFile, match="cannot be read"):
        made.explain("unread.zarr")
    assert not (made.folder / "unread.zarr").exists()


def test_drafts_of_a_killed_process_are_swept_away_and_those_of_others_are_not(
    made, files, expected, monkeypatch
):
    drafts = []

    def killed(draft, *_):
        shutil.copytree(draft, keep := draft.with_name(draft.name[:-9] + "0000.zarr"))
        drafts.append(keep)

    monkeypatch.setattr(
        running, "note_layout", lambda *given: (killed(*given), note_layout(*given))
    )
    for out in ("mine.zarr", "other.zarr"):
        made.explain(out, limit=1)  # which sweeps at once
    mine, other = drafts
    assert not mine.exists() and not other.exists()
    for draft in drafts:
        draft.mkdir()
    made.explain("mine.zarr")
    assert not mine.exists() and other.exists() and files(made.folder / "mine.zarr") == expected
    mine.mkdir()
    repair(made.folder / "mine.zarr")
    assert not mine.exists() and other.exists()


def test_drafts_of_a_summary_are_left_to_whoever_may_write_them(made, files, expected, monkeypatch):
    draft = made.folder / "mine.zarr" / ".rnnlens" / f".summary-{uuid4().hex}"
    made.explain("mine.zarr")

    def unknown(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    draft.mkdir()
    made.explain("mine.zarr")
    assert draft.exists()  # where nothing tells whether another process is at it
    os.utime(draft, (0, 0))
    made.explain("mine.zarr")
    assert not draft.exists()
    monkeypatch.undo()
    draft.mkdir()
    made.explain("mine.zarr")
    assert not draft.exists() and files(made.folder / "mine.zarr") == expected


def test_a_draft_that_another_process_swept_away_is_no_error_once_the_result_stands(made):
    out = made.folder / "out.zarr"
    made.explain(limit=1)

    def swept(draft):
        sweep(out)
        (draft / "zarr.json").read_bytes()

    before = sorted(one.name for one in made.folder.iterdir())
    create(out, Layout(Grid(1, 1, 1, 1), False, {}, {}, {}), swept)
    assert sorted(one.name for one in made.folder.iterdir()) == before


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


def test_no_thread_writes_any_more_when_an_error_has_ended_it(monkeypatch, tmp_path):
    monkeypatch.setenv("RNNLENS_THREADS", "2")
    ended = []

    def do(_, __, number):
        if number == 0:
            time.sleep(0.05)
            raise OSError(errno.ENOSPC, "No space left on device")
        time.sleep(0.5)
        ended.append(number)

    monkeypatch.setattr("rnnlens.bulk.runners.do", do)
    with pytest.raises(InputError, match="the disk is full"):
        in_this_process(None, tmp_path, [0, 1], Tally(None, 0))
    assert ended == [1]
