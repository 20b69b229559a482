"""Every method by its name: what its numbers are, and which options it takes.

The facts alone, so that they cost nothing to import; `rnnlens.attribution.runners` runs what they
name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rnnlens.arguments import did_you_mean
from rnnlens.errors import DataError, InputError

__all__ = ["METHODS", "SUMMING", "AttributionMethod", "method_named", "refuse_alone"]


@dataclass(frozen=True, kw_only=True)
class AttributionMethod:
    """What is known of a method before it is run.

    Parameters
    ----------
    kind : {"contribution", "sensitivity", "relevance", "write time"}
        What its numbers are: contributions sum to the change of the forecast.
    variable : str
        The variable that holds them.
    takes : tuple of str
        Options that it takes besides the target, and a baseline where it hides something.
    hides : bool
        Whether it needs a baseline.
    conditional : bool
        Whether it takes a baseline that depends on what is shown.
    background : bool
        Whether it may compare with background windows instead, where no baseline is asked for.
    joint : bool
        Whether it takes several inputs at once.
    """

    kind: str
    variable: str
    takes: tuple[str, ...] = ()
    hides: bool = True
    conditional: bool = False
    background: bool = False
    joint: bool = True


def _contribution(
    *takes: str, conditional: bool = False, background: bool = False
) -> AttributionMethod:
    return AttributionMethod(
        kind="contribution",
        variable="contribution",
        takes=takes,
        conditional=conditional,
        background=background,
    )


_PLAYERS = ("newest", "groups", "initial_state", "progress")
_SAMPLED = (*_PLAYERS, "budget", "tolerance", "seed")

#: Every method by its name.
METHODS: dict[str, AttributionMethod] = {
    "auto": _contribution(*_PLAYERS, "budget", "seed", background=True),
    "secant": _contribution("initial_state", "progress"),
    "tree": _contribution(*_SAMPLED, conditional=True),
    "owen": _contribution(*_SAMPLED, conditional=True),
    "permutation": _contribution(*_SAMPLED, conditional=True),
    "integrated_gradients": _contribution("tolerance"),
    "causal_order": _contribution(),
    "gradient": AttributionMethod(
        kind="sensitivity", variable="sensitivity", takes=("progress",), hides=False
    ),
    "gradient_times_input": AttributionMethod(kind="sensitivity", variable="product"),
    "occlusion": AttributionMethod(
        kind="sensitivity", variable="change", takes=("newest", "budget"), conditional=True
    ),
    "lrp": AttributionMethod(kind="relevance", variable="relevance", hides=False, joint=False),
    "contextual_decomposition": AttributionMethod(
        kind="relevance", variable="relevant", hides=False, joint=False
    ),
    "carry": AttributionMethod(kind="write time", variable="written", hides=False, joint=False),
}

#: The methods whose numbers sum to the change of the forecast.
SUMMING = tuple(name for name, method in METHODS.items() if method.kind == "contribution")


def refuse_alone(name: str, inputs: Sequence[object]) -> None:
    """Refuse a method that reads the steps of one sequence, for inputs of another kind."""
    if not METHODS[name].joint:
        raise DataError(
            f"method {name!r} is about the steps of one sequence, but {len(inputs)} inputs are "
            "explained, or one without steps: name one sequence with of=, or choose another method"
        )


def method_named(
    name: str, given: Mapping[str, object], among: Iterable[str] = METHODS
) -> AttributionMethod:
    """Find a method, and refuse options that it would leave unheard, naming those that take them.

    Parameters
    ----------
    name : str
        The method.
    given : mapping of str to value
        What was given of each option; None where nothing was.
    among : iterable of str
        The methods that may be chosen instead.

    Returns
    -------
    AttributionMethod
        What is known of it.

    Raises
    ------
    InputError
        If no method is called so.
    DataError
        If it takes no such option.
    """
    if name not in METHODS:
        raise InputError(
            f"no method is called {name!r}{did_you_mean(name, METHODS)}: give one of "
            f"{', '.join(METHODS)}"
        )
    method = METHODS[name]
    for option, value in given.items():
        if value is not None and not _takes(method, option):
            those = [other for other in among if _takes(METHODS[other], option)]
            raise DataError(
                f"method {name!r} does not take {option}: leave it out, or choose one of "
                f"{', '.join(those)}"
            )
    return method


def _takes(method: AttributionMethod, option: str) -> bool:
    return method.hides if option in {"baseline", "held"} else option in method.takes
