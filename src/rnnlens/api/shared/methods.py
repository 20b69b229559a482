"""The methods of `rnnlens.explain`: what each is called, what it gives, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    from rnnlens.api.shared.case import Case
    from rnnlens.attribution.games.players import PlayerGroups
    from rnnlens.attribution.target import ResolvedTarget

__all__ = ["METHODS", "SUMMING", "Ask", "Found", "Method", "method_named"]


@dataclass(frozen=True, eq=False)
class Ask:
    """What a method is asked.

    Parameters
    ----------
    case : Case
        The network and its windows.
    target : ResolvedTarget
        What is explained.
    baseline : Baseline or GaussianConditional, or None
        What stands in for hidden inputs; None for methods that hide nothing.
    background : callable
        Gives the background windows that the default takes with secant.
    newest : int or None
        Lags that are players of their own; the method's own custom where None.
    groups : PlayerGroups or None
        Lags and features that stand together.
    initial_state : mapping or None
        States carried into the windows.
    budget : int or None
        Cell evaluations that decide between exact and sampled.
    tolerance : float or None
        Standard error at which sampling stops.
    seed : int
        Of what is drawn.
    progress : callable or None
        Told of windows done.
    """

    case: Case
    target: ResolvedTarget
    baseline: Any
    background: Callable[[], Any]
    newest: int | None
    groups: PlayerGroups | None
    initial_state: Mapping[str, Sequence[Any]] | None
    budget: int | None
    tolerance: float | None
    seed: int
    progress: Callable[[int, int], None] | None

    def arguments(self, *names: str) -> dict[str, Any]:
        """Give what was stated of some options, by name."""
        stated = {name: getattr(self, name) for name in names}
        return {name: value for name, value in stated.items() if value is not None}

    @property
    def question(self) -> tuple[Any, ...]:
        """Network, inputs, target and baseline."""
        return (*self.slopes, self.baseline)

    @property
    def slopes(self) -> tuple[Any, ...]:
        """Network, inputs and target."""
        return self.case.network, self.case.inputs, self.target


@dataclass(frozen=True, eq=False)
class Found:
    """What a method found.

    Parameters
    ----------
    result : dataclass
        The arrays.
    about : dict of str to value
        What the result says of how it came about.
    baseline : Baseline or None
        What stood in, where it is not the one asked for.
    """

    result: Any
    about: dict[str, Any]
    baseline: Any = None


@dataclass(frozen=True)
class Method:
    """One method.

    Parameters
    ----------
    run : callable
        From an `Ask` to what was `Found`.
    kind : {"contribution", "sensitivity", "relevance", "write time"}
        What its numbers are: contributions sum to the change of the forecast.
    variable : str
        The variable that holds them.
    takes : tuple of str
        Options that it takes besides target and baseline.
    hides : bool
        Whether it needs a baseline.
    conditional : bool
        Whether it takes a baseline that depends on what is shown.
    """

    run: Callable[[Ask], Found]
    kind: str
    variable: str
    takes: tuple[str, ...] = ()
    hides: bool = True
    conditional: bool = False


def _auto(ask: Ask) -> Found:
    from rnnlens.attribution.default import default

    names = ("newest", "groups", "initial_state", "budget", "seed", "progress")
    made = default(
        *ask.question, of=ask.case.of, background=ask.background(), **ask.arguments(*names)
    )
    about: dict[str, Any] = {"method": made.choice.method, "why": made.choice.why}
    if made.audit is not None:
        about |= {
            "audit": made.audit.sentence,
            "audit_largest": made.audit.largest,
            "audit_mean": made.audit.mean,
            "audit_windows": len(made.audit.windows),
        }
    return Found(made.found, about, made.baseline)


def _secant(ask: Ask) -> Found:
    from rnnlens.attribution.methods.secant import secant

    return Found(
        secant(*ask.question, of=ask.case.of, **ask.arguments("initial_state", "progress")), {}
    )


def _tree(ask: Ask) -> Found:
    from rnnlens.attribution.games.budget import lags_within
    from rnnlens.attribution.methods.shapley_tree import shapley_tree

    names = ("newest", "groups", "initial_state", "progress")
    if ask.budget is None:
        return Found(shapley_tree(*ask.question, of=ask.case.of, **ask.arguments(*names)), {})
    more = ask.arguments(*names, "budget", "tolerance", "seed")
    return _within(lags_within(*ask.question, of=ask.case.of, **more))


def _owen(ask: Ask) -> Found:
    from rnnlens.attribution.games.budget import lags_and_features_within
    from rnnlens.attribution.methods.owen import owen

    names = ("newest", "groups", "initial_state", "progress")
    if ask.budget is None:
        return Found(owen(*ask.question, of=ask.case.of, **ask.arguments(*names)), {})
    more = ask.arguments(*names, "budget", "tolerance", "seed")
    return _within(lags_and_features_within(*ask.question, of=ask.case.of, **more))


def _within(within: Any) -> Found:
    return Found(within.found, {"method": within.choice.method, "why": within.choice.why})


def _permutation(ask: Ask) -> Found:
    from rnnlens.attribution.games.budget import BUDGET, MOST_PAIRS
    from rnnlens.attribution.games.sampled_orders import Stop
    from rnnlens.attribution.methods.permutation import permutation_of_lags_and_features

    names = ("newest", "groups", "initial_state", "progress", "seed")
    stop = Stop(MOST_PAIRS, ask.budget or BUDGET, ask.tolerance)
    found = permutation_of_lags_and_features(
        *ask.question, of=ask.case.of, stop=stop, **ask.arguments(*names)
    )
    return Found(found, {"permutations": int(found.permutations.max())})


def _integrated_gradients(ask: Ask) -> Found:
    from rnnlens.attribution.methods.integrated_gradients import integrated_gradients

    found = integrated_gradients(*ask.question, of=ask.case.of, **ask.arguments("tolerance"))
    return Found(found, {"tolerance": found.tolerance, "most_nodes": int(found.nodes.max())})


def _causal_order(ask: Ask) -> Found:
    from rnnlens.attribution.methods.causal_order import causal_order

    return Found(causal_order(*ask.question, of=ask.case.of), {})


def _gradient(ask: Ask) -> Found:
    from rnnlens.attribution.methods.gradient import gradient

    return Found(gradient(*ask.slopes, of=ask.case.of, **ask.arguments("progress")), {})


def _gradient_times_input(ask: Ask) -> Found:
    from rnnlens.attribution.methods.gradient_times_input import gradient_times_input

    return Found(gradient_times_input(*ask.question, of=ask.case.of), {})


def _occlusion(ask: Ask) -> Found:
    from rnnlens.attribution.baselines.conditional import GaussianConditional
    from rnnlens.attribution.games.conditional import conditional_occlusion
    from rnnlens.attribution.methods.occlusion import occlusion_of_lags_and_features

    if isinstance(ask.baseline, GaussianConditional):
        return Found(conditional_occlusion(*ask.question, of=ask.case.of), {})
    return Found(occlusion_of_lags_and_features(*ask.question, of=ask.case.of), {})


def _lrp(ask: Ask) -> Found:
    from rnnlens.attribution.methods.lrp.relevance import lrp

    return Found(lrp(*ask.slopes, of=ask.case.of), {})


def _contextual_decomposition(ask: Ask) -> Found:
    from rnnlens.attribution.methods.contextual_decomposition import contextual_decomposition

    return Found(contextual_decomposition(*ask.slopes, of=ask.case.of), {})


def _carry(ask: Ask) -> Found:
    from rnnlens.attribution.methods.carry import carry

    found = carry(*ask.slopes, of=ask.case.of)
    return Found(found, {"layers": list(found.layers)})


_PLAYERS = ("newest", "groups", "initial_state", "progress")
#: Every method by its name.
METHODS: dict[str, Method] = {
    "auto": Method(_auto, "contribution", "contribution", (*_PLAYERS, "budget", "seed")),
    "secant": Method(_secant, "contribution", "contribution", ("initial_state", "progress")),
    "tree": Method(
        _tree,
        "contribution",
        "contribution",
        (*_PLAYERS, "budget", "tolerance", "seed"),
        conditional=True,
    ),
    "owen": Method(
        _owen,
        "contribution",
        "contribution",
        (*_PLAYERS, "budget", "tolerance", "seed"),
        conditional=True,
    ),
    "permutation": Method(
        _permutation,
        "contribution",
        "contribution",
        (*_PLAYERS, "budget", "tolerance", "seed"),
        conditional=True,
    ),
    "integrated_gradients": Method(
        _integrated_gradients, "contribution", "contribution", ("tolerance",)
    ),
    "causal_order": Method(_causal_order, "contribution", "contribution"),
    "gradient": Method(_gradient, "sensitivity", "sensitivity", ("progress",), hides=False),
    "gradient_times_input": Method(_gradient_times_input, "sensitivity", "product"),
    "occlusion": Method(_occlusion, "sensitivity", "change", conditional=True),
    "lrp": Method(_lrp, "relevance", "relevance", hides=False),
    "contextual_decomposition": Method(
        _contextual_decomposition, "relevance", "relevant", hides=False
    ),
    "carry": Method(_carry, "write time", "written", hides=False),
}

#: The methods whose numbers sum to the change of the forecast.
SUMMING = tuple(name for name, method in METHODS.items() if method.kind == "contribution")


def method_named(name: str, given: Mapping[str, Any]) -> Method:
    """Find a method, and refuse options that it would leave unheard."""
    if name not in METHODS:
        raise InputError(f"no method is called {name!r}: give one of {', '.join(METHODS)}")
    method = METHODS[name]
    for option, value in given.items():
        if value is not None and option not in method.takes:
            those = [other for other, one in METHODS.items() if option in one.takes]
            raise DataError(
                f"method {name!r} does not take {option}: leave it out, or choose one of "
                f"{', '.join(those)}"
            )
    return method
