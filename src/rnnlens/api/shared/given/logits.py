"""Whether a network is explained on what it gives, or on what its last activation takes."""

from __future__ import annotations

from dataclasses import replace

from rnnlens.api.shared.given.case import Case
from rnnlens.errors import DataError
from rnnlens.network.logits import LOGITS, before_activation, last_activation

__all__ = ["on_logits"]


def on_logits(case: Case, output: int | str, logits: bool | None) -> tuple[Case, str]:
    """Leave the last activation out where classes are explained; say what is explained."""
    number = case.output_number(output)
    last = last_activation(case.network, number)
    if logits is None:
        scaled = case.windows is not None and number == 0
        logits = "softmax" in last or (last in LOGITS and not scaled)
    elif logits and last not in LOGITS:
        raise DataError(
            f"the network ends in {last}, which makes no probabilities: logits are what "
            f"{', '.join(LOGITS)} are taken of"
        )
    if not logits:
        return case, "output"
    each = {
        name: replace(one, network=before_activation(one.network, number))
        for name, one in case.each.items()
    }
    return replace(case, network=before_activation(case.network, number), each=each), "logits"
