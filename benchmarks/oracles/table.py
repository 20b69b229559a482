"""Every figure of the oracles in one table: ours, its target, what was published, and the peers.

Reads ``results/oracles/*.json`` and types no figure by hand. Run it from ``benchmarks``:
``python -m oracles.table``; ``python -m oracles.table arx spike`` prints these alone.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from oracles.record import RESULTS

__all__ = ["lines"]


def lines(found: dict[str, Any]) -> list[str]:
    """Lay out the figures of one oracle.

    Parameters
    ----------
    found : dict
        What the oracle wrote.

    Returns
    -------
    list of str
        A heading, a line a figure with the peers below it, and notes.
    """
    rows = [f"== {found['oracle']} ({found['date']}): {found['about']}"]
    for figure in found["figures"]:
        rows.append(_figure(figure))
        for peer in found.get("peers", []):
            if peer["what"] == figure["what"]:
                rows.append(f"      {peer['by']:<58} {_number(peer['value'], peer['sd'])}")
    return rows + [f"  ! {text}" for text in found.get("notes", [])]


def _figure(figure: dict[str, Any]) -> str:
    parts = [f"  {figure['what']:<62} {_number(figure['ours'], figure['sd'])}"]
    if figure["met"] is not None:
        sign, bound = (">=", figure["least"]) if figure["most"] is None else ("<=", figure["most"])
        parts.append(f"{sign} {bound:g}: {'met' if figure['met'] else 'NOT MET'}")
    if figure["published"]:
        parts.append(f"{figure['source']}: {figure['published']}")
    return " | ".join(parts)


def _number(value: float, sd: float | None) -> str:
    return f"{value:10.4g}" + (f" +- {sd:7.2g}" if sd is not None else " " * 11)


def main(names: list[str]) -> None:
    """Print the table, and which oracles have not run here yet."""
    for name in names or sorted(path.stem for path in RESULTS.glob("*.json")):
        path = RESULTS / f"{name}.json"
        if path.exists():
            print("\n".join(lines(json.loads(path.read_text(encoding="utf-8")))))
        else:
            print(f"== {name}: no figures yet: run python -m oracles.{name}")


if __name__ == "__main__":
    main(sys.argv[1:])
