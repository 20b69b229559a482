"""A concept read off states, beside everything that would be read as well by chance or for nothing.

R2 counts for little by itself: random weights hold much of what went into them, recent inputs say
much of what a slow store holds, and smooth series go together by chance. So every reading has its
controls in the same result, and its selectivity, R2 beyond the best of them, is what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from rnnlens.dynamics.probes.interval import selectivity
from rnnlens.dynamics.probes.moving import Moved, moved
from rnnlens.dynamics.probes.question import ProbeQuestion
from rnnlens.dynamics.probes.recent import moving_means, recent_inputs, reduced
from rnnlens.dynamics.probes.result import CONTROLS, StateProbe
from rnnlens.dynamics.probes.ridge import ReadOff, read_off, reading_of
from rnnlens.dynamics.probes.series import in_time, shifted, surrogates
from rnnlens.dynamics.probes.states import Store, inputs_read, states_in, stores
from rnnlens.engine.operations.registry import Array
from rnnlens.engine.random_weights import (
    initial_scheme,
    learned_layers,
    with_initial_weights,
    with_random_weights,
)
from rnnlens.engine.recurrent_layers import LayerLocation
from rnnlens.names import told
from rnnlens.network.network import Network

__all__ = ["Probed", "probe"]

Progress = Callable[[int, int], None]
#: A layer's name and the name of one of its states.
Named = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Probed:
    """What was found in every state, in every layer's units, and what is known besides.

    Parameters
    ----------
    states : dict of (layer, state) to StateProbe
        How well the concept is read, and what moving it does.
    controls : dict of (layer, state) to tuple of str
        The controls that each has.
    layers : dict of str to Store
        What units take in and let go.
    about : dict of str to number or str
        ``untrained``, where the untrained networks' weights come from; ``windows_moved``.
    """

    states: dict[Named, StateProbe]
    controls: dict[Named, tuple[str, ...]]
    layers: dict[str, Store]
    about: dict[str, int | str]


def probe(question: ProbeQuestion, progress: Progress | None = None) -> Probed:
    """Read a concept off every state that is asked about, and off what must not hold it."""
    networks = dict(_untrained(question))
    count, y = sum(map(len, networks.values())), question.rows(question.concept)[:, None]
    work = _Work(progress, count + 2 * len(question.wanted))
    beside = _errors_of_controls(question, networks, y, work)
    states, controls, windows = {}, {}, 0
    trained = _states(question, question.network)
    for place, state in question.wanted:
        name = (place.name, state)
        read = _Read(question, trained[name], y)
        work.done()
        change = read.moved(place, state)
        states[name] = read.probe(beside[name], change)
        controls[name] = tuple(read.controls(beside[name]))
        windows = change.windows
        work.done()
    places = {place.name: place for place, _ in question.wanted}
    about = {"untrained": _origin(question), "windows_moved": windows, "untrained_draws": count}
    held = stores(question.network, question.inputs, list(places.values()))
    return Probed(states, controls, held, about)


def _origin(question: ProbeQuestion) -> str:
    """Say where the weights of the untrained networks come from; nothing where there are none."""
    if question.untrained:
        return told("as given")
    scheme = initial_scheme(question.network)
    return told("initial weights of {scheme}", scheme=scheme) if scheme else ""


class _Work:
    """How much is done, for who watches."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.count = progress, total, 0

    def done(self) -> None:
        """Say that one more part is."""
        self.count += 1
        if self.progress is not None:
            self.progress(self.count, self.total)


def _errors_of_controls(
    question: ProbeQuestion, networks: Mapping[str, list[Network]], y: Array, work: _Work
) -> dict[Named, dict[str, list[Array]]]:
    """Give each draw's squared errors (sample,), of each control, beside each state."""
    inputs = {name: [_missed(question, one, y)] for name, one in _inputs(question).items()}
    errors: dict[Named, dict[str, list[Array]]] = {
        (place.name, state): {**{kind: [] for kind in networks}, **inputs}
        for place, state in question.wanted
    }
    for kind, drawn in networks.items():
        for network in drawn:
            for name, columns in _states(question, network).items():
                errors[name][kind].append(_missed(question, columns, y))
            work.done()
    return errors


def _untrained(question: ProbeQuestion) -> Iterator[tuple[str, list[Network]]]:
    """Give networks of the same shape that nobody trained, by where their weights come from."""
    network, seeds = question.network, range(question.seed, question.seed + question.draws)
    if question.untrained:
        yield "untrained", list(question.untrained)
    elif initial_scheme(network):
        yield "untrained", [with_initial_weights(network, seed) for seed in seeds]
    names = learned_layers(network)
    yield "random weights", [with_random_weights(network, names, seed) for seed in seeds]


def _states(question: ProbeQuestion, network: Network) -> dict[Named, Array]:
    """Give each state as rows of a regression: dict of (row, unit)."""
    whole = states_in(network, question.inputs, question.wanted, question.steps)
    return {name: question.rows(states) for name, states in whole.items()}


def _inputs(question: ProbeQuestion) -> dict[str, Array]:
    """Give recent inputs and moving means as rows of a regression."""
    numbers = inputs_read(question.network, question.inputs)
    longest = max((one.shape[1] for one in numbers.values() if one.ndim == 3), default=1)
    steps = np.array([longest - 1]) if question.steps is None else question.steps
    made = {
        "recent inputs": recent_inputs(numbers, steps),
        "moving means": moving_means(numbers, steps, question.real),
    }
    return {name: reduced(question.rows(columns)) for name, columns in made.items()}


def _missed(question: ProbeQuestion, columns: Array, y: Array) -> Array:
    """Give the squared errors of a reading, summed over each window's steps: (sample,)."""
    read = read_off(columns, y, question.folds, question.samples)
    return question.by_sample(read.missed(y)[:, 0])


class _Read:
    """One state, and what is read off it."""

    def __init__(self, question: ProbeQuestion, columns: Array, y: Array) -> None:
        self.question, self.columns, self.y = question, columns, y
        places = in_time(question.clock, question.groups)
        self.order = np.argsort(question.clock, kind="stable")
        by_chance = [
            shifted(question.concept, places, question.shifts, question.rng(1)),
            surrogates(question.concept, places, question.draws, question.rng(2)),
        ]
        others = np.concatenate(by_chance)
        self.sought = np.column_stack([y, *(question.rows(one) for one in others)])
        self.read: ReadOff = read_off(columns, self.sought, question.folds, question.samples)
        r2 = self.read.r2(self.sought)
        self.r2, self.shifted = float(r2[0]), r2[1 : 1 + question.shifts]
        self.by_chance = {
            "shifted concept": self.shifted,
            "random smooth target": r2[1 + question.shifts :],
        }
        self.spread = question.by_sample(self.read.spread(self.sought)[:, 0])

    def moved(self, place: LayerLocation, state: str) -> Moved:
        """Move the state along what is read off it."""
        question = self.question
        reading = reading_of(self.columns, self.y[:, 0], question.folds, question.samples)
        self.reading = reading
        return moved(question, place, state, reading, self.columns)

    def controls(self, drawn: Mapping[str, list[Array]]) -> dict[str, Array]:
        """Give the squared errors (sample,) of each control, the mean over its draws."""
        mean = {name: np.mean(every, axis=0) for name, every in drawn.items()}
        # another concept is read at an R2 of its own: errors that have as much
        for name, r2 in self.by_chance.items():
            mean[name] = self.spread * (1 - r2.mean())
        return {name: mean[name] for name in CONTROLS if name in mean}

    def probe(self, drawn: Mapping[str, list[Array]], change: Moved) -> StateProbe:
        """Put it all together."""
        question, read = self.question, self.read
        missed = question.by_sample(read.missed(self.sought)[:, 0])
        controls = self.controls(drawn)
        every = {
            name: np.array([1 - one.sum() / self.spread.sum() for one in errors])
            for name, errors in drawn.items()
        } | self.by_chance
        shown = [every[name] for name in controls]
        found = selectivity(
            missed[self.order],
            self.spread[self.order],
            {name: one[self.order] for name, one in controls.items()},
            question.rng(4),
            question.folds.gap,
        )
        estimate = np.full(question.concept.shape, np.nan)
        estimate[question.kept] = read.read[:, 0]
        one = question.steps is None
        return StateProbe(
            r2=self.r2,
            selectivity=found[0],
            selectivity_low=found[1],
            selectivity_high=found[2],
            p_value=float((1 + np.sum(self.shifted >= self.r2)) / (1 + len(self.shifted))),
            control_r2=np.array([values.mean() for values in shown]),
            control_most=np.array([values.max() for values in shown]),
            shifted_r2=self.shifted,
            estimate=estimate[:, 0] if one else None,
            estimate_by_step=None if one else estimate,
            reading=self.reading.weights,
            correlation=_correlation(self.columns, self.y[:, 0]),
            erased_change=change.erased,
            patched_change=change.patched,
            pushed_change=change.pushed,
            erased_p_value=change.p_value,
            per_concept=change.per_concept,
        )


def _correlation(columns: Array, y: Array) -> Array:
    Z, z = columns - columns.mean(axis=0), y - y.mean()
    size = np.sqrt((Z**2).sum(axis=0) * (z**2).sum())
    return np.divide(z @ Z, size, out=np.zeros(Z.shape[1]), where=size > 0)
