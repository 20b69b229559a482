"""A fresh interpreter: how long `import rnnlens`, `--help` and `inspect` take from start to end."""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files

import numpy as np
from harness.measure import interleave
from harness.record import OURS, Record

#: What is beside each: NumPy, which everything here needs, and the interpreter itself.
PEERS = {
    "import numpy": ("-c", "import numpy"),
    "python": ("-c", ""),
}
#: The most seconds that a command may take.
HELP, INSPECT = 0.5, 1.5


def python(*arguments: str) -> Callable[[], object]:
    """Give what runs the interpreter once."""
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, capture_output=True, check=True)


def main() -> None:
    """Measure the import and each command."""
    record = Record("startup", __doc__ or "")
    model = str(files("rnnlens.demo") / "weather.keras")
    commands = {
        "import rnnlens": ("-c", "import rnnlens"),
        "rnnlens --help": ("-m", "rnnlens", "--help"),
        "rnnlens inspect": ("-m", "rnnlens", "inspect", model),
        "rnnlens inspect --json": ("-m", "rnnlens", "inspect", model, "--json"),
    }
    sizes = f"one process; NumPy {np.__version__}"
    runs = {name: python(*arguments) for name, arguments in {**commands, **PEERS}.items()}
    times = interleave(runs, rounds=record.rounds)
    for name in commands:
        record.times(name, sizes, {OURS: times[name], **{peer: times[peer] for peer in PEERS}})
    for name, most in (
        ("rnnlens --help", HELP),
        ("rnnlens inspect", INSPECT),
        ("rnnlens inspect --json", INSPECT),
    ):
        record.claim(name, times[name].median, "s", most=most, sizes=sizes)
    record.save()


if __name__ == "__main__":
    main()
