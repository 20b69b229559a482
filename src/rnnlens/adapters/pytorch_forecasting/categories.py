"""Categories of a `RecurrentNetwork`: a column of 0 and 1 for each label, and what embeds them.

An embedding looks a category up in a table; the sum of the table's rows, each times the 0 or 1 of
its label, is the same vector, and says what each label contributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.adapters.pytorch_forecasting.facts import Facts
from rnnlens.series.variable import Variable

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = ["columns_of", "embedding_of", "sizes_of", "variables_of"]


def _tables(facts: Facts) -> list[tuple[tuple[str, ...], Any]]:
    """Give the columns that each table embeds, and the table: (label, number of its vector)."""
    groups = getattr(facts.model.hparams, "categorical_groups", None) or {}
    tables = facts.model.embeddings.embeddings
    return [(tuple(groups.get(name, [name])), one.weight) for name, one in tables.items()]


def sizes_of(facts: Facts, names: tuple[str, ...]) -> dict[str, int]:
    """Say how many labels each column of categories has."""
    sizes = {name: len(table) for columns, table in _tables(facts) for name in columns}
    return {name: sizes[name] for name in names}


def embedding_of(facts: Facts, names: tuple[str, ...]) -> torch.nn.Module | None:
    """Make what embeds the columns of 0 and 1 of some categories; None where there are none."""
    import torch

    if not names:
        return None
    tables = _tables(facts)
    wide, parts = sum(table.shape[1] for _, table in tables), []
    for name in names:
        place = 0
        for columns, table in tables:
            if name in columns:
                rows = torch.zeros(len(table), wide)
                rows[:, place : place + table.shape[1]] = table.detach()
                parts.append(rows)
            place += table.shape[1]
    whole = torch.cat(parts)
    made = torch.nn.Linear(*whole.shape, bias=False)
    made.weight = torch.nn.Parameter(whole.T.contiguous())
    return made


def variables_of(facts: Facts, dataset: Any, names: tuple[str, ...]) -> tuple[Variable, ...]:
    """Name the column of each label: ``weekday=Monday``."""
    return tuple(
        Variable(one) for name in names for one in _labels(dataset, name, sizes_of(facts, names))
    )


def _labels(dataset: Any, name: str, sizes: dict[str, int]) -> list[str]:
    known = {int(code): label for label, code in dataset.get_transformer(name).classes_.items()}
    return [f"{name}={known.get(code, f'({code})')}" for code in range(sizes[name])]


def columns_of(
    facts: Facts, dataset: Any, names: tuple[str, ...], into: pd.DataFrame
) -> pd.DataFrame:
    """Add the columns of 0 and 1 of each row of a dataset to a table of its rows."""
    codes, sizes = dataset.data["categoricals"].numpy(), sizes_of(facts, names)
    for name in names:
        own = codes[:, dataset.flat_categoricals.index(name)]
        for code, column in enumerate(_labels(dataset, name, sizes)):
            into[column] = (own == code).astype(np.float64)
    return into
