"""The module of a fitted `RecurrentNetwork`, laid out for its windows.

It takes the targets one step behind the columns that are known ahead: at each step the network is
told what was observed just before, and from the end of its window on what it has itself forecast.
Lags of the targets are columns of earlier observations, which the window reaches back to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.adapters.live import LiveModel, laid_out, scaled_note
from rnnlens.adapters.pytorch_forecasting.categories import embedding_of, sizes_of
from rnnlens.adapters.pytorch_forecasting.facts import (
    KNOWN,
    KNOWN_CATEGORICALS,
    PAST,
    STATIC,
    STATIC_CATEGORICALS,
    WHAT,
    WINDOW,
    Facts,
)
from rnnlens.names import told

if TYPE_CHECKING:
    import torch

    from rnnlens.readers.options import ReadOptions

__all__ = ["TAKES", "WHAT", "read"]

TAKES: frozenset[str] = frozenset()


def read(source: object, options: ReadOptions) -> LiveModel:
    """Say which module computes the forecast of all horizons, and on what it is called."""
    facts = Facts.of(source)
    ahead = facts.steps - 1 + facts.horizons
    shapes = {
        PAST: (facts.before + facts.steps, len(facts.targets)),
        KNOWN: (ahead, len(facts.known)),
        KNOWN_CATEGORICALS: (ahead, sum(sizes_of(facts, facts.known_categoricals).values())),
        STATIC: (len(facts.static),),
        STATIC_CATEGORICALS: (sum(sizes_of(facts, facts.static_categoricals).values()),),
        WINDOW: (2 * len(facts.targets) if facts.scaled else 0,),
    }
    by = told("a center and a scale of its own, or of its series")
    notes = (scaled_note(by, WINDOW, PAST),) if facts.scaled else ()
    name = type(facts.model).__name__
    return laid_out(_module_of(facts), shapes, "pytorch-forecasting", name, notes)


def _module_of(facts: Facts) -> torch.nn.Module:
    """Make the module that takes the inputs by their names here."""
    import torch

    projectors = facts.model.output_projector

    class Forecast(torch.nn.Module):
        """What pytorch-forecasting's own module forecasts: (sample, horizon, target)."""

        def __init__(self) -> None:
            super().__init__()
            self.rnn = _plain(facts.model.rnn)
            several = isinstance(projectors, torch.nn.ModuleList)
            self.projectors = projectors if several else torch.nn.ModuleList([projectors])
            self.known_table = embedding_of(facts, facts.known_categoricals)
            self.static_table = embedding_of(facts, facts.static_categoricals)

        def forward(
            self,
            past: torch.Tensor,
            time_varying_known_reals: torch.Tensor | None = None,
            time_varying_known_categoricals: torch.Tensor | None = None,
            static_reals: torch.Tensor | None = None,
            static_categoricals: torch.Tensor | None = None,
            target_scale: torch.Tensor | None = None,
        ) -> torch.Tensor:
            still = _still(facts, static_reals, target_scale)
            known, tables = time_varying_known_reals, []
            if self.static_table is not None:
                tables.append(self.static_table(static_categoricals)[:, None])
            if self.known_table is not None:
                tables.append(self.known_table(time_varying_known_categoricals))
            fed, state, made = past[:, facts.before :], None, []
            for k in range(facts.horizons):
                # the window with the first step ahead, then a step at a time
                now = slice(0 if k == 0 else facts.steps + k - 1, facts.steps + k)
                columns = _laid_out(facts, (past, fed, known), still, now)
                columns = _embedded(columns, tables, now)
                hidden, state = self.rnn(columns, state)
                scaled = [one(hidden[:, -1:]) for one in self.projectors]
                both = [
                    _behind(facts, one, which, target_scale) for which, one in enumerate(scaled)
                ]
                made.append(_joined([one for one, _ in both]))
                fed = _joined([one for _, one in both])
            return torch.cat(made, dim=1)

    return Forecast()


def _joined(columns: list[torch.Tensor]) -> torch.Tensor:
    import torch

    return columns[0] if len(columns) == 1 else torch.cat(columns, dim=2)


def _behind(
    facts: Facts, scaled: torch.Tensor, k: int, scale: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the forecast of a target in its own unit, and what is fed back of it."""
    import torch

    shift: torch.Tensor | float
    stretch: torch.Tensor | float
    if scale is None:
        shift, stretch = facts.shared(k)
    else:
        place = len(facts.targets) + k
        shift, stretch = scale[:, None, k : k + 1], scale[:, None, place : place + 1]
    forecast = scaled * stretch + shift
    if not facts.cut_at_zero[k]:
        return forecast, scaled
    forecast = torch.relu(forecast)
    return forecast, (forecast - shift) / stretch


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
        for name, place in facts.scales.items():
            slope, offset = facts.scale_line(name)
            columns[name] = scale[:, None, place : place + 1] * slope + offset
    return columns


def _laid_out(
    facts: Facts,
    moving: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None],
    still: dict[str, torch.Tensor],
    now: slice,
) -> torch.Tensor:
    """Lay the columns of some steps out in the order in which the model was fitted on them.

    `moving` are the observations, the targets of the step before each, and what is known.
    """
    past, fed, known = moving
    columns = []
    for name in facts.model.hparams.x_reals:
        if name in facts.targets:
            place = facts.targets.index(name)
            columns.append(fed if len(facts.targets) == 1 else fed[..., place : place + 1])
        elif name in facts.lagged:
            place, lag = facts.lagged[name]
            first = facts.before + 1 - lag
            columns.append(past[:, first + now.start : first + now.stop, place : place + 1])
        elif name in still:
            columns.append(still[name].expand(-1, fed.shape[1], -1))
        else:
            assert known is not None
            place = facts.known.index(name)
            columns.append(known[:, now, place : place + 1])
    return _joined(columns)


def _embedded(columns: torch.Tensor, tables: list[torch.Tensor], now: slice) -> torch.Tensor:
    """Put the vectors of the categories behind the columns of numbers."""
    if not tables:
        return columns
    parts = [
        one.expand(-1, columns.shape[1], -1) if one.shape[1] == 1 else one[:, now] for one in tables
    ]
    return _joined([columns, parts[0] if len(parts) == 1 else parts[0] + parts[1]])
