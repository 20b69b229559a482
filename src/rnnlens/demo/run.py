"""The demo: everything rnnlens says about the weather network that ships with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rnnlens.demo.weather import demo_files, weather_windows
from rnnlens.errors import MissingLibrary, UnreadableFile
from rnnlens.evidence.options import WINDOWS
from rnnlens.names import told
from rnnlens.views.words.language import say
from rnnlens.views.words.origin import attribute_text

if TYPE_CHECKING:
    import xarray as xr

    from rnnlens.engine.schedule.progress import Progress
    from rnnlens.network.network import Network

__all__ = ["run"]

TARGET = "temp"


def run(
    path: Path,
    *,
    show: Callable[[Any], None],
    note: Callable[[str], None],
    language: str | None = None,
) -> None:
    """Read, check and explain the shipped network, and write its report."""
    from rnnlens import api
    from rnnlens.api.shared.compiling.ahead import certificates_ahead
    from rnnlens.api.shared.forecast.explained_once import explaining_once
    from rnnlens.views.tables.inspection import render_inspection
    from rnnlens.views.tables.lags import evidence_view
    from rnnlens.views.words.explanation import lag_sentences

    files = demo_files()
    network = api.read(files.network)
    # what another process compiles begins before the work that comes to it
    with explaining_once(), certificates_ahead([network]):
        show(render_inspection(api.describe(network)))
        show("\n" + say("Was it read right?"))
        checked = _fidelity(network, show)
        note(say("reading the weather"))
        unseen = weather_windows()
        seen = weather_windows(start="2013-01-01").between(None, unseen.issued[0])
        note(
            say(
                "explaining {count:,} forecasts of months that training did not see, hiding every "
                "lag of them, and certifying {certified}",
                count=len(unseen),
                certified=WINDOWS,
            )
        )
        tables: list[xr.Dataset] = []

        def evidence(progress: Progress | None) -> xr.Dataset:
            made = api.lags(network, unseen, target=TARGET, background=seen, progress=progress)
            tables.append(cast("xr.Dataset", made))  # one sequence has no tree
            return tables[0]

        api.report(
            network,
            unseen,
            path,
            target=TARGET,
            background=seen,
            fidelity=checked,
            evidence=evidence,
            title=say("What a weather network learned"),
            language=language,
        )
    (table,) = tables
    show("")
    show(evidence_view(table))
    show(f"\n{lag_sentences(table)[0]}")
    show("\n" + say("The whole of it, with pictures: {path}", path=path))


def _fidelity(network: Network, show: Callable[[Any], None]) -> xr.Dataset:
    """Compare with the outputs that training stored and, where Keras is installed, with Keras."""
    from rnnlens import api

    files = demo_files()
    with np.load(files.outputs) as stored:
        X, outputs = stored["X"], stored["outputs"]
        whose = told(
            "outputs stored by Keras {version} on {backend}",
            version=str(stored["keras"]),
            backend=str(stored["backend"]),
        )
    checked = api.fidelity(network, outputs, X, against=whose)
    show(fidelity_sentence(checked))
    try:
        checked = api.fidelity(network, files.network, X)
    except (MissingLibrary, UnreadableFile) as reason:
        show(say("Fidelity against Keras itself: not checked. {reason}", reason=reason))
        return checked
    show(fidelity_sentence(checked))
    return checked


def fidelity_sentence(checked: xr.Dataset) -> str:
    """Say what a fidelity check found."""
    a = checked.attrs
    values = {
        "against": attribute_text(a, "against"),
        "samples": a["samples"],
        "largest": f"{a['largest']:.1e}",
        "tolerance": f"{a['tolerance']:.0e}",
    }
    if a["agrees"]:
        return say(
            "Fidelity: rnnlens and {against} agree on {samples} windows; the largest difference is "
            "{largest} network units (tolerance {tolerance}).",
            **values,
        )
    return say(
        "Fidelity: rnnlens and {against} DISAGREE on {samples} windows; the largest difference is "
        "{largest} network units (tolerance {tolerance}).",
        **values,
    )
