"""What may be typed: arguments, and bundles of options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from rnnlens.attribution.options import Target
from rnnlens.evidence.options import Certificates, Test

__all__ = [
    "Answer",
    "Baseline",
    "Certificate",
    "Data",
    "Evidence",
    "Method",
    "Model",
    "OnlyJson",
    "Question",
    "Series",
    "Subject",
    "Told",
    "Trial",
    "Tried",
    "flattened",
]

#: Suffixes that ``--out`` takes.
SUFFIXES = (".csv", ".json", ".nc")


class Method(StrEnum):
    """How a forecast is split."""

    auto = "auto"
    secant = "secant"
    tree = "tree"
    owen = "owen"
    permutation = "permutation"
    integrated_gradients = "integrated_gradients"
    causal_order = "causal_order"
    gradient = "gradient"
    gradient_times_input = "gradient_times_input"
    occlusion = "occlusion"
    lrp = "lrp"
    contextual_decomposition = "contextual_decomposition"
    carry = "carry"


class Tried(StrEnum):
    """A method whose contributions are put to the test."""

    secant = "secant"
    gradient_times_input = "gradient_times_input"
    occlusion = "occlusion"


class Baseline(StrEnum):
    """What stands in for an input that is hidden."""

    zero = "zero"
    mean = "mean"
    hourly_mean = "hourly mean"
    monthly_mean = "monthly mean"
    seasonal_mean = "seasonal mean"
    persistence = "persistence"
    background = "background"
    conditional = "conditional"


class Nonlinearity(StrEnum):
    """What a plain recurrent layer of PyTorch computes."""

    tanh = "tanh"
    relu = "relu"


class By(StrEnum):
    """What the rows of the table of evidence are."""

    lag = "lag"
    feature = "feature"
    both = "both"


class Loss(StrEnum):
    """How errors are weighed."""

    absolute = "absolute"
    squared = "squared"


class Correction(StrEnum):
    """How p-values are corrected for their number."""

    holm = "holm"
    by = "by"
    none = "none"


class Drawn(StrEnum):
    """What stands in for hidden inputs in the test over the data set."""

    auto = "auto"
    gaussian = "gaussian"
    neighbours = "neighbours"


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _out(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"the name must end in one of {', '.join(SUFFIXES)}")
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


Model = Annotated[
    Path, typer.Argument(help="The trained network: a .keras or .h5 file.", show_default=False)
]
Data = Annotated[
    Path,
    typer.Argument(
        help="The series, as CSV, Parquet or .npz; or windows X in an .npz.", show_default=False
    ),
]
OnlyJson = Annotated[bool, typer.Option("--json", help="Give JSON, and nothing else, on stdout.")]


@dataclass(frozen=True)
class Told:
    """What the model's file does not say of itself."""

    architecture: Annotated[
        Path | None,
        typer.Option(
            help="For a file of weights alone: the JSON or YAML of its architecture.",
            show_default=False,
        ),
    ] = None
    layers: Annotated[
        str | None,
        typer.Option(
            help="For a file of weights alone: its layers, as 'LSTM(tanh, sigmoid) > "
            "Dense(linear)'.",
            show_default=False,
        ),
    ] = None
    head: Annotated[
        str | None,
        typer.Option(
            help="For a PyTorch state dict: the linear layer that makes the forecast, by its name.",
            show_default=False,
        ),
    ] = None
    nonlinearity: Annotated[
        Nonlinearity | None,
        typer.Option(
            help="For a PyTorch state dict: what its plain recurrent layers compute.",
            show_default=False,
        ),
    ] = None

    def given(self) -> dict[str, Any]:
        """Give what was typed, by the names of the options of `rnnlens.read`."""
        every = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        return {name: value for name, value in every.items() if value is not None}


@dataclass(frozen=True)
class Series:
    """How windows are cut from the series."""

    config: Annotated[
        Path | None,
        typer.Option(
            help="The sidecar, a TOML file that names features, units and scaling; by default the "
            "one beside the model that has its name.",
            show_default=False,
        ),
    ] = None
    features: Annotated[
        str | None,
        typer.Option(help="Columns that the network takes, in its order: a,b,c."),
    ] = None
    window: Annotated[int | None, typer.Option(help="Steps that the network takes.")] = None
    lead: Annotated[
        int | None, typer.Option(help="Steps from the newest one taken to the one forecast.")
    ] = None
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Time (or row) of the first forecast; for lags and report where training ended, "
            "if the sidecar says so.",
            show_default=False,
        ),
    ] = None
    end: Annotated[
        str | None, typer.Option("--to", help="Time (or row) that all forecasts lie before.")
    ] = None
    last: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Only the newest N windows; for trace and explain 1, unless --from or --to is "
            "given.",
            show_default=False,
        ),
    ] = None

    @property
    def feature_names(self) -> list[str] | None:
        """The columns named, or None."""
        return _names(self.features)


@dataclass(frozen=True)
class Subject:
    """Which forecast is looked at, and against what."""

    target: Annotated[str | None, typer.Option(help="The output to explain, by its name.")] = None
    horizon: Annotated[
        int | None,
        typer.Option(min=1, help="Which future step, where the network gives several."),
    ] = None
    baseline: Annotated[
        Baseline | None, typer.Option(help="What stands in for a hidden input.")
    ] = None
    held: Annotated[
        str | None,
        typer.Option(help="Features that keep their values when others are hidden: a,b."),
    ] = None

    def asked(self, sidecar: Any) -> dict[str, Any]:
        """Give the arguments of a verb: what was typed, or else what the sidecar states."""
        typed = {
            "target": self.target,
            "horizon": self.horizon,
            "baseline": None if self.baseline is None else self.baseline.value,
            "held": _names(self.held),
        }
        return _stated(sidecar, "target", "baseline") | _known(typed)


@dataclass(frozen=True)
class Question(Subject):
    """Which forecast is looked at, against what, and how it is split."""

    method: Annotated[Method | None, typer.Option(help="How forecasts are split.")] = None
    newest: Annotated[
        int | None, typer.Option(min=1, help="Lags that the tree takes one by one.")
    ] = None

    def asked(self, sidecar: Any) -> dict[str, Any]:
        """Give the arguments of a verb: what was typed, or else what the sidecar states."""
        typed = {
            "method": None if self.method is None else self.method.value,
            "newest": self.newest,
        }
        return super().asked(sidecar) | _stated(sidecar, "method") | _known(typed)


@dataclass(frozen=True)
class Trial(Subject):
    """Which forecast is looked at, against what, and which method is put to the test."""

    method: Annotated[Tried | None, typer.Option(help="The method that is tested.")] = None
    windows: Annotated[
        int | None, typer.Option(min=1, help="Windows to look at, evenly spaced.")
    ] = None

    def asked(self, sidecar: Any) -> dict[str, Any]:
        """Give the arguments of a verb: what was typed, or else what the sidecar states."""
        typed = {
            "method": None if self.method is None else self.method.value,
            "windows": self.windows,
        }
        return super().asked(sidecar) | _known(typed)


Range = Annotated[
    str | None,
    typer.Option(
        help="What an input runs through, in its own unit: 0.5 for its value +- 0.5 (a sensor's "
        "error), -10,30 for the ends; 0.1 to 99.9 % of the data if left out. For one feature of "
        "several: temp=0.5;wind=0,40.",
        show_default=False,
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        help="Change of the forecast that does not matter, in its own unit; 1 % of the forecasts' "
        "standard deviation if left out.",
        show_default=False,
    ),
]
Budget = Annotated[
    int | None,
    typer.Option(help="Boxes that a question may take; 2000 if left out.", show_default=False),
]
Deviation = Annotated[
    float,
    typer.Option(
        help="By how much the model's own framework was seen to differ, in the forecast's unit; "
        "twice this is added to every bound."
    ),
]


@dataclass(frozen=True)
class Evidence:
    """What is asked of each lag: tests over the data set and certificates."""

    by: Annotated[By, typer.Option(help="What the rows are.")] = By.lag
    margin: Annotated[
        float | None,
        typer.Option(
            help="Change of the mean error that does not matter, in the forecast's unit (its "
            "square with --loss squared); 1 % of the mean error if left out.",
            show_default=False,
        ),
    ] = None
    loss: Annotated[Loss, typer.Option(help="How errors are weighed.")] = Loss.absolute
    alpha: Annotated[float, typer.Option(help="Chance of a wrong verdict.")] = 0.05
    correction: Annotated[Correction, typer.Option(help="Of p-values for the number of rows.")] = (
        Correction.holm
    )
    sampler: Annotated[
        Drawn, typer.Option(help="What hidden inputs are drawn from, given the rest.")
    ] = Drawn.auto
    block_length: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Windows over which neighbours depend; measured if left out.",
            show_default=False,
        ),
    ] = None
    test: Annotated[bool, typer.Option(help="Test what hiding does to the error.")] = True
    windows: Annotated[
        int, typer.Option(min=0, help="Windows to certify, evenly spaced; 0 for none.")
    ] = 10
    replacements: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Draws in which observed values replace each row; 4,603 if left out, 0 for none.",
            show_default=False,
        ),
    ] = None
    range: Range = None
    tolerance: Tolerance = None
    together: Annotated[
        bool | None,
        typer.Option(
            "--together/--alone",
            help="Whether all features of a lag are free at once; alone if there are over three.",
            show_default=False,
        ),
    ] = None
    budget: Budget = None
    deviation: Deviation = 0.0

    def asked(self) -> dict[str, Any]:
        """Give the arguments of the verb."""
        return {
            "by": self.by.value,
            "margin": self.margin,
            "alpha": self.alpha,
            "certificates": Certificates(
                windows=self.windows,
                range=ranges(self.range),
                tolerance=self.tolerance,
                budget=self.budget,
                together=self.together,
                deviation=self.deviation,
            ),
            "test": Test(
                loss=self.loss.value,
                correction=self.correction.value,
                sampler=self.sampler.value,
                block_length=self.block_length,
                replacements=self.replacements,
                hiding=self.test,
            ),
        }


@dataclass(frozen=True)
class Certificate:
    """Which inputs run through which range, and what is asked of the forecast."""

    lag: Annotated[str, typer.Option(help="The lags, each by itself: 5, or 1,2,5, or 1-12.")] = "1"
    feature: Annotated[
        str | None,
        typer.Option(
            help="The features that are free, together: a,b; all that are not held if left out.",
            show_default=False,
        ),
    ] = None
    range: Range = None
    tolerance: Tolerance = None
    target: Annotated[str | None, typer.Option(help="The output, by its name.")] = None
    horizon: Annotated[
        int | None,
        typer.Option(min=1, help="Which future step, where the network gives several."),
    ] = None
    budget: Budget = None
    deviation: Deviation = 0.0

    def asked(self, sidecar: Any) -> dict[str, Any]:
        """Give the arguments of the verb: what was typed, or else what the sidecar states."""
        return {
            "lag": whole_numbers(self.lag),
            "features": _names(self.feature),
            "target": Target(sidecar.target if self.target is None else self.target, self.horizon),
            "certificates": Certificates(
                range=ranges(self.range),
                tolerance=self.tolerance,
                budget=self.budget,
                deviation=self.deviation,
            ),
        }


def ranges(text: str | None) -> Any:
    """Read ranges as they are typed."""
    if text is None:
        return None
    if "=" in text:
        pairs = [part.partition("=") for part in text.split(";") if part.strip()]
        return {name.strip(): ranges(value) for name, _, value in pairs}
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in {1, 2}:
        raise typer.BadParameter(f"--range takes 0.5, or 10,30, or temp=0.5;wind=0,40; not {text}")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def whole_numbers(text: str) -> list[int]:
    """Read lags as they are typed.

    Examples
    --------
    >>> whole_numbers("1-3,7")
    [1, 2, 3, 7]
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdigit() and (last.isdigit() or not dash)):
            raise typer.BadParameter(f"--lag takes 5, or 1,2,5, or 1-12; not {text}")
        found += range(int(first), int(last or first) + 1)
    return found


def _stated(sidecar: Any, *names: str) -> dict[str, Any]:
    return _known({name: getattr(sidecar, name) for name in names})


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """Where the answer goes."""

    json: OnlyJson = False
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the result to a file too: .csv, .json or .nc (netCDF).", callback=_out
        ),
    ] = None


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """Make every field of a bundle an option of its own."""
    hints = get_type_hints(command, include_extras=True)
    bundles: dict[str, type[Any]] = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if name not in bundles:
            parameters.append(parameter.replace(annotation=hints[name]))
            continue
        own = get_type_hints(bundles[name], include_extras=True)
        parameters += [
            Parameter(
                spec.name, Parameter.KEYWORD_ONLY, default=spec.default, annotation=own[spec.name]
            )
            for spec in fields(bundles[name])
        ]

    @wraps(command)
    def run(**typed: Any) -> None:
        packed = {
            name: bundle(**{spec.name: typed.pop(spec.name) for spec in fields(bundle)})
            for name, bundle in bundles.items()
        }
        command(**typed, **packed)

    ordered = sorted(parameters, key=lambda parameter: parameter.kind)
    run.__signature__ = Signature(ordered)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    del run.__wrapped__
    return run
