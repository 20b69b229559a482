"""What follows a training and records its network every so many steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.errors import InputError, RnnlensError
from rnnlens.readers.torch.training.undisturbed import undisturbed

if TYPE_CHECKING:
    from typing import Self

    from rnnlens.api.shared.recording.files import Sink

__all__ = ["Recorder"]


class Recorder:
    """Records gates and memory of a network every so many steps of its training.

    Made by `rnnlens.record`. With Keras, give ``callback`` to ``fit``; with PyTorch, ``watch`` the
    optimizer, or call ``step`` after each of its steps. It ends with ``close``, or as a context.

    Parameters
    ----------
    measure : callable
        Gives what is recorded of the network as it is now.
    sinks : callable
        Opens the files, given what was recorded first.
    every : int
        Steps from one record to the next.
    """

    def __init__(
        self,
        measure: Callable[[], dict[str, float]],
        sinks: Callable[[Mapping[str, float]], list[Sink]],
        every: int,
    ) -> None:
        self._measure, self._every = measure, every
        #: Steps taken so far.
        self.steps = 0
        #: What was recorded last, by name.
        self.latest = measure()
        self._sinks = sinks(self.latest)
        self._hooks: list[Any] = []
        self._write()

    def step(self) -> None:
        """Count a step of training, and record the network where it is due."""
        if self._due():
            self.record()

    def record(self) -> dict[str, float]:
        """Record the network now.

        A network whose numbers are no numbers any more is recorded as not known: the training goes
        on.

        Returns
        -------
        dict of str to float
            What was recorded, by name; nothing where it is not known.
        """
        with undisturbed(), np.errstate(all="ignore"):
            try:
                self.latest = self._measure()
            except RnnlensError:
                self.latest = {}
        self._write()
        return self.latest

    def watch(self, optimizer: Any) -> Self:
        """Record after steps of an optimizer of PyTorch, until the record is closed.

        Parameters
        ----------
        optimizer : torch.optim.Optimizer
            The one that trains the module.

        Returns
        -------
        Recorder
            Itself.

        Raises
        ------
        InputError
            If it is no optimizer of PyTorch.
        """
        if not hasattr(optimizer, "register_step_post_hook"):
            raise InputError(
                "watch takes an optimizer of PyTorch, such as torch.optim.Adam, not a "
                f"{type(optimizer).__name__}: where there is none call step() after each step of "
                "training, or give callback to fit of Keras"
            )
        self._hooks.append(optimizer.register_step_post_hook(lambda *_: self.step()))
        return self

    @property
    def callback(self) -> Any:
        """A callback for ``fit`` of Keras, which ends the record with the training."""
        from rnnlens.readers.keras.callback import after_batches

        return after_batches(self._due, self.record, self.close)

    def close(self) -> None:
        """End the record: nothing more is written, and no optimizer is watched any more."""
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._sinks = [], []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _due(self) -> bool:
        self.steps += 1
        return self.steps % self._every == 0

    def _write(self) -> None:
        for sink in self._sinks:
            sink.write(self.steps, self.latest)
