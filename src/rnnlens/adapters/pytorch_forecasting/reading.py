"""The module of a fitted `RecurrentNetwork`, laid out for its windows.

It takes the target one step behind the columns that are known ahead: at each step the network is
told what was observed just before, and from the end of its window on what it has itself forecast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.adapters.live import LiveModel
from rnnlens.adapters.pytorch_forecasting.facts import KNOWN, PAST, STATIC, WHAT, WINDOW, Facts
from rnnlens.adapters.versions import named
from rnnlens.names import told

if TYPE_CHECKING:
    import torch

    from rnnlens.readers.options import ReadOptions

__all__ = ["TAKES", "WHAT", "read"]

TAKES: frozenset[str] = frozenset()


def read(source: object, options: ReadOptions) -> LiveModel:
    """Say which module computes the forecast of all horizons, and on what it is called."""
    import torch

    facts = Facts.of(source)
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.as_tensor(rng.normal(size=(2, *shape)), dtype=torch.float32)

    example = {PAST: drawn(facts.steps, 1)}
    if facts.known:
        example[KNOWN] = drawn(facts.steps - 1 + facts.horizons, len(facts.known))
    if facts.static:
        example[STATIC] = drawn(len(facts.static))
    notes = []
    if facts.scaled:
        example[WINDOW] = drawn(2).abs() + 0.5  # a scale is above zero
        notes.append(
            told(
                "each window is scaled by a center and a scale of its own, or of its series, which "
                "are the input {window}; what {past} cannot reach may still move the forecast "
                "through them",
                window=repr(WINDOW),
                past=repr(PAST),
            )
        )
    return LiveModel(
        module=_module_of(facts).eval(),
        example=example,
        library=named("pytorch-forecasting"),
        name=type(facts.model).__name__,
        notes=tuple(notes),
    )


def _module_of(facts: Facts) -> torch.nn.Module:
    """Make the module that takes the inputs by their names here."""
    import torch

    center, scale = (0.0, 1.0) if facts.scaled else facts.both

    class Forecast(torch.nn.Module):
        """What pytorch-forecasting's own module forecasts: (sample, horizon, 1)."""

        def __init__(self) -> None:
            super().__init__()
            self.rnn = _plain(facts.model.rnn)
            self.output_projector = facts.model.output_projector

        def forward(
            self,
            past: torch.Tensor,
            time_varying_known_reals: torch.Tensor | None = None,
            static_reals: torch.Tensor | None = None,
            target_scale: torch.Tensor | None = None,
        ) -> torch.Tensor:
            shift = center if target_scale is None else target_scale[:, None, :1]
            stretch = scale if target_scale is None else target_scale[:, None, 1:]
            still = _still(facts, static_reals, target_scale)
            fed, state, made = past, None, []
            for k in range(facts.horizons):
                # the window with the first step ahead, then a step at a time
                end = facts.steps + k
                now = slice(0 if k == 0 else end - 1, end)
                known = time_varying_known_reals
                columns = _laid_out(facts, fed, None if known is None else known[:, now], still)
                hidden, state = self.rnn(columns, state)
                fed = self.output_projector(hidden[:, -1:])
                forecast = fed * stretch + shift
                if facts.cut_at_zero:
                    forecast = torch.relu(forecast)
                    fed = (forecast - shift) / stretch
                made.append(forecast)
            return torch.cat(made, dim=1)

    return Forecast()


def _plain(rnn: torch.nn.Module) -> torch.nn.RNNBase:
    """Give the recurrent layers as PyTorch's own class of them, with the same weights."""
    import torch

    assert isinstance(rnn, torch.nn.RNNBase)
    kind = torch.nn.LSTM if isinstance(rnn, torch.nn.LSTM) else torch.nn.GRU
    made = kind(
        rnn.input_size, rnn.hidden_size, rnn.num_layers, batch_first=True, dtype=torch.float32
    )
    made.load_state_dict(rnn.state_dict())
    return made


def _still(
    facts: Facts, static: torch.Tensor | None, scale: torch.Tensor | None
) -> dict[str, torch.Tensor]:
    """Give the columns that do not change in time, each (sample, 1, 1)."""
    columns = {}
    if static is not None:
        for k, name in enumerate(facts.static):
            columns[name] = static[:, None, k : k + 1]
    if scale is not None:
        for name in facts.scales:
            place = int(name == f"{facts.target}_scale")
            slope, offset = facts.scale_line(name)
            columns[name] = scale[:, None, place : place + 1] * slope + offset
    return columns


def _laid_out(
    facts: Facts, target: torch.Tensor, known: torch.Tensor | None, still: dict[str, torch.Tensor]
) -> torch.Tensor:
    """Lay the columns of some steps out in the order in which the model was fitted on them."""
    import torch

    columns = []
    for name in facts.model.hparams.x_reals:
        if name == facts.target:
            columns.append(target)
        elif name in still:
            columns.append(still[name].expand(-1, target.shape[1], -1))
        else:
            assert known is not None
            place = facts.known.index(name)
            columns.append(known[..., place : place + 1])
    return columns[0] if len(columns) == 1 else torch.cat(columns, dim=2)
