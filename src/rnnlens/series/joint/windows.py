"""Windows of several inputs side by side: what goes into each at the same forecast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.arguments import did_you_mean
from rnnlens.errors import DataError
from rnnlens.series.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["WindowsByInput"]


@dataclass(frozen=True, eq=False)
class WindowsByInput(Mapping[str, Windows]):
    """The windows of each input of a network, by its name: one sample of all is one forecast.

    Parameters
    ----------
    parts : mapping of str to Windows
        Of each input; what is static has one step.
    main : str
        The input whose newest step is when the forecast is made.
    static : tuple of str
        Inputs that do not change in time.
    left_out : mapping of str to int
        Windows of the main input that had to be left out because another lacks them, by its name.
    """

    parts: Mapping[str, Windows]
    main: str
    static: tuple[str, ...]
    left_out: Mapping[str, int]

    def __getitem__(self, name: str) -> Windows:
        """Give the windows of one input."""
        return self.parts[name]

    def __iter__(self) -> Iterator[str]:
        """Give the names of the inputs."""
        return iter(self.parts)

    def __len__(self) -> int:
        """Give the number of inputs; see `samples` for that of windows."""
        return len(self.parts)

    @property
    def first(self) -> Windows:
        """The windows of the main input."""
        return self.parts[self.main]

    @property
    def samples(self) -> int:
        """The number of windows."""
        return len(self.first)

    @property
    def times(self) -> NDArray[Any]:
        """The time that each forecast is for, as `Windows` has it: (sample,)."""
        return self.first.times

    @property
    def time_zone(self) -> str | None:
        """The zone whose clocks people read the times by."""
        return self.first.time_zone

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets."""
        return self.first.targets

    def as_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Give plain arrays: (sample, step, feature), (sample, feature) of what is static."""
        return {
            name: one.values[:, 0] if name in self.static else one.values
            for name, one in self.parts.items()
        }

    def select(self, samples: ArrayLike | slice) -> WindowsByInput:
        """Take some of the windows of every input.

        Parameters
        ----------
        samples : int, slice, array of int or array of bool (sample,)
            Which; the sample axis stays.

        Returns
        -------
        WindowsByInput
            Those, in the order asked for.
        """
        return self._each(lambda windows: windows.select(samples))

    def newest(self, count: int) -> WindowsByInput:
        """Take the windows that were issued last, of whatever group.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        WindowsByInput
            Those, in the order that they are in.
        """
        return self._each(lambda windows: windows.newest(count))

    def between(
        self,
        start: str | np.datetime64 | int | None = None,
        end: str | np.datetime64 | int | None = None,
    ) -> WindowsByInput:
        """Take the windows whose forecast is for a time from `start` up to, not including, `end`.

        Parameters
        ----------
        start, end : str, datetime64 or int, optional
            As `Windows.between` takes them.

        Returns
        -------
        WindowsByInput
            Those, in order; none may be left.
        """
        return self._each(lambda windows: windows.between(start, end))

    def _each(self, change: Any) -> WindowsByInput:
        return replace(self, parts={name: change(one) for name, one in self.parts.items()})

    def laid_out(
        self, shapes: Mapping[str, tuple[int | None, ...]], tokens: Iterable[str] = ()
    ) -> tuple[WindowsByInput, dict[str, NDArray[np.float64]]]:
        """Give each input as a network takes it, and the windows with the names of its numbers.

        A sequence that a network takes in one row has a name for each step of each feature, and no
        lags.

        Parameters
        ----------
        shapes : mapping of str to tuple of int
            Of one sample of each input of the network.
        tokens : iterable of str
            Inputs that are looked up in a table, which have no axis of features.

        Returns
        -------
        tuple of WindowsByInput and dict of str to array (sample, ...)
            The windows, and what the network takes.

        Raises
        ------
        DataError
            If inputs are missing or not known, or one does not have the shape that is taken.
        """
        self._require(shapes)
        looked_up = set(tokens)
        parts, arrays, static = {}, {}, list(self.static)
        for name, shape in shapes.items():
            part, still = self.parts[name], name in self.static
            steps, count = part.values.shape[1:]
            rows = len(shape) == 1 and name not in looked_up and shape[0] == steps * count
            if not still and rows and steps * count > 1:
                part = _in_a_row(part)
                static.append(name)
                still = True
            parts[name] = part
            arrays[name] = _fitted(name, part, shape, still=still)
        return replace(self, parts=parts, static=tuple(static)), arrays

    def _require(self, shapes: Mapping[str, object]) -> None:
        """Refuse inputs that the network lacks, and those that nothing is said of."""
        for name in self.parts:
            if name not in shapes:
                raise DataError(
                    f"the sidecar describes an input {name!r}, which the network does not have"
                    f"{did_you_mean(name, list(shapes))}: its inputs are {', '.join(shapes)}"
                )
        for name in shapes:
            if name not in self.parts:
                raise DataError(
                    f"the network takes an input {name!r}, of which the sidecar says nothing: "
                    f"describe it in a table [inputs.{name}] beside those of "
                    f"{', '.join(self.parts)}"
                )


def _in_a_row(part: Windows) -> Windows:
    """Lay the steps of windows side by side as numbers of one step, each with its own name."""
    steps, count = part.values.shape[1:]
    after = [k - (steps - part.ahead) + 1 for k in range(steps)]
    titles = [f"t+{k}" if k > 0 else f"lag {1 - k}" for k in after]
    names = tuple(f"{name} {title}" for title in titles for name in part.features)
    return replace(
        part,
        values=part.values.reshape(len(part), 1, steps * count),
        features=names,
        units=part.units * steps,
        feature_scaling=part.feature_scaling[list(range(count)) * steps],
        held=tuple(one for k, one in enumerate(names) if part.features[k % count] in part.held),
        ahead=0,
    )


def _fitted(
    name: str, part: Windows, shape: tuple[int | None, ...], *, still: bool
) -> NDArray[np.float64]:
    """Give windows in the shape that a network takes: one sample is (step, feature) or less."""
    values = part.values
    tries = [values, values[:, 0]] if still else [values]
    tries += [values[..., 0]] if values.shape[2] == 1 else []
    tries += [values[:, 0, 0]] if values.shape[1:] == (1, 1) else []
    for one in tries[::-1] if still else tries:
        pairs = zip(shape, one.shape[1:], strict=False)
        if one.ndim == len(shape) + 1 and all(size in {None, got} for size, got in pairs):
            return one
    wanted = ", ".join("any" if size is None else str(size) for size in shape) or "one number"
    if still and len(shape) > 1:
        raise DataError(
            f"input {name!r} takes ({wanted}) a window, which has steps, and the sidecar says that "
            "it is static: leave out static where its values are of every row, and state steps"
        )
    given = f"{values.shape[2]} features" + ("" if still else f" of {values.shape[1]} steps")
    raise DataError(
        f"input {name!r} takes ({wanted}) a window, and the sidecar describes {given} "
        f"({', '.join(part.features)}): list what the network takes, in its order"
    )
