"""Whoever explains the blocks, in whatever order, the result is the same byte for byte."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from distributed import LocalCluster

from rnnlens.bulk import Part, Runner, status
from rnnlens.bulk.blocks import Grid
from rnnlens.bulk.finding import undone
from rnnlens.bulk.job import read_manifest

BLOCKS = 3 * 5


def test_any_number_of_threads_gives_the_same_bytes(made, files, expected, monkeypatch):
    monkeypatch.setenv("RNNLENS_THREADS", "3")
    made.explain("threads.zarr")
    assert files(made.folder / "threads.zarr") == expected


def test_parts_by_jobs_that_know_nothing_of_each_other_give_the_same_bytes(made, files, expected):
    for number in (3, 1, 2):
        made.explain("parts.zarr", runner=Runner(part=Part(number, 3)))
    assert files(made.folder / "parts.zarr") == expected


@pytest.mark.parametrize("method", ["gradient", "gradient_times_input"])
def test_other_methods_give_the_same_bytes_too(made, files, method, monkeypatch):
    made.explain("whole.zarr", method=method)
    monkeypatch.setenv("RNNLENS_THREADS", "3")
    for number in (2, 1):
        made.explain("parts.zarr", method=method, runner=Runner(part=Part(number, 2)))
    assert files(made.folder / "parts.zarr") == files(made.folder / "whole.zarr")


def test_runs_that_end_at_a_limit_give_the_same_bytes(made, files, expected):
    counts = []
    while not counts or counts[-1] < BLOCKS:
        made.explain("limited.zarr", limit=100)
        counts.append(status(made.folder / "limited.zarr").done)
    assert files(made.folder / "limited.zarr") == expected
    assert all(later > earlier for earlier, later in pairwise(counts))


def test_two_dask_workers_give_the_same_bytes(made, files, expected):
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, protocol="tcp",
            dashboard_address=None,
        ) as cluster,
    ):  # fmt: skip
        made.explain("dask.zarr", runner=Runner(scheduler=cluster.scheduler_address))
    assert files(made.folder / "dask.zarr") == expected


def test_a_block_done_twice_is_there_once(made, files, expected):
    made.explain("twice.zarr")
    made.explain("twice.zarr")
    assert files(made.folder / "twice.zarr") == expected


def test_every_row_of_every_station_is_in_one_block_and_no_other():
    draw = random.Random(3)
    for _ in range(200):
        stations, rows, windows = (draw.randint(1, most) for most in (40, 300, 500))
        grid = Grid.of(stations, rows, windows)
        seen = np.zeros((stations, rows), int)
        for number in range(grid.count):
            block = grid.block(number)
            assert block.number == number
            seen[slice(*block.stations), slice(*block.rows)] += 1
        assert (seen == 1).all()


def test_parts_take_every_block_once():
    for of in range(1, 12):
        taken = [n for k in range(1, of + 1) for n in Part(k, of).numbers(BLOCKS)]
        assert taken == list(range(BLOCKS))


def test_borders_come_from_the_manifest_and_not_from_the_machine(made, monkeypatch):
    made.explain("one.zarr", limit=1)
    monkeypatch.setenv("RNNLENS_THREADS", "7")
    made.explain("seven.zarr", limit=1)
    one, seven = (read_manifest(made.folder / name) for name in ("one.zarr", "seven.zarr"))
    assert one.grid == seven.grid and one.identity == seven.identity
    assert undone(made.folder / "one.zarr", one, range(BLOCKS)) == list(range(1, BLOCKS))
