"""Tables that are joined must have rows at one step, unless values are said to hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rnnlens.errors import DataError
from rnnlens.series.axis import step_written
from rnnlens.series.joint.inputs import main_input

if TYPE_CHECKING:
    from rnnlens.series.joint.inputs import SidecarInput
    from rnnlens.series.sidecar import Sidecar
    from rnnlens.series.tables.table import Table

__all__ = ["refuse_other_steps"]

#: Share of its gaps that are of one length, from which on a table has a step.
STEADY = 0.5


def refuse_other_steps(
    tables: Sequence[Table], inputs: Sequence[SidecarInput], sidecar: Sidecar
) -> None:
    """Refuse an input whose table has rows at another step than that of the main series."""
    main = main_input(inputs)
    steps = [_step(table) for table in tables]
    owner = {
        variable.source: number
        for number, table in enumerate(tables)
        for one in inputs
        for variable in one.features
        if variable.source in table.numbers or variable.source in table.texts
    }
    own = next((steps[owner[each.source]] for each in main.features if each.source in owner), None)
    own = sidecar.step_length or own
    for one in inputs:
        for variable in one.features:
            step = steps[owner[variable.source]] if variable.source in owner else None
            if step is None or own is None or step == own:
                continue
            if step > own and variable.column.missing is not None:
                continue
            table = tables[owner[variable.source]]
            if step < own:
                raise DataError(
                    f"{table.where} has a row every {step_written(step)}, where the series "
                    f"{main.name!r} has one every {step_written(own)}: leave in it the rows at the "
                    "times of the series"
                )
            raise DataError(
                f"{table.where} has a row every {step_written(step)}, where the series "
                f"{main.name!r} has one every {step_written(own)}, so {variable.name} of "
                f"{one.name!r} has no value in most of its rows: bring both to one step, or say "
                'in its line that a value holds, missing = "hold" with limit = '
                f"{max(1, int(step / own))}"
            )


def _step(table: Table) -> np.timedelta64 | None:
    """Give the time between most rows of a table; None where there is none."""
    if table.times is None or len(table) < 3:
        return None
    apart = np.diff(table.times)
    if table.groups is not None:
        apart = apart[table.groups[1:] == table.groups[:-1]]
    if not len(apart):
        return None
    lengths, counts = np.unique(apart, return_counts=True)
    most = counts.argmax()
    return lengths[most] if counts[most] >= STEADY * len(apart) else None
