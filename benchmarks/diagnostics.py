"""What diagnostics cost beside what they diagnose, for every method of `rnnlens.explain`.

A question through the public verb runs a method, and says of its answer: how unusual the baseline
and the mixtures with it are, how far secant is from exact values (the audit), what the forecast
cannot see, and whether the forecast is one. Processor time of all threads is taken of the whole
question, and within it of the method and of each diagnostic, in the same call; every round asks of
other windows, so that nothing that was kept of the same ones helps. What is neither is the rest:
arguments, baselines, labels, provenance.

A part of it::

    python benchmarks/diagnostics.py --only small
    python benchmarks/diagnostics.py --only middle large --quick
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from statistics import median

from harness.networks import Floats, Size, forecaster, windows
from harness.record import Record

import rnnlens
from rnnlens import Effort
from rnnlens.api.shared import explanation
from rnnlens.api.shared.forecast import check
from rnnlens.attribution import default
from rnnlens.attribution.registry import METHODS

#: The most that any diagnostic may take of a question.
MOST_SHARE = 0.2
#: Windows a question is asked of, of each network: kind, size, layers.
NETWORKS = {
    "small": (("LSTM", Size(32, 10, 24), 1), (1, 500, 10_000)),
    "GRU": (("GRU", Size(32, 10, 24), 1), (1, 500)),
    "middle": (("LSTM", Size(64, 8, 168), 2), (1, 100)),
    "large": (("LSTM", Size(256, 32, 365), 1), (1, 8)),
}
#: Options under which a method is cheap, which is where diagnostics weigh most.
OPTIONS: dict[str, dict[str, object]] = {
    "tree": {"newest": 4},
    "owen": {"newest": 2},
}
#: Pairs of orders that permutation draws for each window, about: two are the fewest.
PAIRS = 2.5
#: Cells of windows, steps, features and backgrounds beyond which a method is left out here.
MOST_NUMBERS = 1 << 22
#: Methods that run as many windows as a window has numbers.
MANY_RUNS = ("permutation", "occlusion", "owen")


@dataclass
class Taken:
    """Processor time of one question, by what took it.

    Parameters
    ----------
    whole : float
        Seconds of all of it.
    method : float
        Seconds of the method, the audit apart.
    diagnostics : dict of str to float
        Seconds of each diagnostic.
    """

    whole: float = 0.0
    method: float = 0.0
    diagnostics: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def share(self) -> float:
        """What the diagnostic that takes most takes of the question."""
        return max(self.diagnostics.values(), default=0.0) / self.whole

    @property
    def together(self) -> float:
        """What all diagnostics take of the question."""
        return sum(self.diagnostics.values()) / self.whole


@contextmanager
def watched() -> Generator[Taken, None, None]:
    """Take the time of one question, within it of the method and of each diagnostic."""
    taken, before = Taken(), []

    def timed(run: Callable[..., object], add: Callable[[float], None]) -> Callable[..., object]:
        @wraps(run)
        def call(*given: object, **named: object) -> object:
            begun = time.process_time()
            try:
                return run(*given, **named)
            finally:
                add(time.process_time() - begun)

        return call

    def of(name: str) -> Callable[[float], None]:
        def add(seconds: float) -> None:
            taken.diagnostics[name] += seconds

        return add

    def method(seconds: float) -> None:
        taken.method += seconds

    for module, name, add in (
        (explanation, "run_method", method),
        (explanation, "about_baseline", of("baseline and mixtures")),
        (explanation, "about_reach", of("what is not seen")),
        (explanation, "refuse_undefined", of("what is not defined")),
        (default, "audit", of("audit")),
        (check, "with_check", of("the forecast")),
    ):
        before.append((module, name, getattr(module, name)))
        setattr(module, name, timed(getattr(module, name), add))
    begun = time.process_time()
    try:
        yield taken
    finally:
        taken.whole = time.process_time() - begun
        for module, name, run in before:
            setattr(module, name, run)
    taken.method -= taken.diagnostics.get("audit", 0.0)


def asked(record: Record, part: str, method: str, count: int) -> None:
    """Ask one question several times, each of other windows, and record what it took."""
    (kind, size, layers), _counts = NETWORKS[part]
    net = forecaster(kind, size, layers=layers)[1]
    options: dict[str, object] = {"method": method, **OPTIONS.get(method, {})}
    if method == "permutation":
        # a pair of orders runs every player from the step on that it changes
        budget = PAIRS * count * size.steps * size.features * (size.steps + 1)
        options["effort"] = Effort(budget=int(budget))
    rounds = 15 if count == 1 else 3
    x = windows(count + rounds, size)

    def one(shift: int) -> Taken:
        these: Floats = x[shift : shift + count].copy()
        with watched() as taken:
            rnnlens.explain(net, these, **options)  # type: ignore[arg-type]
        return taken

    one(0)  # compiles
    every = sorted((one(1 + k) for k in range(rounds)), key=lambda each: each.whole)
    # the least, for what others do to this machine only adds; shares from the same question
    least = every[0]
    sizes = f"{kind}{', two layers' if layers == 2 else ''} {size.text(count)}"
    names = dict.fromkeys(name for each in every for name in each.diagnostics)
    values = {
        "the question": (least.whole, "s"),
        "the method alone": (least.method, "s"),
        **{name: (least.diagnostics.get(name, 0.0), "s") for name in names},
        "the rest": (least.whole - least.method - sum(least.diagnostics.values()), "s"),
        "all diagnostics, share": (float(median(each.together for each in every)), ""),
    }
    record.values(f"{method}: processor time", sizes, values)
    record.claim(
        f"largest diagnostic of {method}, share of the question",
        float(median(each.share for each in every)),
        "",
        most=MOST_SHARE,
        sizes=sizes,
    )


def _long(method: str, size: Size, count: int) -> bool:
    """Say whether a method takes minutes here, and no claim needs it."""
    runs = size.steps * size.features if method in MANY_RUNS else 1
    return count * size.steps * size.units * runs > MOST_NUMBERS * (20 if runs > 1 else 2)


def main() -> None:
    """Measure every method on every network."""
    record = Record("diagnostics", __doc__ or "", tuple(NETWORKS))
    for part in record.only:
        (_, size, _layers), counts = NETWORKS[part]
        if record.quick and size.steps > 24:
            continue
        for count in (1, 20) if record.quick else counts:
            for method in METHODS:
                if not _long(method, size, count):
                    asked(record, part, method, count)
    record.save()


if __name__ == "__main__":
    main()
