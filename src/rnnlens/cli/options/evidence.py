"""What is asked of each lag, and what a certificate is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.attribution.options import Target
from rnnlens.cli.options.archives import DrawOptions
from rnnlens.cli.options.arguments import Of, budget_typed, names_typed
from rnnlens.cli.options.choices import Correction, Loss, RowsBy, SamplerName
from rnnlens.evidence.options import Certificates, Test

if TYPE_CHECKING:
    from rnnlens.evidence.proof.stated_ranges import Span
    from rnnlens.series.sidecar import Sidecar

__all__ = [
    "BoxBudget",
    "CertifyOptions",
    "LagsOptions",
    "Range",
    "Tolerance",
    "certificates_typed",
    "ranges_typed",
    "whole_numbers",
]

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
BoxBudget = Annotated[
    str | None,
    typer.Option(
        help="Boxes that a question may take, 2000 if left out; or a time that all certificates "
        "may take together, as '30 s' or '5 min': what was not come to is said.",
        show_default=False,
    ),
]
Deviation = Annotated[
    float,
    typer.Option(
        help="By how much the model's own framework was seen to differ, in the forecast's unit; "
        "twice this is added to every bound."
    ),
]


@dataclass(frozen=True)
class LagsOptions(DrawOptions):
    """What is asked of each lag: tests over the data set and certificates."""

    by: Annotated[RowsBy, typer.Option(help="What the rows are.")] = "lag"
    margin: Annotated[
        float | None,
        typer.Option(
            help="Change of the mean error that does not matter, in the forecast's unit (its "
            "square with --loss squared); 1 % of the mean error if left out.",
            show_default=False,
        ),
    ] = None
    loss: Annotated[Loss, typer.Option(help="How errors are weighed.")] = "absolute"
    alpha: Annotated[float, typer.Option(help="Chance of a wrong verdict.")] = 0.05
    correction: Annotated[Correction, typer.Option(help="Of p-values for the number of rows.")] = (
        "holm"
    )
    sampler: Annotated[
        SamplerName, typer.Option(help="What hidden inputs are drawn from, given the rest.")
    ] = "auto"
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
    budget: BoxBudget = None
    deviation: Deviation = 0.0

    def certificates(self) -> Certificates:
        """Give what is asked of certificates."""
        return Certificates(
            windows=self.windows,
            range=ranges_typed(self.range),
            tolerance=self.tolerance,
            budget=budget_typed(self.budget, "boxes"),
            together=self.together,
            deviation=self.deviation,
        )

    def tests(self) -> Test:
        """Give what is asked of the tests over the data set."""
        return Test(
            loss=self.loss,
            correction=self.correction,
            sampler=self.sampler,
            block_length=self.block_length,
            replacements=self.replacements,
            hiding=self.test,
        )


@dataclass(frozen=True)
class CertifyOptions:
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
    budget: BoxBudget = None
    deviation: Deviation = 0.0
    of: Of = None

    @property
    def inputs(self) -> list[str] | None:
        """The inputs named, or None."""
        return names_typed(self.of)

    def target_of(self, sidecar: Sidecar) -> Target:
        """Give the target that was typed, or else the one that the sidecar states."""
        return Target(sidecar.target if self.target is None else self.target, self.horizon)

    @property
    def feature_names(self) -> list[str] | None:
        """The features named, or None."""
        return names_typed(self.feature)

    def certificates(self) -> Certificates:
        """Give what is asked of certificates."""
        return Certificates(
            range=ranges_typed(self.range),
            tolerance=self.tolerance,
            budget=budget_typed(self.budget, "boxes"),
            deviation=self.deviation,
        )

    @property
    def lags(self) -> list[int]:
        """The lags named."""
        return whole_numbers(self.lag)


def certificates_typed(
    ranges: str | None, tolerance: float | None, budget: str | None
) -> Certificates:
    """Give what is asked of certificates, as it is typed."""
    return Certificates(
        range=ranges_typed(ranges), tolerance=tolerance, budget=budget_typed(budget, "boxes")
    )


def ranges_typed(text: str | None) -> Span | dict[str, Span] | None:
    """Read ranges as they are typed."""
    if text is None:
        return None
    if "=" in text:
        pairs = [part.partition("=") for part in text.split(";") if part.strip()]
        return {name.strip(): _ends(value) for name, _, value in pairs}
    return _ends(text)


def _ends(text: str) -> Span:
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
    lags: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdigit() and (last.isdigit() or not dash)):
            raise typer.BadParameter(f"--lag takes 5, or 1,2,5, or 1-12; not {text}")
        lags += range(int(first), int(last or first) + 1)
    return lags
