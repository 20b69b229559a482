"""Which number of the output a verb is about, where it is about one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnlens.attribution.options import Target, as_target
from rnnlens.errors import InputError

if TYPE_CHECKING:
    from rnnlens.api.shared.given.case import Case, NamedTarget

__all__ = ["one_target"]


def one_target(case: Case, given: Target | str | int | None) -> NamedTarget:
    """Resolve the target of a verb that answers for one number, on the output as it is."""
    asked = as_target(given)
    name, horizon = asked.name, asked.horizon
    if not isinstance(name, str | int | np.integer | None) or name == "all":
        raise _not_one("name", name)
    if not isinstance(horizon, int | np.integer | None):
        raise _not_one("horizon", horizon)
    if asked.logits is not None:
        raise InputError(
            "logits are explained by rnnlens.explain alone: leave logits out of the target"
        )
    return case.target(name, horizon, asked.output)


def _not_one(what: str, value: object) -> InputError:
    return InputError(
        f"one target is asked about here, but its {what} is {value!r}: give one, or ask of "
        "several with rnnlens.explain"
    )
