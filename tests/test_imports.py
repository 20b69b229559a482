"""Starting is quick: nothing heavy is loaded before it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.resources import files

import pytest

FRAMEWORKS = ("altair", "jax", "keras", "onnx", "tensorflow", "torch")
HEAVY = ("arch", "h5py", "jinja2", "numba", "pandas", "scipy", "statsmodels", "xarray")


def loaded_after(statement: str) -> set[str]:
    """Names of the top-level modules that a fresh interpreter holds after a statement."""
    script = (
        f"{statement}\nimport json, sys\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(run.stdout))


def seconds(*arguments: str) -> float:
    """Wall time of one command, the best of three so that a busy machine does not decide."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "rnnlens", *arguments],
            capture_output=True,
            check=True,
            timeout=60,
            env={**os.environ, "COLUMNS": "100"},
        )
        times.append(time.perf_counter() - start)
    return min(times)


def test_importing_rnnlens_loads_no_framework_and_nothing_heavy():
    loaded = loaded_after("import rnnlens")
    assert "rnnlens" in loaded
    assert not loaded & set(FRAMEWORKS + HEAVY)


def test_the_probe_sees_what_is_loaded():
    assert "h5py" in loaded_after("import h5py")


@pytest.mark.parametrize("verb", ["read", "predict", "weights", "explain", "intervene", "trust"])
def test_naming_a_verb_loads_no_framework(verb):
    assert not loaded_after(f"import rnnlens; rnnlens.{verb}") & set(FRAMEWORKS)


def test_help_answers_in_half_a_second():
    assert seconds("--help") < 0.5


def test_inspecting_the_shipped_network_takes_under_one_and_a_half_seconds():
    model = files("rnnlens.demo") / "weather.keras"
    assert seconds("inspect", str(model)) < 1.5
    assert seconds("inspect", str(model), "--json") < 1.5
