"""The module of a fitted model of darts, laid out for its windows."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from rnnlens.adapters.darts.facts import FUTURE, PAST, STATIC, WHAT, WINDOW, Facts
from rnnlens.adapters.live import LiveModel, laid_out
from rnnlens.names import told

if TYPE_CHECKING:
    import torch

    from rnnlens.readers.options import ReadOptions

__all__ = ["TAKES", "WHAT", "read"]

TAKES: frozenset[str] = frozenset()


def read(source: object, options: ReadOptions) -> LiveModel:
    """Say which module computes the forecast of one chunk, and on what it is called.

    ``RNNModel`` gives its next step, from the target up to now and future covariates one step
    ahead. With reversible instance normalisation the module takes the normalised target, and the
    mean and spread of the window as numbers of their own: they bring the forecast back.
    """
    facts = Facts.of(source)
    notes: tuple[str, ...] = ()
    if facts.recurrent:
        notes = (
            told(
                "the forecast is that of the next step; later ones are made by feeding forecasts "
                "back"
            ),
        )
    shapes = {
        PAST: (facts.steps, facts.components + facts.past),
        FUTURE: (facts.steps + (0 if facts.recurrent else facts.horizons), facts.future),
        STATIC: (facts.static[0] * facts.static[1],),
        WINDOW: (2 * facts.components if facts.normalised else 0,),
    }
    return laid_out(_module_of(facts), shapes, "darts", type(source).__name__, notes)


def _module_of(facts: Facts) -> torch.nn.Module:
    """Make the module that takes the inputs by their names here."""
    import torch

    class Forecast(torch.nn.Module):
        """What darts' own module forecasts: (sample, horizon, component)."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = facts.module

        def forward(
            self,
            past: torch.Tensor,
            future_covariates: torch.Tensor | None = None,
            static_covariates: torch.Tensor | None = None,
            window: torch.Tensor | None = None,
        ) -> torch.Tensor:
            normal = getattr(self.inner, "rin", None) if window is not None else None
            target, covariates = past[..., : facts.components], past[..., facts.components :]
            if normal is not None and normal.affine:
                target = target * normal.affine_weight + normal.affine_bias
            made = _called(
                facts, self.inner, (target, covariates, future_covariates, static_covariates)
            )
            made = made[:, -facts.horizons :]
            if normal is not None and window is not None:
                if normal.affine:
                    weight = normal.affine_weight + normal.eps * normal.eps
                    made = (made - normal.affine_bias[:, None]) / weight[:, None]
                mean, spread = window[:, : facts.components], window[:, facts.components :]
                made = made * spread[:, None, :, None] + mean[:, None, :, None]
            return made if facts.quantiles > 1 else made[..., 0]

    return Forecast()


def _called(facts: Facts, module: Any, given: tuple[torch.Tensor | None, ...]) -> torch.Tensor:
    """Call darts' module as its version wants it: -> (sample, step, component, parameter)."""
    import torch

    # without what darts puts around it: the normalisation of each window by itself
    forward = inspect.unwrap(type(module).forward)
    target, past, future, static = given
    historic = None
    if future is not None:
        historic, future = (
            (future, None)
            if facts.recurrent
            else (future[:, : facts.steps], future[:, facts.steps :])
        )
    past = past if facts.past else None
    if static is not None:
        static = static.reshape(-1, *facts.static)
    taken = _input_class()
    if taken is not None:
        made = forward(
            module,
            taken(
                past_target=target,
                past_covariates=past,
                historic_future_covariates=historic,
                future_covariates=future,
                static_covariates=static,
            ),
        )
        return made.prediction
    x = torch.cat([one for one in (target, past, historic) if one is not None], dim=2)
    mixed = any(kind.__name__ == "PLMixedCovariatesModule" for kind in type(module).__mro__)
    made = forward(module, (x, future, static) if mixed else (x, static))
    return made[0] if facts.recurrent else made


def _input_class() -> Any:
    """Give the class of what a module is called with; None in versions that take tuples."""
    try:
        from darts.utils.data.torch_datasets import utils  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return getattr(utils, "PLModuleInput", None)
