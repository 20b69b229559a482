"""Which numbers of the output a whole archive is explained for: one, or several side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnlens.api.shared.each_target import several, targets_asked
from rnnlens.api.shared.reach import about_reach
from rnnlens.attribution.baselines.undefined import refuse_undefined

if TYPE_CHECKING:
    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.attribution.baselines.baseline import Baseline
    from rnnlens.attribution.options import Target
    from rnnlens.series.windows import Windows

__all__ = ["Targets", "targets_of"]


@dataclass(frozen=True, eq=False)
class Targets:
    """What is explained of every window, and the axes of the result that it lies along.

    Parameters
    ----------
    each : tuple of NamedTarget
        Every number of the output; all targets of a horizon together.
    along : dict of str to list
        Horizons, and names of targets, where several were asked for.
    """

    each: tuple[NamedTarget, ...]
    along: dict[str, list[Any]]

    @property
    def name(self) -> str:
        """What is explained, for people."""
        named = self.along.get("target") or [one.name for one in self.each]
        return ", ".join(dict.fromkeys(named))

    @property
    def unit(self) -> str:
        """The unit of all, or their units."""
        return ", ".join(dict.fromkeys(one.unit for one in self.each))

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the numbers, as plain data."""
        every = [
            {
                "name": one.name,
                "index": [int(k) for k in one.resolved.index],
                "output": one.resolved.output,
                "scale": one.resolved.scale,
                "offset": one.resolved.offset,
            }
            for one in self.each
        ]
        return {"targets": every, "along": self.along}

    def leads(self, windows: Windows) -> list[int] | None:
        """Give the lead of each; None where nothing states those of the network's horizons."""
        known = windows.targets
        if any(one.name not in known for one in self.each):
            return None
        return [windows.lead_of(known.index(one.name)) for one in self.each]

    def reach(self, case: Case) -> dict[str, str]:
        """Say which newest steps are not seen: of all alike, or of each that does not see them."""
        said = [about_reach(*case.unjoined, one.resolved, carried=False) for one in self.each]
        if all(one == said[0] for one in said):
            return said[0]
        named = zip(self.each, said, strict=True)
        return {"cut_off": "; ".join(f"{t.name}: {s['cut_off']}" for t, s in named if s)}

    def refuse_undefined(self, case: Case, baseline: Baseline) -> None:
        """Refuse a baseline for which one of them is no number."""
        for one in self.each:
            refuse_undefined(case.question(one.resolved, baseline))


def targets_of(case: Case, asked: Target, *, logits: bool) -> Targets:
    """Find what is asked for among the numbers of the output, or of its logits."""
    names, steps = targets_asked(case, asked)
    along: dict[str, list[Any]] = {}
    if several(asked.horizon):
        # an output without an axis of horizons is the first of them
        along["horizon"] = [1 if step is None else int(step) for step in steps]
    if several(asked.name):
        along["target"] = [case.called(name, asked.output) for name in names]
    found = [case.target(name, step, asked.output) for step in steps for name in names]
    return Targets(tuple(one.on_logits() if logits else one for one in found), along)
