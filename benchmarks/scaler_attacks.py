"""Read ten thousand damaged scalers and every malicious one, while Python tells what is run.

Prints how many were refused, read or ended otherwise, what was imported or run (nothing), and the
longest time that one took.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests" / "makers"


def main() -> None:
    """Read them in a process of its own, which hears every import and call."""
    count = 500 if "--quick" in sys.argv else 10_000
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, str(TESTS / "audited_pickles.py"), str(count)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    told = json.loads(run.stdout)
    kinds = collections.Counter(said.partition(":")[0] for said, _ in told["outcomes"].values())
    slowest = max(seconds for _, seconds in told["outcomes"].values())
    print(f"pickles read: {len(told['outcomes']):,}, of which {count:,} are mutations")
    for kind, times in kinds.most_common():
        print(f"  {kind}: {times:,}")
    print(f"imports, calls and other events: {len(told['events'])}")
    print(f"modules loaded meanwhile: {len(told['modules'])}")
    print(f"longest reading: {slowest:.2f} s")


if __name__ == "__main__":
    main()
