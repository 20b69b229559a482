"""Whole archives from 1,000 to 1,000,000 windows explained by secant into Zarr.

Beside the rate of `rnnlens.explain_archive`, from an archive of Zarr to a result of Zarr, stands
that of the method alone on windows that are in memory already, by the same engine on as many
threads in the same precision; both in processes of their own, which first explain a few windows so
that what is loaded and compiled once is not counted. What the largest archive takes is then laid
out for a thousand million windows on a cluster.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from harness.record import Record
from harness.threads import THREADS
from harness.usage import MEGABYTE, held

COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
QUICK = (1_000, 5_000)
#: Windows that the method alone is measured on: more would take more memory, and no less time each.
IN_MEMORY = 100_000
ROUNDS = 3
#: Windows of the plan, and cores of the cluster that it is for.
PLANNED, CORES = 1_000_000_000, 1_000
SIZES = "LSTM H=32 F=10 T=24"


def archive_worker(folder: str, count: str) -> None:
    """Explain an archive and print seconds, bytes of memory at the most, and bytes on the disk."""
    from archives.making import ask, make

    place = Path(folder)
    first = make(place, 200)
    ask(first, place / f"first-{count}.zarr")
    archive = place / f"series-{count}.zarr"
    out = place / f"out-{count}.zarr"
    began = time.perf_counter()
    ask(archive, out)
    seconds = time.perf_counter() - began
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(json.dumps({"seconds": seconds, "peak": held(peak=True), "disk": size}))


def memory_worker(folder: str, count: str) -> None:
    """Run the method alone on windows in memory, and print seconds."""
    from archives.making import FEATURES, STEPS

    from rnnlens.attribution.baselines.baseline import make_baseline
    from rnnlens.attribution.methods.secant import secant
    from rnnlens.attribution.question import Question
    from rnnlens.attribution.target import ResolvedTarget
    from rnnlens.engine.forward import entries
    from rnnlens.readers.native.npz import read

    network = read(Path(folder, "net.npz"))
    x = np.random.default_rng(0).normal(size=(int(count), STEPS, FEATURES))
    inputs = entries(network, x)
    of = next(iter(inputs))
    question = Question(
        network=network,
        inputs=inputs,
        of=of,
        target=ResolvedTarget((0,)),
        baseline=make_baseline("zero", inputs[of]),
    )
    secant(question.part(slice(0, 200)))
    began = time.perf_counter()
    secant(question)
    print(json.dumps({"seconds": time.perf_counter() - began}))


def asked(kind: str, folder: Path, count: int) -> dict[str, float]:
    """Run a worker in a process of its own."""
    done = subprocess.check_output([sys.executable, __file__, kind, str(folder), str(count)])
    return json.loads(done.splitlines()[-1])


def main() -> None:
    """Measure every size, method and archive in turn, then plan a larger one."""
    from archives.making import make

    record = Record("bulk", __doc__ or "")
    counts = QUICK if record.quick else COUNTS
    rates, best = [], {}
    with TemporaryDirectory(prefix="rnnlens-bulk-") as folder:
        place = Path(folder)
        for count in counts:
            make(place, count)
            rounds = 1 if record.quick or count > IN_MEMORY else ROUNDS
            taken, alone = [], []
            for number in range(rounds):
                alone.append(asked("method", place, min(count, IN_MEMORY))["seconds"])
                taken.append(asked("archive", place, count))
                _clear(place, count, keep=number + 1 == rounds)
            best = min(taken, key=lambda one: one["seconds"])
            rate = count / best["seconds"]
            of_method = min(count, IN_MEMORY) / min(alone)
            rates.append(best["seconds"])
            record.values(
                "an archive explained by secant into Zarr",
                f"{SIZES}, {count:,} windows, {THREADS} threads",
                {
                    "seconds": (best["seconds"], "s"),
                    "windows a second": (rate, "/s"),
                    "the method alone, in memory": (of_method, "/s"),
                    "share of that rate": (rate / of_method, ""),
                    "peak memory of the process": (best["peak"] / MEGABYTE, "MB"),
                    "on the disk": (best["disk"] / MEGABYTE, "MB"),
                },
                note=f"the least of {rounds} rounds",
            )
        sizes = f"{SIZES}, {counts[-1]:,} windows, {THREADS} threads"
        share = (counts[-1] / rates[-1]) / of_method
        record.claim("archive: share of the rate in memory", share, "", least=0.8, sizes=sizes)
        peak = best["peak"] / MEGABYTE
        record.claim("archive: peak memory", peak, "MB", most=2000, sizes=sizes)
        half = len(counts) // 2
        slope = np.polyfit(np.log(counts[half:]), np.log(rates[half:]), 1)[0]
        record.claim(
            "growth of time with windows of an archive: exponent over the upper half",
            float(slope),
            "",
            most=1.1,
            sizes=f"{SIZES}, {counts[half]:,} to {counts[-1]:,} windows",
        )
        plan(record, counts[-1], best)
    record.save()


def plan(record: Record, count: int, taken: dict[str, float]) -> None:
    """Lay out what a thousand million windows take, by what the largest archive took."""
    a_window = taken["seconds"] * THREADS / count
    hours = PLANNED * a_window / 3600
    record.values(
        "a plan for an archive by these figures",
        f"{SIZES}, {PLANNED:,} windows",
        {
            "hours of a core": (hours, "h"),
            f"hours of {CORES:,} cores": (hours / CORES, "h"),
            "memory a core, for a worker of one thread": (taken["peak"] / MEGABYTE, "MB"),
            "storage": (PLANNED * taken["disk"] / count / 1e9, "GB"),
            "written a second by all cores": (
                CORES / a_window * taken["disk"] / count / MEGABYTE,
                "MB/s",
            ),
        },
        note=f"linear from {count:,} windows on {THREADS} threads",
    )


def _clear(place: Path, count: int, *, keep: bool) -> None:
    import shutil

    for path in place.iterdir():
        mine = path.name in {f"out-{count}.zarr", f"first-{count}.zarr", "series-200.zarr"}
        if mine or (keep and path.name == f"series-{count}.zarr"):
            shutil.rmtree(path)


if __name__ == "__main__":
    workers = {"archive": archive_worker, "method": memory_worker}
    if len(sys.argv) == 4 and sys.argv[1] in workers:
        workers[sys.argv[1]](*sys.argv[2:])
    else:
        main()
