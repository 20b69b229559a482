"""What a benchmark prints and writes: one JSON file a script, written anew after every figure.

A run that is cut off leaves what it had measured, marked as unfinished; the page says so.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.machine import busy, machine, pace, versions
from harness.measure import Timing

__all__ = ["RESULTS", "Record"]

#: Where results of full runs lie; those of quick runs lie in its folder ``quick``.
RESULTS = Path(__file__).parents[1] / "results"
OURS = "rnnlens"
#: Share of the cores that others may use before a run is called unfair.
QUIET = 0.05


class Record:
    """Prints each row as it is measured and writes it into the file.

    Parameters
    ----------
    name : str
        Of the benchmark.
    about : str
        The script's docstring, for ``--help``.
    parts : sequence of str
        What may be named after ``--only``, where the script has parts.
    """

    def __init__(self, name: str, about: str, parts: Sequence[str] = ()) -> None:
        parser = argparse.ArgumentParser(
            description=about, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument(
            "--quick", action="store_true", help="tiny sizes: shows that the script works"
        )
        if parts:
            parser.add_argument(
                "--only", nargs="+", choices=parts, default=list(parts), help="parts to run"
            )
        self.name = name
        given = parser.parse_args()
        self.quick: bool = given.quick
        #: The parts that are to be run.
        self.only: list[str] = given.only if parts else []
        self.rounds = 3 if self.quick else 9
        self._busy, self._pace = busy(), [pace()]
        if self._busy is not None and self._busy > QUIET:
            share = f"{self._busy:.0%}"
            print(f"! others use {share} of the cores: these figures will not be fair")
        self._rows: list[dict[str, Any]] = []
        self._claims: list[dict[str, Any]] = []

    def times(
        self,
        work: str,
        sizes: str,
        timings: Mapping[str, Timing],
        *,
        difference: float | None = None,
        note: str = "",
    ) -> None:
        """Record the times of several contenders for the same work.

        Parameters
        ----------
        work : str
            What was done.
        sizes : str
            How much of it.
        timings : mapping of str to Timing
            By contender, ours first.
        difference : float, optional
            Largest difference between what they computed, relative.
        note : str
            What a reader must know.
        """
        first = next(iter(timings.values()))
        contenders = [
            {
                "name": name,
                "median": timing.median,
                "low": min(timing.seconds),
                "high": max(timing.seconds),
                "rounds": len(timing.seconds),
                "ratio": timing.over(first),
            }
            for name, timing in timings.items()
        ]
        row = {"work": work, "sizes": sizes, "contenders": contenders, "difference": difference}
        self._rows.append({**row, "note": note})
        print(f"{work}; {sizes}" + (f"; {note}" if note else ""))
        if difference is not None:
            print(f"  largest relative difference {difference:.1e}")
        for one in contenders:
            ratio, low, high = one["ratio"]
            print(
                f"  {one['name']:<22} {one['median'] * 1e3:12.3f} ms "
                f"({one['low'] * 1e3:.3f} to {one['high'] * 1e3:.3f}, {one['rounds']} rounds)"
                f"  {ratio:8.2f} x ({low:.2f} to {high:.2f})"
            )
        self._write(unfinished=True)

    def values(
        self, work: str, sizes: str, values: Mapping[str, tuple[float, str]], *, note: str = ""
    ) -> None:
        """Record figures that are not times.

        Parameters
        ----------
        work : str
            What was measured.
        sizes : str
            On how much.
        values : mapping of str to (float, str)
            Figure and unit, by name.
        note : str
            What a reader must know.
        """
        listed = [{"name": k, "value": value, "unit": unit} for k, (value, unit) in values.items()]
        self._rows.append({"work": work, "sizes": sizes, "values": listed, "note": note})
        print(f"{work}; {sizes}" + (f"; {note}" if note else ""))
        for name, (value, unit) in values.items():
            print(f"  {name:<40} {value:12.4g} {unit}".rstrip())
        self._write(unfinished=True)

    def claim(
        self,
        work: str,
        measured: float,
        unit: str,
        *,
        sizes: str,
        least: float | None = None,
        most: float | None = None,
    ) -> None:
        """Record a figure that has a target.

        Parameters
        ----------
        work : str
            What the figure says.
        measured : float
            The figure.
        unit : str
            Its unit.
        sizes : str
            What it was measured on.
        least, most : float, optional
            The target: one of the two.
        """
        met = measured >= least if least is not None else most is None or measured <= most
        claim = {"work": work, "measured": measured, "unit": unit, "sizes": sizes}
        self._claims.append({**claim, "least": least, "most": most, "met": met})
        bound = f"at least {least:g}" if least is not None else f"at most {most:g}"
        figure = f"{measured:.3g} {unit}".strip()
        print(f"> {work}: {figure}, target {bound}, met: {'yes' if met else 'no'}")
        self._write(unfinished=True)

    def save(self) -> Path:
        """Write the file of a run that has come to its end.

        Returns
        -------
        Path
            Where it lies.
        """
        self._busy = max(self._busy or 0.0, busy() or 0.0)
        self._pace.append(pace())
        path = self._write(unfinished=False)
        on, libraries = machine(), versions()
        print(f"{on['cpu']}, {on['threads']} threads")
        told = " s before this run, ".join(f"{seconds:.2f}" for seconds in self._pace)
        print(f"ten million additions in plain Python: {told} s after it")
        print(", ".join(f"{name} {number}" for name, number in libraries.items()))
        print(f"wrote {path}")
        return path

    def _write(self, *, unfinished: bool) -> Path:
        """Write what there is so far."""
        folder = RESULTS / "quick" if self.quick else RESULTS
        folder.mkdir(parents=True, exist_ok=True)
        found = {
            "benchmark": self.name,
            "date": datetime.now(UTC).date().isoformat(),
            "quick": self.quick,
            "unfinished": unfinished,
            "busy": self._busy,
            "pace": self._pace,
            "machine": machine(),
            "versions": versions(),
            "claims": self._claims,
            "rows": self._rows,
        }
        path = folder / f"{self.name}.json"
        # put in place whole: a run may be killed while it writes
        part = path.with_suffix(".part")
        part.write_text(json.dumps(_rounded(found), indent=1) + "\n", encoding="utf-8")
        os.replace(part, path)
        return path


def _rounded(value: Any) -> Any:
    """Give the same with six digits of each figure, which is more than a clock knows."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
