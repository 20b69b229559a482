"""The charts of the command line: what each is drawn of, of how much, and what it may be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnlens.cli.commands import charts
from rnnlens.cli.options.dynamics import concept_given, move_typed
from rnnlens.errors import InputError

if TYPE_CHECKING:
    from rnnlens.cli.commands.charts import Asked, Drawing
    from rnnlens.cli.options.charted import ChartedOptions

__all__ = ["RECIPES", "Recipe", "recipe_of"]

#: What options go together.
AGAINST = ("baseline", "held")
SPLIT = (*AGAINST, "method", "newest")
SETTLING = ("at", "order", "period", "layer")
PROBING = ("concept", "every_step", "layer", "state", "untrained", "blocks", "gap", "draws",
           "shifts")  # fmt: skip
PROVING = ("lag", "feature", "range", "tolerance", "budget", "deviation")
REMEMBERING = ("tolerance", "histories", "alpha", "block")


@dataclass(frozen=True)
class Recipe:
    """How a chart is drawn.

    Parameters
    ----------
    draw : callable
        What draws it.
    windows : int, optional
        Of how many windows at most, where none were typed.
    takes : tuple of str
        Options that it takes beside those of every chart.
    samples : bool
        Whether it can be of one window among them.
    data : {"needed", "may be", "none"}
        Whether it is drawn of windows.
    of_one : bool
        Whether it is of one input, where a network has several.
    """

    draw: Callable[[Asked], Drawing]
    windows: int | None = None
    takes: tuple[str, ...] = ()
    samples: bool = False
    data: str = "needed"
    of_one: bool = True


def _explained(name: str, windows: int | None = None, *, samples: bool = False) -> Recipe:
    return Recipe(charts.of_explained(name), windows, SPLIT, samples)


#: By the charts' names in `rnnlens.plot`, in the order in which one asks.
RECIPES = {
    "anatomy": Recipe(charts.anatomy, data="none"),
    "forecast": _explained("forecast", 504),
    "lag_shares": Recipe(charts.lag_shares, takes=SPLIT),
    "lag_feature": _explained("lag_feature", 1000),
    "lag_contributions": _explained("lag_contributions", 1000, samples=True),
    "waterfall": _explained("waterfall", 1, samples=True),
    "beeswarm": _explained("beeswarm", 1000),
    "calendar": _explained("calendar"),
    "certificates": Recipe(charts.certificates, 1, PROVING, samples=True),
    "interactions": Recipe(charts.interactions, 20, (*AGAINST, "newest"), samples=True),
    "methods": Recipe(charts.methods, 20, (*AGAINST, "newest")),
    "baselines": Recipe(charts.baselines, 100, ("held",)),
    "memory": Recipe(charts.memory, 200, REMEMBERING),
    "weights": Recipe(charts.weights, 50, (*AGAINST, "layer", "kind"), data="may be"),
    "summarized_weights": Recipe(charts.summarized_weights, 50, data="may be", of_one=False),
    "gates": Recipe(charts.gates, 1, ("layer",), samples=True, of_one=False),
    "gate_contributions": Recipe(charts.gate_contributions, 50, (*AGAINST, "layer"), samples=True),
    "fixed_points": Recipe(charts.fixed_points, 20, SETTLING),
    "eigenvalues": Recipe(charts.eigenvalues, 20, SETTLING),
    "bifurcations": Recipe(charts.bifurcations, 20, (*SETTLING, "move")),
    "probe": Recipe(charts.probe, takes=PROBING),
    "compared_weights": Recipe(charts.compared_weights, 50, data="may be", of_one=False),
    "record": Recipe(charts.record, data="none", of_one=False),
}


def recipe_of(
    name: str,
    sample: int | None,
    options: ChartedOptions,
    data: Sequence[object],
    placed: Sequence[str] = (),
) -> Recipe:
    """Give the recipe of a chart, or refuse what it does not take before anything is read."""
    recipe = RECIPES[name]
    if sample is not None and not recipe.samples:
        single = ", ".join(one for one, other in RECIPES.items() if other.samples)
        raise InputError(
            f"--sample chooses one window, and the chart {name} is of all: leave it out, or draw "
            f"one of {single}"
        )
    of_windows = recipe.data == "needed" or bool(data)
    others = options.others(recipe.takes, windows=of_windows)
    if others:
        raise InputError(
            f"the chart {name} does not take {', '.join(others)}, which would change nothing in "
            "it: leave it out"
        )
    if recipe.data == "needed" and not data:
        raise InputError(
            f"the chart {name} is drawn of windows, and no data were given: name the series after "
            "the model"
        )
    if not data and placed:
        raise InputError(
            f"no data were given that {', '.join(placed)} could choose windows of: leave it out, "
            "or name the series after the model"
        )
    if recipe.data == "none" and data:
        raise InputError(
            f"the chart {name} is drawn of one file, and data were given too: leave out "
            f"{', '.join(map(str, data))}"
        )
    if name == "compared_weights" and not data:
        raise InputError(
            "the chart compared_weights is of two networks, and one was given: name the other "
            "after it"
        )
    if name == "bifurcations":
        move_typed(options.move)
    if name == "probe":
        concept_given(options.concept)
    return recipe
