"""How many questions certificates answer in a second of processor time.

A question is one lag of one window: one feature free over its quantiles, as the table of lags asks
it, or all features within a tenth of a standard deviation, as a sensor's error. Every lag of a few
windows is asked; a counter-example ends its question. Networks with random weights as PyTorch draws
them; tolerance 1 % of the forecasts' standard deviation. Writes ``results/certificates_pace.json``.

    python benchmarks/certificates/pace.py [--quick]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import time

import numpy as np
from harness.networks import Size, forecaster, windows
from harness.record import Record

import rnnlens
from rnnlens import Certificates

#: Title, kind, size, layers, both ways, windows.
NETWORKS = (
    ("LSTM", "LSTM", Size(32, 10, 24), 1, False, 8),
    ("GRU", "GRU", Size(32, 10, 24), 1, False, 8),
    ("LSTM, bidirectional", "LSTM", Size(32, 10, 24), 1, True, 8),
    ("LSTM, 5 steps", "LSTM", Size(128, 10, 5), 1, False, 2),
    ("LSTM, two layers", "LSTM", Size(64, 8, 168), 2, False, 1),
)
#: Parts of a range that a question may take.
BOXES = 20
VERDICTS = ("structural", "proven", "refuted", "undecided", "not asked")


def main() -> None:
    """Ask every lag of each network."""
    record = Record("certificates_pace", __doc__ or "", tuple(one[0] for one in NETWORKS))
    for title, kind, size, layers, both, count in NETWORKS:
        if title not in record.only:
            continue
        _, net = forecaster(kind, size, layers=layers, bidirectional=both)
        x = windows(1 if record.quick else count, size)
        data = windows(200, size, seed=1)
        for what, features, reach in (
            ("one feature over its quantiles", 0, None),
            ("all features +- 0.1", None, 0.1),
        ):
            asked = Certificates(budget=BOXES, range=reach)

            def once(features=features, net=net, x=x, data=data, asked=asked, size=size):
                begun = time.process_time()
                found = rnnlens.certify(
                    net,
                    x,
                    lag=list(range(1, size.steps + 1)),
                    features=features,
                    background=data,
                    certificates=asked,
                    gap=np.inf,
                )
                return time.process_time() - begun, found

            taken, found = min((once() for _ in range(2)), key=lambda one: one[0])
            questions = found.verdict.size
            rows = {
                "questions a second of processor time": (questions / taken, "1/s"),
                **{name: (float((found.verdict == name).sum()), "questions") for name in VERDICTS},
                "boxes a question": (float(found.boxes.sum()) / questions, "boxes"),
            }
            sizes = f"{title} {size.text(len(x))}"
            record.values(f"every lag certified, {what}", sizes, rows)
            if title == "LSTM, two layers" and not record.quick:
                pace = questions / taken
                work = f"certificates a second of processor time, {what}"
                record.claim(work, pace, "1/s", least=30, sizes=sizes)
    record.save()


if __name__ == "__main__":
    main()
