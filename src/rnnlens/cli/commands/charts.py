"""The charts that the command line draws, each of what its verb gives with usual options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from rnnlens.errors import InputError

if TYPE_CHECKING:
    from rnnlens.cli.options.forecast import ExplainOptions
    from rnnlens.cli.several import AnyWindows
    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar

__all__ = ["RECIPES", "Asked", "recipe_of"]

#: What is left to say: the width, the typeface, the language, and where one is drawn, the window.
Drawing = Callable[..., Any]

#: How long bounds are searched for, and how many lags stand alone where pairs are asked about.
PROVING, PAIRS = "30 s", 8


@dataclass(frozen=True)
class Asked:
    """What a chart is drawn of: a network, windows, those that training saw, and the options."""

    network: Network
    windows: AnyWindows
    seen: AnyWindows
    sidecar: Sidecar
    options: ExplainOptions

    @property
    def target(self) -> Any:
        """The target asked about."""
        return self.options.target_of(self.sidecar)

    @property
    def about(self) -> dict[str, Any]:
        """What verbs about a forecast are asked alike."""
        return {
            "target": self.target,
            "baseline": self.options.baseline_of(self.sidecar),
            "held": self.options.held_names,
            "background": self.seen,
        }

    def explained(self, method: str | None = None) -> Any:
        """Explain the windows, by the method that was typed or by secant."""
        from rnnlens import api

        return api.explain(
            self.network,
            self.windows,
            method=method or self.options.method_of(self.sidecar) or "secant",
            newest=self.options.newest,
            of=self.options.inputs,
            **self.about,
        )


@dataclass(frozen=True)
class Recipe:
    """How a chart is drawn, and of how many windows at most where none were typed."""

    #: None where it is drawn of the network alone.
    draw: Callable[[Asked], Drawing] | None
    windows: int | None = None
    #: Whether it can be of one window among them.
    samples: bool = False


def _of_explained(name: str) -> Callable[[Asked], Drawing]:
    def draw(asked: Asked) -> Drawing:
        from rnnlens import plot

        explained = asked.explained()
        if name == "beeswarm":
            values = getattr(asked.windows, "original", None)
            return partial(plot.beeswarm, explained, values)
        return partial(getattr(plot, name), explained)

    return draw


def _carried(asked: Asked) -> Any:
    from rnnlens import api

    return api.gate_contributions(asked.network, asked.windows, **asked.about)


def _weights(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    return partial(plot.weights, api.weights(asked.network), carried=_carried(asked))


def _gates(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    return partial(plot.gates, api.trace(asked.network, asked.windows))


def _gate_contributions(asked: Asked) -> Drawing:
    from rnnlens import plot

    return partial(plot.gate_contributions, _carried(asked))


def _lag_shares(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    about = asked.about
    method = asked.options.method_of(asked.sidecar) or api.Shares().method
    table: Any = api.lags(
        asked.network,
        asked.windows,
        target=asked.target,
        held=about["held"],
        background=asked.seen,
        of=asked.options.inputs,
        certificates=None,
        test=None,
        shares=api.Shares(method=method, baseline=about["baseline"], newest=asked.options.newest),
    )
    return partial(plot.lag_shares, table)


def _certificates(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    # of a network that takes windows of any length, all lags of those that were cut
    stated = next(iter(api.describe(asked.network)["inputs"].values()))[0]
    steps = stated or asked.sidecar.window
    certified: Any = api.certify(
        asked.network,
        asked.windows,
        lag=range(1, steps + 1),
        target=asked.target,
        background=asked.seen,
        of=asked.options.inputs,
        certificates=api.Certificates(budget=PROVING),
    )
    return partial(plot.certificates, certified)


def _interactions(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    newest = asked.options.newest or PAIRS
    readings = api.interactions(
        asked.network, asked.windows, newest=newest, of=asked.options.inputs, **asked.about
    )
    return partial(plot.interactions, readings)


def _baselines(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    about = {name: value for name, value in asked.about.items() if name != "baseline"}
    compared: Any = api.compare_baselines(
        asked.network, asked.windows, of=asked.options.inputs, **about
    )
    return partial(plot.baselines, compared)


def _methods(asked: Asked) -> Drawing:
    from rnnlens import plot

    named = ("secant", "tree", "occlusion")
    return partial(plot.methods, {name: asked.explained(name) for name in named})


def _memory(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    measured = api.memory(
        asked.network, asked.windows, target=asked.target, of=asked.options.inputs
    )
    return partial(plot.memory, measured)


def _found(asked: Asked) -> Any:
    from rnnlens import api

    return api.fixed_points(
        asked.network, asked.windows, target=asked.target, of=asked.options.inputs
    )


def _fixed_points(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    return partial(plot.fixed_points, _found(asked), api.trace(asked.network, asked.windows))


def _eigenvalues(asked: Asked) -> Drawing:
    from rnnlens import plot

    return partial(plot.eigenvalues, _found(asked))


def _summarized_weights(asked: Asked) -> Drawing:
    from rnnlens import api, plot

    summary = api.summarize_weights(asked.network, asked.windows, target=asked.target)
    return partial(plot.summarized_weights, summary)


#: By the charts' names in `rnnlens.plot`, in the order in which one asks.
RECIPES = {
    "anatomy": Recipe(None),
    "forecast": Recipe(_of_explained("forecast"), 504),
    "lag_shares": Recipe(_lag_shares),
    "lag_feature": Recipe(_of_explained("lag_feature"), 1000),
    "lag_contributions": Recipe(_of_explained("lag_contributions"), 1000, samples=True),
    "waterfall": Recipe(_of_explained("waterfall"), 1, samples=True),
    "beeswarm": Recipe(_of_explained("beeswarm"), 1000),
    "calendar": Recipe(_of_explained("calendar")),
    "certificates": Recipe(_certificates, 1, samples=True),
    "interactions": Recipe(_interactions, 20, samples=True),
    "methods": Recipe(_methods, 20),
    "baselines": Recipe(_baselines, 100),
    "memory": Recipe(_memory, 200),
    "weights": Recipe(_weights, 50),
    "summarized_weights": Recipe(_summarized_weights, 50),
    "gates": Recipe(_gates, 1, samples=True),
    "gate_contributions": Recipe(_gate_contributions, 50, samples=True),
    "fixed_points": Recipe(_fixed_points, 20),
    "eigenvalues": Recipe(_eigenvalues, 20),
}


def recipe_of(name: str, sample: int | None, *, data: bool) -> Recipe:
    """Give the recipe of a chart, or refuse what it does not take before anything is read."""
    recipe = RECIPES[name]
    if recipe.draw is not None and not data:
        raise InputError(
            f"the chart {name} is drawn of windows, and no data were given: name the series after "
            "the model"
        )
    if sample is not None and not recipe.samples:
        single = ", ".join(one for one, other in RECIPES.items() if other.samples)
        raise InputError(
            f"--sample chooses one window, and the chart {name} is of all: leave it out, or draw "
            f"one of {single}"
        )
    return recipe
