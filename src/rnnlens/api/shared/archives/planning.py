"""From a network and an archive to what is asked of every block."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnlens.api.shared.given.baselines import about_baseline, usual_baseline
from rnnlens.api.shared.given.joint.baselines import baseline_of
from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.api.shared.given.logits import on_logits
from rnnlens.api.shared.given.network_given import as_network
from rnnlens.api.shared.reach import about_reach
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.baselines.grouped import CALENDAR
from rnnlens.attribution.options import as_target
from rnnlens.attribution.registry import METHODS as KNOWN
from rnnlens.bulk.blocks import Grid
from rnnlens.bulk.job import (
    Job,
    Manifest,
    baseline_digest,
    kept_baseline,
    network_digest,
    read_manifest,
    versions,
)
from rnnlens.bulk.looks.first import fingerprint, looked_at
from rnnlens.bulk.methods import METHODS
from rnnlens.bulk.sketches import checked_groupings
from rnnlens.bulk.sources.open import open_source, settled
from rnnlens.bulk.windows import Cutter
from rnnlens.engine.device.choice import chosen
from rnnlens.errors import DataError, InputError
from rnnlens.series.sidecar import Sidecar
from rnnlens.writers.native import write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import ArrayLike

    from rnnlens.api.shared.given.case import Case, NamedTarget
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Effort, Target
    from rnnlens.bulk.options import Blocks
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["ArchiveQuestion", "Plan", "planned"]

#: Baselines that are made from the windows that are looked at.
OF_WINDOWS = ("mean", "background")


@dataclass(frozen=True, eq=False, kw_only=True)
class ArchiveQuestion:
    """What `rnnlens.explain_archive` was asked; its parameters are those of that verb."""

    net: NetworkLike
    archive: str | PathLike[str]
    sidecar: Sidecar | str | PathLike[str] | None
    target: Target | str | int | None
    method: str
    baseline: str | ArrayLike | None
    held: Sequence[str] | None
    effort: Effort
    blocks: Blocks


class Plan(NamedTuple):
    """What is asked of every block, and what is said of the whole.

    Parameters
    ----------
    job : Job
        What is asked of every block.
    network : bytes
        The network as it is kept with the result.
    target : NamedTarget
        What is explained.
    about : dict
        What the result says of itself.
    held : tuple of str
        Features that keep their values.
    case : Case
        The windows that were looked at first.
    """

    job: Job
    network: bytes
    target: NamedTarget
    about: dict[str, Any]
    held: tuple[str, ...]
    case: Case


def planned(question: ArchiveQuestion, out: Path | None = None) -> Plan:
    """Look at an archive, and settle what is asked of every block of it.

    Where a result was begun at `out`, the same windows are looked at as then.
    """
    if question.method not in METHODS:
        raise InputError(
            f"method {question.method!r} explains windows in a way that depends on the others, "
            f"or not by lag and feature: an archive is explained by one of {', '.join(METHODS)}"
        )
    sidecar = settled(question.sidecar)
    source = open_source(question.archive, sidecar)
    cutter = Cutter.of(source, sidecar)
    checked_groupings(cutter, question.blocks.by)
    begun = read_manifest(out) if out is not None and out.exists() else None
    look = looked_at(cutter, None if begun is None else begun.asked["data"])
    case, target, explained_on = _case(question, look.windows)
    baseline, held = _baseline(case, question, look.windows)
    if look.lost and out is not None:
        baseline = _as_begun(baseline, out)
    network, numbers = write(case.network).data, sidecar.window * len(sidecar.features)
    asked_of_all = {
        "network": network_digest(network),
        "settings": _settings(question, case, target, baseline)
        | {"held": list(held), "sidecar": sidecar.to_toml()},
        "data": fingerprint(cutter, look),
        "versions": versions(),
        "blocks": asdict(Grid.of(source.count, source.rows, question.blocks.windows_of(numbers))),
    }
    manifest = Manifest(asked_of_all, str(Path(question.archive).resolve()))
    about = {
        "target": target.name,
        "unit": target.unit,
        "held": held,
        "explained_on": explained_on,
        "archive": Path(question.archive).name,
        "windows_looked_at": len(look.windows),
        **about_reach(*case.unjoined, target.resolved, carried=False),
        **(about_baseline(case, baseline, None) if KNOWN[question.method].hides else {}),
    }
    return Plan(Job(manifest, case.network, baseline, cutter), network, target, about, held, case)


def _case(question: ArchiveQuestion, sample: Windows) -> tuple[Case, NamedTarget, str]:
    """Give the network with the windows that were looked at, the target, and what of it."""
    precision, asked = question.effort.precision, as_target(question.target)
    net = _of_one_sequence(as_network(question.net, sample))
    whole = make_case(net, sample, None, precision, several=True, output=asked.output)
    case, explained_on = on_logits(_unpadded(whole), asked.output, asked.logits)
    target = _target(case, asked)
    return case, target.on_logits() if explained_on == "logits" else target, explained_on


def _settings(
    question: ArchiveQuestion, case: Case, target: NamedTarget, baseline: Baseline
) -> dict[str, Any]:
    """Give what decides the numbers, as plain data."""
    resolved = target.resolved
    return {
        "method": question.method,
        "target": {
            "name": target.name,
            "index": [int(k) for k in resolved.index],
            "output": resolved.output,
            "scale": resolved.scale,
            "offset": resolved.offset,
        },
        "baseline": baseline.text,
        "held": [],
        "of": case.of,
        "input_shape": list(case.inputs[case.of].shape[1:]),
        "effort": asdict(question.effort),
        "device": chosen(),
        "dtype": question.blocks.dtype,
        "by": list(question.blocks.by),
        "memory": question.blocks.memory,
        "baseline windows": baseline_digest(baseline),
    }


def _of_one_sequence(network: Network) -> Network:
    if len(network.inputs) > 1:
        raise DataError(
            f"the network takes {len(network.inputs)} inputs ({', '.join(network.inputs)}), and an "
            "archive is explained for one that takes one sequence: explain this one by "
            "rnnlens.explain, some windows at a time"
        )
    return network


def _unpadded(case: Case) -> Case:
    if case.padding is not None:
        raise DataError(
            "the network masks steps of the archive's windows as padding, whose place differs from "
            "window to window: explain them by rnnlens.explain, some windows at a time"
        )
    return case


def _target(case: Case, asked: Target) -> NamedTarget:
    for what, value in (("name", asked.name), ("horizon", asked.horizon)):
        many = isinstance(value, list | tuple) or value == "all"
        if many:
            raise InputError(
                f"one target of an archive is explained at a time, but its {what} is {value!r}: "
                "give one, and another result to each"
            )
    assert not isinstance(asked.name, list | tuple)
    return case.target(asked.name, asked.horizon, asked.output)  # type: ignore[arg-type]


def _baseline(
    case: Case, question: ArchiveQuestion, sample: Windows
) -> tuple[Baseline, tuple[str, ...]]:
    """Make what stands in, the same for every window, from the windows that were looked at."""
    hides = KNOWN[question.method].hides
    given = usual_baseline(case, question.baseline) if hides else "zero"  # where nothing stands in
    if isinstance(given, str) and given in {"persistence", "conditional", *CALENDAR}:
        raise DataError(
            f"the baseline {given!r} is another for every window, and the windows of an archive "
            "share theirs: give zero, mean, background or an array"
        )
    effort = question.effort
    made, held = baseline_of(case, given, question.held, sample, effort.seed)
    assert isinstance(made, Baseline)
    return made, held


def _as_begun(made: Baseline, out: Path) -> Baseline:
    """Take the baseline that a result keeps where its windows can no longer all be read."""
    kept = kept_baseline(out)
    kind = made.text.split(" ")[0]
    same = kept is not None and kind in OF_WINDOWS and kept.text.split(" ")[0] == kind
    return kept if kept is not None and same else made
