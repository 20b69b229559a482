"""How the command line draws each chart: of what its verb gives with the options typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlens.attribution.registry import METHODS
from rnnlens.cli.concept import concept_typed
from rnnlens.cli.inputs import network_from
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    from rnnlens.cli.options.charted import ChartedOptions
    from rnnlens.cli.options.reading import ReadingOptions
    from rnnlens.cli.several import AnyWindows
    from rnnlens.network.network import Network
    from rnnlens.series.sidecar import Sidecar

__all__ = [
    "Asked",
    "Drawing",
    "anatomy",
    "baselines",
    "bifurcations",
    "certificates",
    "compared_weights",
    "eigenvalues",
    "fixed_points",
    "gate_contributions",
    "gates",
    "interactions",
    "lag_shares",
    "memory",
    "methods",
    "of_explained",
    "probe",
    "record",
    "summarized_weights",
    "weights",
]

#: What is left to say: the width, the typeface, the language, and where one is drawn, the window.
Drawing = Callable[..., Any]

#: How long bounds are searched for, and how many lags stand alone where pairs are asked about.
PROVING, PAIRS = "30 s", 8


@dataclass(frozen=True)
class Asked:
    """What a chart is drawn of: files as typed, a network, windows, those that training saw."""

    model: Path
    data: Sequence[Path]
    reading: ReadingOptions
    options: ChartedOptions
    #: what weights are compared with
    other: Path | None = None
    #: none of a record, which is of no network
    network: Network | None = None
    #: none where no data were given
    windows: AnyWindows | None = None
    seen: AnyWindows | None = None
    sidecar: Sidecar | None = None
    #: the input that is drawn, of a network of several
    of: str | None = None

    @property
    def target(self) -> Any:
        """The target asked about."""
        return None if self.sidecar is None else self.options.target_of(self.sidecar)

    @property
    def over(self) -> tuple[Any, Any]:
        """The network, and the windows."""
        return self.network, self.windows

    @property
    def about(self) -> dict[str, Any]:
        """What verbs about a forecast are asked alike."""
        baseline = None if self.sidecar is None else self.options.baseline_of(self.sidecar)
        return {
            "target": self.target,
            "baseline": baseline,
            "held": self.options.held_names,
            "background": self.seen,
            "of": self.of,
        }

    @property
    def method(self) -> str | None:
        """The method that was typed, or else the one that the sidecar states."""
        return None if self.sidecar is None else self.options.method_of(self.sidecar)

    def explained(self, method: str | None = None) -> Any:
        """Explain the windows, by the method that was typed or by secant."""
        from rnnlens import api

        asked, about = method or self.method or "secant", self.about
        # a baseline that was typed for several methods is for those of them that hide something
        typed = method is None and self.options.baseline is not None
        if not METHODS[asked].hides and not typed:
            about["baseline"] = None
        return api.explain(*self.over, method=asked, newest=self.options.newest, **about)


def anatomy(asked: Asked) -> Drawing:
    """Draw what the network is made of."""
    from rnnlens import api, plot

    return partial(plot.anatomy, api.describe(_network(asked)))


def of_explained(name: str) -> Callable[[Asked], Drawing]:
    """Give how a chart of an explanation is drawn."""

    def draw(asked: Asked) -> Drawing:
        from rnnlens import plot

        explained = asked.explained()
        if name == "beeswarm":
            windows: Any = asked.windows if asked.of is None else asked.over[1][asked.of]
            return partial(plot.beeswarm, explained, getattr(windows, "original", None))
        return partial(getattr(plot, name), explained)

    return draw


def _network(asked: Asked) -> Network:
    assert asked.network is not None, "of a network"
    return asked.network


def _carried(asked: Asked) -> Any:
    from rnnlens import api

    return api.gate_contributions(*asked.over, layer=asked.options.layer, **asked.about)


def weights(asked: Asked) -> Drawing:
    """Draw weights; units by what they carried, where there are windows."""
    from rnnlens import api, plot

    carried = None if asked.windows is None else _carried(asked)
    return partial(
        plot.weights,
        api.weights(_network(asked)),
        layer=asked.options.layer,
        kind=asked.options.kind or "W",
        carried=carried,
    )


def gates(asked: Asked) -> Drawing:
    """Draw gates and states."""
    from rnnlens import api, plot

    return partial(plot.gates, api.trace(*asked.over), layer=asked.options.layer)


def gate_contributions(asked: Asked) -> Drawing:
    """Draw what each gate carried."""
    from rnnlens import plot

    return partial(plot.gate_contributions, _carried(asked))


def lag_shares(asked: Asked) -> Drawing:
    """Draw shares of lags, with nothing tested or proven."""
    from rnnlens import api, plot

    about = asked.about
    method, newest = asked.method or api.Shares().method, asked.options.newest
    shares = api.Shares(method=method, baseline=about.pop("baseline"), newest=newest)
    table: Any = api.lags(*asked.over, certificates=None, test=None, shares=shares, **about)
    return partial(plot.lag_shares, table)


def certificates(asked: Asked) -> Drawing:
    """Draw what is proven of lags, of all of them where none were typed."""
    from rnnlens import api, plot
    from rnnlens.evidence.options import Certificates

    options = asked.options
    effort = options.certificates()
    if options.budget is None:
        effort = Certificates(**{**vars(effort), "budget": PROVING})
    certified: Any = api.certify(
        *asked.over,
        lag=options.lags if options.lag.strip() else range(1, _steps(asked) + 1),
        features=options.feature_names,
        target=asked.target,
        background=asked.seen,
        of=asked.of,
        certificates=effort,
    )
    return partial(plot.certificates, certified)


def _steps(asked: Asked) -> int:
    """Give the steps of a window: those of what was cut, of a network that takes any number."""
    from rnnlens import api

    inputs = api.describe(_network(asked))["inputs"]
    stated = inputs[asked.of or next(iter(inputs))][0]
    assert asked.sidecar is not None, "windows have one"
    return int(stated or asked.sidecar.window)


def interactions(asked: Asked) -> Drawing:
    """Draw pairs of lags."""
    from rnnlens import api, plot

    newest = asked.options.newest or PAIRS
    return partial(plot.interactions, api.interactions(*asked.over, newest=newest, **asked.about))


def baselines(asked: Asked) -> Drawing:
    """Draw shares against every baseline."""
    from rnnlens import api, plot

    about = {name: value for name, value in asked.about.items() if name != "baseline"}
    compared: Any = api.compare_baselines(*asked.over, **about)
    return partial(plot.baselines, compared)


def methods(asked: Asked) -> Drawing:
    """Draw what three methods say."""
    from rnnlens import plot

    named = ("secant", "tree", "occlusion")
    return partial(plot.methods, {name: asked.explained(name) for name in named})


def memory(asked: Asked) -> Drawing:
    """Draw how long the network remembers."""
    from rnnlens import api, plot

    options = asked.options
    measured = api.memory(
        *asked.over,
        target=asked.target,
        of=asked.of,
        histories=options.histories,
        tolerance=options.tolerance,
        alpha=options.alpha,
        block=options.block,
    )
    return partial(plot.memory, measured)


def _held(asked: Asked) -> dict[str, Any]:
    """Give what is asked of a network while its input is held."""
    options = asked.options
    return {
        "at": options.held_at,
        "order": options.order,
        "period": options.period,
        "layer": options.layer,
        "target": asked.target,
        "of": asked.of,
    }


def fixed_points(asked: Asked) -> Drawing:
    """Draw where the network settles, with the ways of windows."""
    from rnnlens import api, plot

    found = api.fixed_points(*asked.over, **_held(asked))
    return partial(plot.fixed_points, found, api.trace(*asked.over))


def eigenvalues(asked: Asked) -> Drawing:
    """Draw how deviations from there die away."""
    from rnnlens import api, plot

    return partial(plot.eigenvalues, api.fixed_points(*asked.over, **_held(asked)))


def bifurcations(asked: Asked) -> Drawing:
    """Draw where it settles while one input is moved."""
    from rnnlens import api, plot

    feature, values = asked.options.moved
    return partial(
        plot.bifurcations, api.bifurcations(*asked.over, feature, values, **_held(asked))
    )


def probe(asked: Asked) -> Drawing:
    """Draw how well a concept is read off states."""
    from rnnlens import api, plot
    from rnnlens.cli.options.dynamics import ProbeOptions

    options, sidecar = asked.options, asked.sidecar
    assert sidecar is not None, "windows have one"
    assert asked.windows is not None, "it is read off windows"
    windows, concept = concept_typed(
        options.concept, asked.data, sidecar, asked.windows, every_step=options.every_step
    )
    wanted = {**ProbeOptions.asked(options, sidecar), "of": asked.of}
    return partial(plot.probe, api.probe(_network(asked), windows, concept, **wanted))


def summarized_weights(asked: Asked) -> Drawing:
    """Draw weights as numbers, with what gates do with data where there are any."""
    from rnnlens import api, plot

    about = {} if asked.windows is None else {"target": asked.target, "of": asked.of}
    return partial(plot.summarized_weights, api.summarize_weights(*asked.over, **about))


def compared_weights(asked: Asked) -> Drawing:
    """Draw the weights of two networks beside each other."""
    from rnnlens import api, plot

    assert asked.other is not None, "it is named after the model"
    other = network_from(asked.other, asked.reading)
    about = {} if asked.windows is None else {"target": asked.target, "of": asked.of}
    compared = api.compare_weights(_network(asked), other, asked.windows, **about)
    return partial(plot.compared_weights, compared)


def record(asked: Asked) -> Drawing:
    """Draw what was recorded of a training, in the place of a model."""
    import pandas as pd

    from rnnlens import plot

    if not asked.model.is_file():
        raise InputError(f"there is no file {asked.model}: name the one that rnnlens.record wrote")
    try:
        table = pd.read_csv(asked.model)
    except (ValueError, UnicodeError) as error:
        raise DataError(
            f"{asked.model} is no table: name the CSV file that rnnlens.record wrote"
        ) from error
    return partial(plot.record, table)
