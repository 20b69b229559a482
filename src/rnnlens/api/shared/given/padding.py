"""Padding is no data: where it stands in windows, and windows without what of it can be left out.

A recurrent layer passes masked steps over, so that it does not matter on which side of a window
they stand, nor how many there are. Here all of it is turned to the front, so that lag 1 is the
newest real step of every window, and steps that are padding in all windows are left out: the amount
of padding then changes no number. Where another layer reads padded steps, so that this would change
a forecast, the windows stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.attribution.baselines.masks import masking_value, newest_real, steps_of
from rnnlens.engine.forward import predict
from rnnlens.errors import DataError, RnnlensError
from rnnlens.names import told
from rnnlens.network.logits import LOGITS, before_activation, last_activation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rnnlens.network.network import Network

    Array = NDArray[np.float64]
    Inputs = dict[str, Array]

__all__ = ["LAST_REAL", "LAST_STEP", "Padding", "fitted", "without_padding"]

#: What lags may count from, in words.
LAST_REAL = told("the newest real step of each window")
LAST_STEP = told("the newest step fed in")
#: Change of the forecasts that moving padding may bring, relative to their size.
SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Padding:
    """Where padding stands in windows as they are asked about.

    Parameters
    ----------
    real : array (sample, step) of bool
        Which steps are real.
    order : array (sample, step) of int
        Which of the steps that were given stands at each step.
    given : int
        Steps of the windows that were given.
    lags_from : str
        What lag 1 is.
    network : Network or None
        The network that takes the windows as they are now, where it is another: one that is told
        lengths counts them from the newest step.
    """

    real: NDArray[np.bool_]
    order: NDArray[np.int64]
    given: int
    lags_from: str
    network: Network | None = None

    @property
    def left_out(self) -> int:
        """How many steps are padding in all windows, and left out."""
        return self.given - self.order.shape[1]

    @property
    def moved(self) -> bool:
        """Whether steps are not where they were given."""
        steps = self.order.shape[1]
        return bool((self.order != np.arange(self.given - steps, self.given)).any())

    def part(self, samples: NDArray[np.int64] | slice) -> Padding:
        """Give the padding of some of the windows."""
        return replace(self, real=self.real[samples], order=self.order[samples])

    def arranged(self, array: NDArray) -> NDArray:
        """Put steps in the same order: array (1 or sample, given step, ...) likewise."""
        order = self.order
        if len(array) == 1 and (order == order[:1]).all():
            return array[:, order[0]]
        spread = np.broadcast_to(array, (len(order), *array.shape[1:]))
        return _taken(spread, order)


def without_padding(
    network: Network, inputs: Mapping[str, Array], of: str, output: int | None = None
) -> tuple[Inputs, Padding | None]:
    """Turn padding to the front and leave out what all windows have, where no forecast changes.

    The forecasts are those of one output, or of all.

    Shapes: inputs mapping of str to (sample, ...).
    """
    given = dict(inputs)
    real = steps_of(network, given, of)
    if real is None or real.all():
        return given, None
    if not real.any():
        raise DataError(
            f"no step of these windows is real: the network masks every step of {of!r} as padding, "
            "so there is nothing to ask about"
        )
    steps = real.shape[1]
    as_given = Padding(real, np.broadcast_to(np.arange(steps), real.shape), steps, LAST_STEP)
    bare = _bare(
        network if output is None else replace(network, outputs=network.outputs[output:][:1])
    )
    told = newest_real(bare)
    before: list[Array] = []
    for order, names in product(_orders(real, network.inputs[of].shape), _moved(given, of)):
        moved = given | {name: _taken(given[name], order) for name in names}
        before = before or _forecasts(bare, given)
        turned = np.take_along_axis(real, order, axis=1)
        # lengths count from one end of a window, so padding is at the other
        at_the_front = told is not None and bool((np.diff(turned.astype(int), axis=1) >= 0).all())
        if _same(told if told is not None and at_the_front else bare, moved, before):
            behind = not real[:, -1].all()
            newest = LAST_REAL if behind and _at_the_end(turned) else LAST_STEP
            made = newest_real(network) if at_the_front else None
            return moved, Padding(turned, order, steps, newest, made)
    return given, as_given


def fitted(
    network: Network, values: Array, of: str, steps: int, *, alone: bool
) -> tuple[Array, NDArray[np.bool_] | None]:
    """Bring other windows to the steps of those that are asked about, and say what is data.

    Shapes: values (window, step, ...) -> tuple of (window, steps, ...) and (window, steps) of bool.
    """
    real = steps_of(network, {of: values}, of)
    if real is None:
        return values, None
    if alone:  # whether padding may be moved can be seen where nothing else goes in
        moved, padding = without_padding(network, {of: values}, of)
        values = moved[of]
        real = np.ones(values.shape[:2], bool) if padding is None else padding.real
    else:
        order = _turned(real)
        values, real = _taken(values, order), np.take_along_axis(real, order, axis=1)
    more, fill = steps - values.shape[1], masking_value(network, of)
    if network.inputs[of].shape[0] is not None or (more > 0 and fill is None):
        return values, real
    if more > 0:
        around = ((0, 0), (more, 0))
        rest = ((0, 0),) * (values.ndim - 2)
        values = np.pad(values, (*around, *rest), constant_values=0.0 if fill is None else fill)
        return values, np.pad(real, around, constant_values=False)
    return values[:, -more:], real[:, -more:]


def _bare(network: Network) -> Network:
    """Leave out last activations that hide a change where they are all but constant."""
    for number in range(len(network.outputs)):
        if last_activation(network, number) in LOGITS:
            network = before_activation(network, number)
    return network


def _turned(real: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Give the order of steps in which padding stands at the front."""
    steps = real.shape[1]
    behind = np.where(real.any(axis=1), np.argmax(real[:, ::-1], axis=1), 0)
    return (np.arange(steps) - behind[:, None]) % steps


def _at_the_end(real: NDArray[np.bool_]) -> bool:
    """Say whether every window that has a real step ends in one."""
    return bool(real[real.any(axis=1), -1].all())


def _orders(real: NDArray[np.bool_], shape: tuple[int | None, ...]) -> Iterator[NDArray[np.int64]]:
    """Give the orders of steps that are worth a try, the best first."""
    steps = real.shape[1]
    same = np.broadcast_to(np.arange(steps), real.shape)
    turned = _turned(real)
    orders = [turned, same] if (turned != same).any() else [same]
    for order in orders:
        there = np.take_along_axis(real, order, axis=1).any(axis=0)
        spare = int(np.argmax(there)) if there.any() else steps - 1
        if spare and shape[0] is None:
            yield order[:, spare:]
        if order is turned and order is not same:
            yield order


def _moved(inputs: Mapping[str, Array], of: str) -> Iterator[list[str]]:
    """Give the inputs whose steps may go together: the one asked about, or all as long as it."""
    yield [of]
    long = [name for name, array in inputs.items() if array.shape[1:2] == inputs[of].shape[1:2]]
    if len(long) > 1:
        yield long


def _taken(array: NDArray, order: NDArray[np.int64]) -> NDArray:
    """Take steps in an order: array (sample, step, ...), order (sample, step)."""
    if array.ndim > order.ndim and (order == order[:1]).all():
        return np.ascontiguousarray(array[:, order[0]])
    return np.take_along_axis(array, order.reshape(*order.shape, *(1,) * (array.ndim - 2)), axis=1)


def _forecasts(network: Network, inputs: Inputs) -> list[Array]:
    outputs = predict(network, inputs)
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def _same(network: Network, inputs: Inputs, before: list[Array]) -> bool:
    """Say whether forecasts for other inputs are the same up to rounding."""
    try:
        after = _forecasts(network, inputs)
    except (RnnlensError, ValueError):  # a layer that goes with one number of steps alone
        return False
    return all(
        one.shape == other.shape and np.abs(one - other).max() <= SAME * (1 + np.abs(one).max())
        for one, other in zip(before, after, strict=True)
    )
