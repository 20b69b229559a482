"""What a verb is asked for, and what its answer may cost: the options that several verbs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnlens.arguments import (
    FLAG,
    NAME,
    check_fields,
    duration,
    either,
    many,
    number,
    numbers,
    seconds_of,
    whole,
    word,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Effort", "Intervention", "Target", "as_target"]

#: Cell evaluations beyond which no answer comes in a lifetime.
CELLS = 10**15
#: Whole numbers of either sign: what is out of range is said by what knows the range.
_PLACE = whole(least=-(2**63))
_PLACES = either(
    _PLACE, many(_PLACE, "several", fewest=0), what="a whole number or a sequence of them"
)
_EFFORT = {
    "budget": either(
        whole(1, CELLS), duration(), what='a number of cells from 1, or a time such as "30 s"'
    ),
    "tolerance": number(above=0),
    "precision": word("float64", "float32"),
    "seed": whole(),
}
_INTERVENTION = {
    "layer": NAME,
    "gate": NAME,
    "clamp": either(
        NAME, number(), numbers(allowed="any"), what="'mean', a number, or one number a unit"
    ),
    "freeze": FLAG,
    "patch_from": either(
        _PLACE, numbers(), what="the number of a window, or an array of finite numbers"
    ),
    "state": NAME,
    "lags": _PLACES,
    "steps": _PLACES,
    "units": _PLACES,
}
_TARGET = {
    "name": either(
        NAME,
        _PLACE,
        many(either(NAME, _PLACE), "several"),
        what="a name, a number, or a sequence of them",
    ),
    "horizon": either(
        NAME,
        _PLACE,
        many(_PLACE, "several"),
        what="a whole number from 1, a sequence of them, or 'all'",
    ),
    "output": either(NAME, whole()),
    "logits": FLAG,
}


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What an answer may cost, and how exact it must be.

    Parameters
    ----------
    budget : int or str, optional
        Cell evaluations for all windows: within it ``tree`` and ``owen`` are exact, beyond it
        sampled, and ``occlusion`` hides older lags in blocks. Or a time for all windows and
        targets, such as ``"30 s"``: it becomes cell evaluations by this machine's pace, which is
        measured once, rounded down to a power of two and kept, so that another machine may choose
        another number. The result says which (``budget_cells``); given as the budget it gives the
        same answer anywhere. The method's own number where not given, the same on every machine.
    tolerance : float, optional
        Standard error at which sampling stops, in the target's own unit; for
        ``integrated_gradients`` the completeness gap that is allowed. The method's own number where
        not given.
    precision : {"float64", "float32"}
        What is computed in; float32 takes about half the time.
    seed : int
        Of whatever is drawn.

    Raises
    ------
    InputError
        If an option is not what it must be.

    Examples
    --------
    >>> from rnnlens import Effort
    >>> Effort(budget=100_000).precision
    'float64'
    """

    budget: int | str | None = None
    tolerance: float | None = None
    precision: str = "float64"
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self, _EFFORT)

    @property
    def cells(self) -> int | None:
        """The cell evaluations that it may take, where they are stated."""
        return None if isinstance(self.budget, str) else self.budget

    @property
    def seconds(self) -> float | None:
        """The seconds that it may take, where they are stated."""
        return seconds_of(self.budget) if isinstance(self.budget, str) else None


@dataclass(frozen=True, eq=False, kw_only=True)
class Intervention:
    """One thing done to a recurrent layer: a gate clamped, units frozen, or a state patched.

    Parameters
    ----------
    layer : str, optional
        Full name of the recurrent layer, such as ``"lstm"`` or ``"bidirectional.forward"``; may be
        left out where there is one.
    gate : str, optional
        The gate to clamp: ``input``, ``forget``, ``cell`` or ``output`` of an LSTM, ``update``,
        ``reset`` or ``candidate`` of a GRU, ``hidden`` of a SimpleRNN.
    clamp : "mean", float or array (unit,), optional
        The value that the gate has instead of its own; its mean over the data, unit by unit,
        where not given.
    freeze : bool
        Whether the units' states keep the value that they had before the step.
    patch_from : int or array (step, feature) or (sample, step, feature), optional
        The window from which states are taken after the same step: its number among the windows
        that are asked about, or itself.
    state : {"hidden", "cell"}, optional
        What is frozen or patched; every state where not given (of an LSTM that projects its hidden
        state, freezing takes the cell state).
    lags : int or sequence of int, optional
        At which lags of the layer's own sequence, 1 the newest; all of them where not given.
    steps : int or sequence of int, optional
        The same counted from the oldest step, 0; instead of `lags`.
    units : int or sequence of int, optional
        Which units; all of them where not given.

    Raises
    ------
    InputError
        If an option is not what it must be.

    Examples
    --------
    >>> from rnnlens import Intervention
    >>> Intervention(gate="forget", clamp=1.0, lags=[1, 2, 3]).gate
    'forget'
    """

    layer: str | None = None
    gate: str | None = None
    clamp: str | ArrayLike | None = None
    freeze: bool = False
    patch_from: int | ArrayLike | None = None
    state: str | None = None
    lags: int | Sequence[int] | None = None
    steps: int | Sequence[int] | None = None
    units: int | Sequence[int] | None = None

    def __post_init__(self) -> None:
        check_fields(self, _INTERVENTION)


@dataclass(frozen=True)
class Target:
    """Which number of the network's output is explained.

    A verb that takes a target takes a name or a number too, where that says all.

    Parameters
    ----------
    name : str, int or sequence of them, optional
        The target by its name or number; may be left out where there is one. A sequence, or
        ``"all"``, explains several and adds the dimension ``target``, where the verb allows it.
    horizon : int, sequence of int or "all", optional
        Which future step, from 1, where the output has several; likewise.
    output : int or str
        Which of the network's outputs, by number or layer name.
    logits : bool, optional
        Whether the activation that ends the network is left out, where the verb allows the choice.
        Where not stated, a softmax is, and a logistic where no scaling of the target says that it
        is a forecast: classes are explained on their logits, and the result says so (attribute
        ``explained_on``).

    Raises
    ------
    InputError
        If an option is not what it must be.

    Examples
    --------
    >>> from rnnlens import Target
    >>> Target("temp", horizon=3).horizon
    3
    """

    name: str | int | Sequence[str | int] | None = None
    horizon: int | str | Sequence[int] | None = None
    output: int | str = 0
    logits: bool | None = None

    def __post_init__(self) -> None:
        check_fields(self, _TARGET)


def as_target(given: Target | str | int | Sequence[str | int] | None) -> Target:
    """Take a target as a user gives it: itself, or a name, a number or a sequence of them.

    Parameters
    ----------
    given : Target, str, int, sequence of str or int, or None
        What the user gave.

    Returns
    -------
    Target
        The same as a target; whether the network has it is not asked here.

    Examples
    --------
    >>> as_target(3)
    Target(name=3, horizon=None, output=0, logits=None)
    """
    return given if isinstance(given, Target) else Target(given)
