"""Windows mixed from explained ones and what stands in for them, run many at a time.

Every mixed window is run under the masks of the window it comes from: padding belongs to the
explained window, whatever its values are replaced by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rnnlens.attribution.baselines.baseline import Array
from rnnlens.engine.forward import Run, forward
from rnnlens.engine.operations.registry import Tape
from rnnlens.engine.schedule.plan import chunks
from rnnlens.errors import UnsupportedModel
from rnnlens.network.layers import Embedding, Identity, Masking
from rnnlens.network.layers.joined import Unjoin
from rnnlens.network.network import Network

__all__ = ["Mix", "flat_steps", "mixed_runs", "refuse_tokens"]

#: From the sample and the variant of each row to the row's window (row, step, feature).
Mix = Callable[[NDArray[np.int64], NDArray[np.int64]], Array]


def flat_steps(x: Array) -> Array:
    """Lay an input out as steps and features.

    Shapes: x (sample, step, ...) -> (sample, step, feature).

    Examples
    --------
    >>> import numpy as np
    >>> flat_steps(np.zeros((4, 7))).shape
    (4, 7, 1)
    """
    return x.reshape(*x.shape[:2], -1)


def mixed_runs(
    run: Run, of: str, variants: int, mix: Mix, *, samples: NDArray[np.int64] | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Run]]:
    """Run several variants of each window, as many at once as memory allows."""
    network = run.network
    shapes = {name: run.value((name, 0)).shape for name in network.inputs}
    chosen = np.arange(shapes[of][0]) if samples is None else samples
    count = len(chosen) * variants
    if count == 0:
        return
    blank = {n: np.broadcast_to(np.zeros(()), (count, *s[1:])) for n, s in shapes.items()}
    for chunk in chunks(network, blank, runs=3):
        place, variant = np.divmod(np.arange(count)[chunk], variants)
        which = chosen[place]
        inputs = {name: run.value((name, 0))[which] for name in network.inputs if name != of}
        inputs[of] = mix(which, variant).reshape(len(which), *shapes[of][1:])
        yield which, variant, forward(network, inputs, masks_of=_masks(run, which))


def _masks(run: Run, which: NDArray[np.int64]) -> Run:
    """Give the masks of some windows of a run, in the form in which a run takes them."""
    tapes = {}
    for node in run.network.nodes:
        if isinstance(node.layer, Masking | Embedding):
            mask = run.tapes[node.name].masks[0]
            # a mask may be shared by all samples
            if mask is not None and len(mask) > 1:
                mask = mask[which]
            tapes[node.name] = Tape((), (), (mask,))
    return Run(run.network, tapes)


def refuse_tokens(network: Network, of: str, method: str) -> None:
    """Refuse an input that is looked up in a table: between two tokens there is no way."""
    same = {of: of}
    for node in network.nodes:
        taken = [same[name] for name, _ in node.inputs if name in same]
        if not taken:
            continue
        if isinstance(node.layer, Identity):
            same[node.name] = taken[0]
        elif isinstance(node.layer, Unjoin):
            same[node.name] = node.name
        elif isinstance(node.layer, Embedding):
            raise UnsupportedModel(
                f"{method} needs inputs that can change a little, but input {taken[0]!r} holds "
                f"tokens that {node.name!r} looks up in a table: use method 'secant'"
            )
