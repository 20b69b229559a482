"""What a result says of where it came from, the network with its source's format and version."""

from __future__ import annotations

from collections.abc import Mapping

from rnnlens.engine.device.choice import chosen
from rnnlens.names import clauses, told
from rnnlens.network.arrays import Arrays
from rnnlens.network.axes import Constant
from rnnlens.network.layers import Recurrent
from rnnlens.network.network import Network, Origin, still_assumed
from rnnlens.results.provenance import provenance

__all__ = ["network_provenance", "starting_states", "unsure"]


def network_provenance(
    network: Network | Arrays,
    *,
    method: str,
    settings: Mapping[str, object] | None = None,
    extra: Mapping[str, object] | None = None,
) -> dict[str, str | int | float]:
    """Collect what a reader needs in order to make a result of a network again."""
    origin = network.origin
    where = {"device": device} if (device := chosen()) else {}
    return provenance(
        method=method,
        settings=settings,
        network_digest=origin.digest,
        network_format=" ".join(filter(None, [origin.format, origin.version])),
        network_path=origin.path,
        extra={**unsure(origin), **starting_states(network), **where, **(extra or {})},
    )


def starting_states(
    network: Network | Arrays, given: Mapping[str, object] | None = None
) -> dict[str, str]:
    """Say from which state the layers start whose source carries theirs from call to call."""
    if isinstance(network, Arrays):
        return {}
    constants = {node.name for node in network.nodes if isinstance(node.layer, Constant)}
    starts: dict[str, list[str]] = {}
    for node in network.nodes:
        if not isinstance(node.layer, Recurrent) or not node.layer.stateful:
            continue
        start = told("zeros")
        if node.name in (given or {}):
            start = told("the state given")
        elif len(node.inputs) > 1:
            read = all(name in constants for name, _ in node.inputs[1:])
            start = told("the states that are inputs")
            if read:
                start = told("the state as it was read")
        starts.setdefault(start, []).append(node.name)
    said = [
        told("{layers} from {start}", layers=" and ".join(names), start=start)
        for start, names in starts.items()
    ]
    return {"starts_from": clauses(said)} if said else {}


def unsure(origin: Origin) -> dict[str, str]:
    """Give what is assumed of a network and what is left out of it, where anything is."""
    said = {"assumed": still_assumed(origin), "left_out": origin.left_out}
    return {key: clauses(each) for key, each in said.items() if each}
