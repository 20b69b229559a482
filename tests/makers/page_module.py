"""Asking the page's module in Node."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import rnnlens
from rnnlens.writers.page import page_network

MODULE = Path(rnnlens.__file__).parent / "views" / "report" / "module"
NODE = shutil.which("node")
# where a browser is asked for, nothing is skipped
needs_node = pytest.mark.skipif(
    NODE is None and not os.environ.get("RNNLENS_BROWSER"), reason="Node is not installed"
)


def asked(net, x, baselines, holds=None, held=()):
    """What the module is told of a network and windows (sample, step, feature)."""
    spec, why_not = page_network(net)
    assert why_not == ""
    about = {"steps": x.shape[1], "features": x.shape[2], "held": list(held)}
    return {
        "network": {**spec, **about, "place": 0, "scale": 1.0, "offset": 0.0},
        "windows": [one.reshape(-1).tolist() for one in x],
        "baselines": [one.reshape(-1).tolist() for one in baselines],
        "holds": holds,
    }


def answered(questions, folder):
    """Run the module: for each question and window forecast, baseline, contributions, trace."""
    assert NODE is not None, "Node is needed where RNNLENS_BROWSER is set"
    file = folder / "asked.json"
    file.write_text(json.dumps(questions))
    runner = Path(__file__).with_suffix(".mjs")
    command = [NODE, str(runner), str(MODULE), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
