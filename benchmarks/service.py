"""One window, explained in a service: a prepared explainer, a route of FastAPI, and the verb."""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import json
import os
import sys
import tempfile
from pathlib import Path

from harness.measure import interleave
from harness.networks import Size
from harness.record import OURS, Record

import rnnlens
from rnnlens.demo.weather import leave_files

EXAMPLE = Path(__file__).parents[1] / "examples" / "service"


def main() -> None:
    """Measure the example as it stands, on the demo's network."""
    record = Record("service", __doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        leave_files(Path(folder))
        os.chdir(folder)
        sys.path.insert(0, str(EXAMPLE))
        import app  # pyright: ignore[reportMissingImports]

        one = app.past.newest(1)
        body = json.dumps({"steps": one.values[0].tolist()})
        asked = {"target": "temp", "method": "secant", "background": app.past}
        contenders = {
            OURS: lambda: app.explain(one.values),
            "the service's route, from JSON to JSON": lambda: json.dumps(
                app.explained(app.Window.model_validate_json(body))
            ),
            "rnnlens.explain": lambda: rnnlens.explain(app.net, one, **asked),
        }
        times = interleave(contenders, rounds=20, budget=30)
        os.chdir(EXAMPLE)
    sizes = f"LSTM {Size(32, 10, 24).text(1)}, the demo's"
    record.times("contributions by lag and feature, one window", sizes, times)
    record.claim("explainer, one window", 1e3 * times[OURS].median, "ms", most=5, sizes=sizes)
    record.save()


if __name__ == "__main__":
    main()
