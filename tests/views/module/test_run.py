"""The page's module runs networks as the engine does: forecasts, gates, states, contributions."""

import numpy as np
import pytest

import rnnlens
from networks import CELLS, forecaster, stacked_bidirectional
from page_module import MODULE, answered, asked, needs_node
from page_networks import page_network_of

#: Weights and inputs are in single precision in the page, and numbers here are of the size of 1.
CLOSE = 1e-6


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


@needs_node
@pytest.mark.parametrize("kind", CELLS)
def test_what_is_held_in_the_page_is_what_intervene_holds(tmp_path, rng, kind):
    net = forecaster(kind, rng, steps=6)
    x = rng.normal(size=(3, 6, 3)).astype(np.float32).astype(float)
    cases = [({"units": [1]}, rnnlens.Intervention(freeze=True, units=[1]))]
    if kind.startswith("lstm"):
        clamp = rnnlens.Intervention(gate="forget", clamp=0.25)
        cases.append(({"gates": {"f": 0.25}}, clamp))
        clamp = rnnlens.Intervention(gate="cell", clamp=-0.5)
        cases.append(({"gates": {"g": -0.5}, "units": [0]}, clamp))
    elif kind.startswith("gru"):
        clamp = rnnlens.Intervention(gate="update", clamp=0.75)
        cases.append(({"gates": {"z": 0.75}}, clamp))
    questions = [asked(net, x, x[-1:], holds={"recurrent": held}) for held, _ in cases]
    for (held, done), answer in zip(cases, answered(questions, tmp_path), strict=True):
        every = [done] if len(held) == 1 else [done, rnnlens.Intervention(freeze=True, units=[0])]
        moved = rnnlens.intervene(net, x, every, target=0)
        theirs = moved["forecast_intervened"].to_numpy()
        assert np.abs(theirs - moved["forecast"].to_numpy()).max() > 1e-3
        np.testing.assert_allclose([one["forecast"] for one in answer], theirs, atol=CLOSE)
        for one in answer:  # what is held lets nothing through, and the rest sums
            total = sum(one["contributions"])
            assert total == pytest.approx(one["forecast"] - one["baseline"], abs=1e-9)


@needs_node
def test_held_features_keep_their_values(tmp_path, rng):
    net = stacked_bidirectional(rng)
    x = rng.normal(size=(2, 6, 3)).astype(np.float32).astype(float)
    (answer,) = answered([asked(net, x, x[-1:], held=[1])], tmp_path)
    contributions = np.reshape([one["contributions"] for one in answer], (2, 6, 3))
    assert not contributions[..., 1].any()
    explained = rnnlens.explain(
        net, x, target=0, method="secant", baseline=x[-1:], held=["feature 1"]
    )
    np.testing.assert_allclose(
        contributions[:, ::-1], explained["contribution"].to_numpy(), atol=CLOSE
    )


def test_the_module_is_small_and_asks_nobody_for_anything():
    parts = [path.read_text(encoding="utf-8") for path in MODULE.glob("*.mjs")]
    assert sum(len(part.encode()) for part in parts) <= 30 * 1024
    for word in ("fetch(", "XMLHttpRequest", "WebSocket", "http:", "https:", "eval(", "innerHTML"):
        assert not any(word in part for part in parts)
