"""What an oracle prints and writes: our figure beside the published one, and the seeds."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.machine import versions

__all__ = ["RESULTS", "Oracle"]

#: Where the figures lie, one file an oracle.
RESULTS = Path(__file__).parents[1] / "results" / "oracles"


class Oracle:
    """Prints each figure as it is found and keeps it for the file.

    Parameters
    ----------
    name : str
        Of the oracle and of its file.
    about : str
        What the data are, how the truth is known, and which seeds were used.
    """

    def __init__(self, name: str, about: str) -> None:
        self.name = name
        self.quick = bool(os.environ.get("ORACLES_QUICK"))
        self._about = " ".join(about.split())
        self._rows: list[dict[str, Any]] = []
        self._peers: list[dict[str, Any]] = []
        self._notes: list[str] = []
        self._begun = time.perf_counter()
        print(f"== {name}: {self._about}")

    def figure(
        self,
        what: str,
        ours: float,
        *,
        sd: float | None = None,
        least: float | None = None,
        most: float | None = None,
        published: str = "",
        source: str = "",
    ) -> None:
        """Record a figure.

        Parameters
        ----------
        what : str
            What was measured, and on which setting.
        ours : float
            What was found.
        sd : float, optional
            Standard deviation over the seeds.
        least, most : float, optional
            The target, where there is one.
        published : str
            What others published for the same setting.
        source : str
            Where.
        """
        met = (least is None or ours >= least) and (most is None or ours <= most)
        row = {"what": what, "ours": ours, "sd": sd, "least": least, "most": most}
        target = least is not None or most is not None
        self._rows.append({
            **row,
            "met": met if target else None,
            "published": published,
            "source": source,
        })
        line = f"  {what:<62} {ours:12.4g}" + (f" +- {sd:.2g}" if sd is not None else "")
        if target:
            bound = f">= {least:g}" if least is not None else f"<= {most:g}"
            line += f"   target {bound}: {'met' if met else 'NOT MET'}"
        if published:
            line += f"   published {published} ({source})"
        print(line, flush=True)

    def peer(self, what: str, by: str, value: float, *, sd: float | None = None) -> None:
        """Record what a peer's own code gives in the same run.

        Parameters
        ----------
        what : str
            The figure of ours that it stands beside, in the same words.
        by : str
            The peer, its version and its method.
        value : float
            What it gave.
        sd : float, optional
            Standard deviation over the seeds.
        """
        self._peers.append({"what": what, "by": by, "value": value, "sd": sd})
        spread = f" +- {sd:.2g}" if sd is not None else ""
        print(f"    {what + ', by ' + by:<60} {value:12.4g}{spread}", flush=True)

    def note(self, text: str) -> None:
        """Record a sentence that a reader of the figures must know.

        Parameters
        ----------
        text : str
            As in: a peer's code that is not installed. Nothing is recorded where it is empty.
        """
        if text:
            self._notes.append(text)
            print(f"  {text}", flush=True)

    def save(self) -> None:
        """Write the file and say how long everything took."""
        seconds = time.perf_counter() - self._begun
        folder = RESULTS / "quick" if self.quick else RESULTS
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            "oracle": self.name,
            "about": self._about,
            "date": datetime.now(UTC).date().isoformat(),
            "quick": self.quick,
            "seconds": round(seconds, 1),
            "versions": versions(),
            "figures": self._rows,
            "peers": self._peers,
            "notes": self._notes,
        }
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{seconds:.0f} s; wrote {path}")
