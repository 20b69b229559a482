"""What a result says of where it came from, the network with its source's format and version."""

from __future__ import annotations

from collections.abc import Mapping

from rnnlens.network.arrays import Arrays
from rnnlens.network.network import Network, Origin, still_assumed
from rnnlens.results.provenance import provenance

__all__ = ["network_provenance", "unsure"]


def network_provenance(
    network: Network | Arrays,
    *,
    method: str,
    settings: Mapping[str, object] | None = None,
    extra: Mapping[str, object] | None = None,
) -> dict[str, str | int | float]:
    """Collect what a reader needs in order to make a result of a network again."""
    origin = network.origin
    return provenance(
        method=method,
        settings=settings,
        network_digest=origin.digest,
        network_format=" ".join(filter(None, [origin.format, origin.version])),
        network_path=origin.path,
        extra={**unsure(origin), **(extra or {})},
    )


def unsure(origin: Origin) -> dict[str, str]:
    """Give what is assumed of a network and what is left out of it, where anything is."""
    said = {"assumed": still_assumed(origin), "left_out": origin.left_out}
    return {key: "; ".join(clauses) for key, clauses in said.items() if clauses}
