"""A fresh interpreter: how long `import rnnlens`, `--help` and `inspect` take from start to end.

And how long a live PyTorch module takes to be read there, without the import of torch.
"""

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
#: The shapes of windows and statics of a live module (batch aside), and the most seconds of one
#: processor.
LIVE = {
    "LSTM with statics, 24 steps": ((24, 8), (5,), 2.0),
    "LSTM with statics, 365 steps": ((365, 8), (5,), 3.0),
}
#: What reads such a module, and prints the processor time that it took.
READ = """
import time, torch
class Forecaster(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM({0[1]} + {1[0]}, 32, batch_first=True)
        self.fc = torch.nn.Linear(32, 1)
    def forward(self, x, z):
        x = torch.cat([x, z[:, None].expand(-1, x.shape[1], -1)], -1)
        return self.fc(self.rnn(x)[0][:, -1])
given = torch.randn(2, *{0}), torch.randn(2, *{1})
torch.set_num_threads(1)
began = time.process_time()
import rnnlens
rnnlens.read(Forecaster(), example=given)
print(time.process_time() - began)
"""


def python(*arguments: str) -> Callable[[], object]:
    """Give what runs the interpreter once."""
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, capture_output=True, check=True)


def live(record: Record) -> None:
    """Read live modules, each in a process of its own, the least of three."""
    for name, (window, statics, most) in LIVE.items():
        command = [sys.executable, "-c", READ.format(window, statics)]
        runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(3)]
        seconds = min(float(one.stdout.split()[-1]) for one in runs)
        record.values("read a live PyTorch module: processor time", name, {OURS: (seconds, "s")})
        record.claim(
            "read a live PyTorch module: processor time", seconds, "s", most=most, sizes=name
        )


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
    live(record)
    record.save()


if __name__ == "__main__":
    main()
