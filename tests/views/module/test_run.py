"""The page's module runs networks as the engine does: forecasts, gates, states, contributions."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import rnnlens
from page_networks import page_network_of
from rnnlens.writers.page import page_network

MODULE = Path(rnnlens.__file__).parent / "views" / "report" / "module"
NODE = shutil.which("node")
# where real files are asked for, nothing is skipped
needs_node = pytest.mark.skipif(
    NODE is None and not os.environ.get("RNNLENS_SHARED"), reason="Node is not installed"
)
#: Weights and inputs are in single precision in the page, and numbers here are of the size of 1.
CLOSE = 1e-6


def asked(net, x, baselines, target=0, holds=None, held=()):
    """What the module is told of a network and windows (sample, step, feature)."""
    spec, why_not = page_network(net)
    assert why_not == ""
    about = {"steps": x.shape[1], "features": x.shape[2], "held": list(held)}
    return {
        "network": {**spec, **about, "place": target, "scale": 1.0, "offset": 0.0},
        "windows": [one.reshape(-1).tolist() for one in x],
        "baselines": [one.reshape(-1).tolist() for one in baselines],
        "holds": holds,
    }


def answered(questions, folder):
    """Run the module in Node."""
    assert NODE is not None, "Node is needed where RNNLENS_SHARED is set"
    file = folder / "asked.json"
    file.write_text(json.dumps(questions))
    runner = Path(__file__).parent / "run.mjs"
    done = subprocess.run(
        [NODE, str(runner), str(MODULE), str(file)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def check_trace(told, net, x, sample, layers):
    """Compare gates and states of one window with those of `rnnlens.trace`."""
    letters = {"input": "i", "forget": "f", "cell": "g", "output": "o"}
    letters |= {"update": "z", "reset": "r", "candidate": "n", "hidden": "h"}
    traced = rnnlens.trace(net, x[sample : sample + 1])
    seen = 0
    for node in traced.subtree:
        if "hidden" not in node.data_vars:
            continue
        one = layers[node.attrs["layer"]]
        seen += 1
        real = np.isfinite(node["gate_value"].isel(sample=0, gate=0).to_numpy()).all(axis=-1)
        for gate in node["gate"].values if one["kind"] != "SimpleRNN" else ():
            theirs = node["gate_value"].sel(gate=gate).isel(sample=0).to_numpy()
            ours = np.reshape(one[letters[str(gate)]], theirs.shape)
            np.testing.assert_allclose(ours[real], theirs[real], atol=CLOSE, err_msg=told)
        hidden = node["projected" if "projected" in node else "hidden"].isel(sample=0).to_numpy()
        np.testing.assert_allclose(
            np.reshape(one["h"], hidden.shape), hidden, atol=5 * CLOSE, err_msg=told
        )
        if "cell" in node.data_vars:
            c = node["cell"].isel(sample=0).to_numpy()
            np.testing.assert_allclose(
                np.reshape(one["c"], c.shape), c, atol=5 * CLOSE, err_msg=told
            )
    assert seen == len(layers), told


@needs_node
def test_forecasts_gates_and_contributions_equal_the_engines_on_random_networks(tmp_path):
    cases = [page_network_of(seed) for seed in range(40)]
    backgrounds = [x[-2:] for _, x in cases]
    answers = answered(
        [asked(net, x, b) for (net, x), b in zip(cases, backgrounds, strict=True)], tmp_path
    )
    for seed, ((net, x), given, answer) in enumerate(zip(cases, backgrounds, answers, strict=True)):
        explained = rnnlens.explain(net, x, target=0, method="secant", baseline=given)
        scale = max(1.0, float(np.abs(explained["forecast"]).max()))
        for k, one in enumerate(answer):
            told = f"seed {seed}, window {k}"
            ours = explained.isel(sample=k)
            assert one["forecast"] == pytest.approx(float(ours["forecast"]), abs=CLOSE * scale), (
                told
            )
            contributions = np.reshape(one["contributions"], x.shape[1:])[::-1]
            np.testing.assert_allclose(
                contributions, ours["contribution"].to_numpy(), atol=CLOSE * scale, err_msg=told
            )
            check_trace(told, net, x, k, one["trace"])
            assert contributions.sum() == pytest.approx(one["forecast"] - one["baseline"], abs=1e-9)
