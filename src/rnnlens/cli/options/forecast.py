"""Which forecast is asked about, against what, and how it is split or put to the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from rnnlens.attribution.options import Effort, Target
from rnnlens.attribution.registry import METHODS
from rnnlens.cli.options.arguments import Of, budget_typed, names_typed
from rnnlens.cli.options.choices import BaselineName, MethodName, TrustedMethod

if TYPE_CHECKING:
    from rnnlens.series.sidecar import Sidecar

__all__ = [
    "BudgetOptions",
    "CheckOptions",
    "ExplainOptions",
    "ForecastOptions",
    "GateOptions",
    "TrustOptions",
]


@dataclass(frozen=True)
class CheckOptions:
    """Which forecast is looked at."""

    target: Annotated[str | None, typer.Option(help="The output to explain, by its name.")] = None
    horizon: Annotated[
        int | None,
        typer.Option(min=1, help="Which future step, where the network gives several."),
    ] = None

    of: Of = None

    @property
    def inputs(self) -> list[str] | None:
        """The inputs named, or None."""
        return names_typed(self.of)

    def target_of(self, sidecar: Sidecar) -> Target:
        """Give the target that was typed, or else the one that the sidecar states."""
        return Target(sidecar.target if self.target is None else self.target, self.horizon)


def _computed_on(context: typer.Context, name: str | None) -> str | None:
    """Compute on a device until the command ends."""
    if name:
        from rnnlens.api import on_device

        context.with_resource(on_device(name))
    return name


@dataclass(frozen=True)
class ForecastOptions(CheckOptions):
    """Which forecast is looked at, and against what."""

    baseline: Annotated[
        BaselineName | None, typer.Option(help="What stands in for a hidden input.")
    ] = None
    held: Annotated[
        str | None,
        typer.Option(help="Features that keep their values when others are hidden: a,b."),
    ] = None
    device: Annotated[
        str | None,
        typer.Option(
            callback=_computed_on,
            help="A device of PyTorch that recurrent layers are computed on, such as cuda; by "
            "default RNNLENS_DEVICE, or the kernels of this processor.",
            show_default=False,
        ),
    ] = None

    def baseline_of(self, sidecar: Sidecar, method: str | None = None) -> str | None:
        """Give the baseline that was typed, or else the sidecar's, where a method needs one."""
        if self.baseline is None and method in METHODS and not METHODS[method].hides:
            return None
        return sidecar.baseline if self.baseline is None else self.baseline

    @property
    def held_names(self) -> list[str] | None:
        """The features named, or None."""
        return names_typed(self.held)


@dataclass(frozen=True)
class GateOptions(ForecastOptions):
    """Which forecast is looked at, against what, and the gates of which layer."""

    layer: Annotated[
        str | None,
        typer.Option(help="The LSTM or GRU whose gates are asked about; the only one if left out."),
    ] = None

    @property
    def input(self) -> str | None:
        """The input named, or None."""
        named = self.inputs or []
        if len(named) > 1:
            raise typer.BadParameter(
                f"--of takes one input here, and {', '.join(named)} are {len(named)}"
            )
        return named[0] if named else None


@dataclass(frozen=True)
class ExplainOptions(ForecastOptions):
    """Which forecast is looked at, against what, and how it is split."""

    method: Annotated[MethodName | None, typer.Option(help="How forecasts are split.")] = None
    newest: Annotated[
        int | None, typer.Option(min=1, help="Lags that the tree takes one by one.")
    ] = None

    def method_of(self, sidecar: Sidecar) -> str | None:
        """Give the method that was typed, or else the one that the sidecar states."""
        return sidecar.method if self.method is None else self.method


@dataclass(frozen=True)
class BudgetOptions(ExplainOptions):
    """Which forecast is looked at, against what, how it is split, and what that may cost."""

    budget: Annotated[
        str | None,
        typer.Option(
            help="Cell evaluations that the answer may take, or a time: 30 s, 5 min; the method's "
            "own number if left out.",
            show_default=False,
        ),
    ] = None

    def effort(self) -> Effort:
        """Give what the answer may cost."""
        return Effort(budget=budget_typed(self.budget, "cell evaluations"))


@dataclass(frozen=True)
class TrustOptions(ForecastOptions):
    """Which forecast is looked at, against what, and which method is put to the test."""

    method: Annotated[TrustedMethod | None, typer.Option(help="The method that is tested.")] = None
    windows: Annotated[
        int | None, typer.Option(min=1, help="Windows to look at, evenly spaced.")
    ] = None
