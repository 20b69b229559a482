"""Make tests/data/neuralhydrology: small run folders, their data, and neuralhydrology's forecasts.

Run it with the environment that ``make integrations INTEGRATIONS=neuralhydrology`` makes::

    .venv/integrations/neuralhydrology/bin/python benchmarks/integrations/make_run_folders.py
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from adapted_neuralhydrology import forecasts, run_folder
from case import seeded
from with_neuralhydrology import RUNS, basins, config

PLACE = Path(__file__).parents[2] / "tests" / "data" / "neuralhydrology"
SMALL = {"hidden_size": 5, "seq_length": 12, "learning_rate": 0.03, "max_updates_per_epoch": 8}
DAYS = slice("2001-12-21", "2002-02-28")


def main() -> None:
    """Train every run, and keep what is read of it beside what it forecasts."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = basins(folder, seeded())
        shutil.rmtree(PLACE, ignore_errors=True)
        kept = {}
        for which in RUNS:
            run = run_folder(folder, which, config(folder, which) | SMALL)
            own = forecasts(run, folder)
            kept[which] = own.to_numpy()
            there = PLACE / which
            (there / "train_data").mkdir(parents=True)
            for path in run.rglob("*.yml"):
                text = path.read_text(encoding="utf-8").replace(str(folder), ".")
                (there / path.relative_to(run)).write_text(text, encoding="utf-8")
            shutil.copy(run / "model_epoch001.pt", there)
        rows = table[table.date.between(DAYS.start, DAYS.stop)]
        rows.to_csv(PLACE / "series.csv", index=False, float_format="%.10g")
        shutil.copy(folder / "attributes" / "attributes.csv", PLACE)
        frame = pd.DataFrame(kept, index=own.index).reset_index()
        assert np.isfinite(frame[[*RUNS]]).all(axis=None)
        frame[frame.date <= DAYS.stop].to_csv(PLACE / "forecasts.csv", index=False)


if __name__ == "__main__":
    main()
