"""Tables from CSV: reading with every check, beside the cell-by-cell path and pandas alone."""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from harness.measure import agree, interleave
from harness.record import OURS, Record

from rnnlens.series.tables.csv_text import open_csv
from rnnlens.series.tables.read import read_table, table_from_cells

COLUMNS = 10


def main() -> None:
    """Measure a file with times and one without."""
    record = Record("tables", __doc__ or "")
    rows = 1000 if record.quick else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for time in (None, "time"):
            write(path, rows, time)
            measure(record, path, rows, time)
    record.save()


def write(path: Path, rows: int, time: str | None) -> None:
    """Write normal numbers with all their digits, and hourly times where they are asked for."""
    values = np.random.default_rng(0).normal(10, 5, (rows, COLUMNS))
    table = pd.DataFrame(values, columns=[f"f{place}" for place in range(COLUMNS)])
    if time is not None:
        hours = pd.date_range("2000-01-01", periods=rows, freq="h")
        table.insert(0, time, hours.strftime("%Y-%m-%d %H:%M"))
    table.to_csv(path, index=False)


def measure(record: Record, path: Path, rows: int, time: str | None) -> None:
    """Measure one file."""
    runs: dict[str, Callable[[], pd.DataFrame]] = {
        OURS: lambda: read_table(path, time=time),
        "cell by cell": lambda: table_from_cells(open_csv(path), None, [], time),
        "pandas alone": lambda: pd.read_csv(path),
    }
    ours, slow, bare = (run() for run in runs.values())
    agree("cell by cell", ours, slow, 0.0)
    difference = agree("pandas", ours, bare.drop(columns=time or []), 1e-15)
    times = interleave(runs, rounds=record.rounds)
    work = f"CSV {'with' if time else 'without'} times"
    sizes = f"{rows:,} rows, {COLUMNS} columns of numbers"
    record.times(work, sizes, times, difference=difference)
    if time is None:
        faster = times["cell by cell"].over(times[OURS])[0]
        record.claim(f"{work}: over the cell-by-cell path", faster, "x", least=4, sizes=sizes)


if __name__ == "__main__":
    main()
