"""Workers that are lost while they do blocks: the same bytes, and nothing stands still."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Client, LocalCluster, WorkerPlugin

from rnnlens.bulk import Runner
from rnnlens.bulk.records import place_of_record
from rnnlens.errors import InputError

BLOCKS = 3 * 5
#: Blocks whose worker is ended, by the moment: while it does it, and once it has its result.
MOMENTS = {"executing": 3, "memory": 9}


def test_workers_that_are_ended_give_the_same_bytes(made, files, expected, tmp_path):
    class Ending(WorkerPlugin):  # here, so that workers need not import this file
        def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
            number = int(str(key).split("-")[1]) if str(key).startswith("block-") else None
            mark = tmp_path / f"ended {finish}"
            if MOMENTS.get(finish) == number is not None and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="") as local:
        cluster: Any = local
        with Client(cluster) as client:
            client.register_plugin(Ending())
        made.explain("dask.zarr", runner=Runner(scheduler=cluster.scheduler_address))
    assert {one.name for one in tmp_path.glob("ended *")} == {f"ended {one}" for one in MOMENTS}
    assert files(made.folder / "dask.zarr") == expected


class Cluster:
    """Stands for a cluster that loses what it is given: the first times, and that of a worker."""

    def __init__(self, lost: Callable[[int, int], bool], does: bool = True) -> None:
        self.lost, self.does = lost, does
        self.times = self.started = 0
        self.heard: list[Any] = []
        self.workers, self.scheduler = {0: "a", 1: "b"}, SimpleNamespace(processing=None)

    def map(self, work: Callable[..., Any], *given: Iterable[Any], key: list[str], **_: Any) -> Any:
        self.times += 1
        futures = []
        for name, *one in zip(key, *given, strict=True):
            future = SimpleNamespace(
                key=name, status="finished", release=lambda: None, result=lambda timeout: None
            )
            futures.append(future)
            lost = self.lost(self.times, one[-1])
            if self.does or not lost:
                work(*one)
            if not lost:
                self.heard.append(future)
        return futures

    def next_batch(self, block: bool) -> list[Any]:
        heard, self.heard = self.heard, []
        return heard

    def sync(self, *_: Any, **__: Any) -> dict[str, tuple[str, ...]]:
        return {"tcp://a:1": ()}

    def scale(self, count: int) -> None:
        assert count == 2
        self.started += 1

    def update(self, futures: object) -> None:
        """Hear of these too, which `map` has said already."""

    def close(self, **_: Any) -> None:
        """Close at once."""


@pytest.fixture
def standing(monkeypatch) -> Callable[[Cluster], Cluster]:
    def stand(cluster: Cluster) -> Cluster:
        monkeypatch.setattr("distributed.LocalCluster", lambda **_: cluster)
        monkeypatch.setattr("distributed.Client", lambda _: cluster)
        monkeypatch.setattr("distributed.as_completed", lambda _: cluster)
        monkeypatch.setattr("rnnlens.bulk.cluster.LOOK", 0.0)
        return cluster

    return stand


def test_blocks_that_nobody_does_are_given_again_and_workers_started(
    made, files, expected, standing
):
    cluster = standing(Cluster(lambda times, number: times == 1 and number % 2 == 0, does=False))
    made.explain("out.zarr", runner=Runner(workers=2))
    assert cluster.times == 2 and cluster.started
    assert files(made.folder / "out.zarr") == expected


def test_blocks_on_the_disk_of_which_nothing_is_heard_are_not_done_again(
    made, files, expected, standing
):
    cluster = standing(Cluster(lambda times, number: number % 2 == 0))
    made.explain("out.zarr", runner=Runner(workers=2))
    assert cluster.times == 1
    assert files(made.folder / "out.zarr") == expected


def test_a_block_that_is_never_done_ends_it(made, standing):
    cluster = standing(Cluster(lambda times, number: number == 4, does=False))
    with pytest.raises(InputError, match=f"after {BLOCKS - 1} of {BLOCKS} blocks"):
        made.explain("out.zarr", runner=Runner(workers=2))
    assert cluster.times == 4
    assert not place_of_record(Path(made.folder, "out.zarr"), 4).exists()
