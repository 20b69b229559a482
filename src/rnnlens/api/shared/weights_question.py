"""What is asked of weights over data, and which networks it can be asked of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.api.shared.given.target import one_target
from rnnlens.api.shared.memory_question import question_of, refuse_without_memory
from rnnlens.attribution.options import as_target
from rnnlens.dynamics.weights.summary import layers_once
from rnnlens.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.attribution.options import Target
    from rnnlens.dynamics.memory.question import MemoryQuestion
    from rnnlens.network.network import Network
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["WeightsAsked", "asked_of_weights", "refuse_of_other_kinds", "refuse_without_cells"]


@dataclass(frozen=True, eq=False)
class WeightsAsked:
    """The windows over which units are looked at, and the forecast that they influence."""

    case: Case
    named: NamedTarget

    @property
    def network(self) -> Network:
        """The network as the case has it, its padding turned."""
        return self.case.network

    @property
    def question(self) -> MemoryQuestion:
        """What is asked."""
        return question_of(self.case, self.named)


def asked_of_weights(
    network: Network,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    target: Target | str | int | None,
    of: str | Sequence[str] | None,
) -> WeightsAsked:
    """Check the windows and the target."""
    case = make_case(network, X, of, output=as_target(target).output)
    return WeightsAsked(case, one_target(case, target))


def refuse_without_cells(network: Network) -> None:
    """Refuse a network in which nothing recurs, or whose cells have no gates of a name."""
    refuse_without_memory(network)
    if not layers_once(network):
        raise InputError(
            "no recurrent layer's cell has a name, so it is not known which array is which gate: "
            "ask rnnlens.trace what its activations do"
        )


def refuse_of_other_kinds(network: Network, other: Network) -> None:
    """Refuse two networks whose recurrent layers are not of the same kinds, one by one."""
    kinds = [
        ", ".join(f"{name} ({layer.cell.kind})" for name, layer in layers_once(one).items())
        for one in (network, other)
    ]
    cells = [[layer.cell.kind for layer in layers_once(one).values()] for one in (network, other)]
    if cells[0] != cells[1]:
        raise InputError(
            "two networks are compared layer by layer, but the recurrent layers of the first are "
            f"{kinds[0]} and those of the other {kinds[1]}: ask rnnlens.summarize_weights of each"
        )
