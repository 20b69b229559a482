"""From a network and an archive to what is asked of every block."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnlens.api.shared.archives.targets import targets_of
from rnnlens.api.shared.given.baselines import about_baseline, usual_baseline
from rnnlens.api.shared.given.joint.baselines import baseline_of
from rnnlens.api.shared.given.joint.making import make_case
from rnnlens.api.shared.given.logits import on_logits
from rnnlens.api.shared.given.network_given import as_network
from rnnlens.attribution.baselines.baseline import Baseline
from rnnlens.attribution.baselines.grouped import CALENDAR
from rnnlens.attribution.options import as_target
from rnnlens.attribution.registry import METHODS as KNOWN
from rnnlens.attribution.registry import method_named
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

    from rnnlens.api.shared.archives.targets import Targets
    from rnnlens.api.shared.given.case import Case
    from rnnlens.api.shared.given.network_given import NetworkLike
    from rnnlens.attribution.options import Effort, Target
    from rnnlens.bulk.options import Blocks
    from rnnlens.network.network import Network
    from rnnlens.series.windows import Windows

__all__ = ["ArchiveQuestion", "Plan", "planned"]

#: Baselines that are made from the windows that are looked at.
OF_WINDOWS = ("mean", "background")
#: What a baseline is called that was given as an array.
STATED = "array"


@dataclass(frozen=True, eq=False, kw_only=True)
class ArchiveQuestion:
    """What `rnnlens.explain_archive` was asked; its parameters are those of that verb."""

    net: NetworkLike
    archive: str | PathLike[str]
    sidecar: Sidecar | str | PathLike[str] | None
    target: Target | str | int | Sequence[str | int] | None
    method: str
    baseline: str | ArrayLike | None
    held: Sequence[str] | None
    effort: Effort
    blocks: Blocks


class StandIn(NamedTuple):
    """What stands in for hidden inputs, what it was asked for by, and the features not hidden."""

    baseline: Baseline
    name: str
    held: tuple[str, ...]


class Plan(NamedTuple):
    """What is asked of every block, and what is said of the whole.

    Parameters
    ----------
    job : Job
        What is asked of every block.
    network : bytes
        The network as it is kept with the result.
    targets : Targets
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
    targets: Targets
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
    _heard(question)
    sidecar = settled(question.sidecar)
    source = open_source(question.archive, sidecar)
    cutter = Cutter.of(source, sidecar)
    checked_groupings(cutter, question.blocks.by)
    begun = read_manifest(out) if out is not None and out.exists() else None
    look = looked_at(cutter, None if begun is None else begun.asked["data"])
    case, targets, explained_on = _case(question, look.windows)
    against = _stand_in(case, question, look.windows)
    if look.lost and out is not None and begun is not None:
        against = _as_begun(against, begun, out)
    targets.refuse_undefined(case, against.baseline)
    network = write(case.network).data
    numbers = sidecar.window * len(sidecar.features) * len(targets.each)
    asked_of_all = {
        "network": network_digest(network),
        "settings": _settings(question, case, against)
        | targets.settings
        | {"sidecar": sidecar.to_toml()},
        "data": fingerprint(cutter, look),
        "versions": versions(),
        "blocks": asdict(Grid.of(source.count, source.rows, question.blocks.windows_of(numbers))),
    }
    manifest = Manifest(asked_of_all, str(Path(question.archive).resolve()))
    about = {
        "target": targets.name,
        "unit": targets.unit,
        "held": against.held,
        "explained_on": explained_on,
        "archive": Path(question.archive).name,
        "windows_looked_at": len(look.windows),
        **targets.reach(case),
        **(about_baseline(case, against.baseline, None) if KNOWN[question.method].hides else {}),
    }
    job = Job(manifest, case.network, against.baseline, cutter)
    return Plan(job, network, targets, about, against.held, case)


def _heard(question: ArchiveQuestion) -> None:
    """Refuse what the method would leave unheard."""
    options = {"baseline": question.baseline, "held": question.held or None}
    method_named(question.method, options, METHODS)


def _case(question: ArchiveQuestion, sample: Windows) -> tuple[Case, Targets, str]:
    """Give the network with the windows that were looked at, the targets, and what of them."""
    precision, asked = question.effort.precision, as_target(question.target)
    net = _of_one_sequence(as_network(question.net, sample))
    whole = make_case(net, sample, None, precision, several=True, output=asked.output)
    case, explained_on = on_logits(_unpadded(whole), asked.output, asked.logits)
    return case, targets_of(case, asked, logits=explained_on == "logits"), explained_on


def _settings(question: ArchiveQuestion, case: Case, against: StandIn) -> dict[str, Any]:
    """Give what decides the numbers, as plain data."""
    return {
        "method": question.method,
        "baseline": against.baseline.text,
        "baseline_name": against.name,
        "held": list(against.held),
        "of": case.of,
        "input_shape": list(case.inputs[case.of].shape[1:]),
        "effort": asdict(question.effort),
        "device": chosen(),
        "dtype": question.blocks.dtype,
        "by": list(question.blocks.by),
        "memory": question.blocks.memory,
        "baseline windows": baseline_digest(against.baseline),
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


def _stand_in(case: Case, question: ArchiveQuestion, sample: Windows) -> StandIn:
    """Make what stands in, the same for every window, from the windows that were looked at."""
    hides = KNOWN[question.method].hides
    given = usual_baseline(case, question.baseline) if hides else "zero"  # where nothing stands in
    if isinstance(given, str) and given in {"persistence", "conditional", *CALENDAR}:
        raise DataError(
            f"the baseline {given!r} is another for every window, and the windows of an archive "
            "share theirs: give zero, mean, background or an array"
        )
    made, held = baseline_of(case, given, question.held, sample, question.effort.seed)
    assert isinstance(made, Baseline)
    return StandIn(made, given if isinstance(given, str) else STATED, held)


def _as_begun(made: StandIn, begun: Manifest, out: Path) -> StandIn:
    """Take the baseline that a result keeps where its windows can no longer all be read."""
    if made.name not in OF_WINDOWS or begun.settings["baseline_name"] != made.name:
        return made
    return made._replace(baseline=kept_baseline(out) or made.baseline)
