"""What a network gives that is run often, and who makes it: the engine, which stands above this."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Maker", "Runner", "made_by", "runner_of"]


class Runner(Protocol):
    """Runs one network again and again: what `Network.runner` gives."""

    def __call__(self, *arrays: ArrayLike) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """Run the network on one array an input, in the order of its inputs.

        Parameters
        ----------
        *arrays : array (sample, step, feature)
            In the network's own units. What is not finite is not looked for.

        Returns
        -------
        array or tuple of array (sample, ...)
            What `rnnlens.predict` gives.

        Raises
        ------
        DataError
            If an array does not fit the network.
        """
        ...


#: Makes a runner of a network (which imports this module), in a precision.
Maker = Callable[[Any, str], Runner]

_MAKERS: list[Maker] = []


def made_by(maker: Maker) -> None:
    """Have runners made by what is given; the room of networks knows no engine."""
    _MAKERS[:] = [maker]


def runner_of(network: object, precision: str) -> Runner:
    """Make a runner."""
    return _MAKERS[0](network, precision)
