"""Print every requirement of the tests at its lower bound, one a line, for pip."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
own = next(each for each in extras["test"] if each.startswith("rnnlens["))
named = re.findall(r"[a-z]+", own.partition("[")[2])
wanted = [
    *project["dependencies"],
    *extras["test"],
    *(each for name in named for each in extras[name]),
]
print("\n".join(each.replace(">=", "==") for each in wanted if each != own))
