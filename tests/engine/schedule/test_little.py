"""Little work where no kernel is compiled: done by the equations, and the answers are the same."""

from __future__ import annotations

import numpy as np
import pytest

import rnnlens
from networks import CELLS, forecaster
from processes import python
from rnnlens.attribution.options import Effort
from rnnlens.engine.kernels import ready
from rnnlens.engine.schedule import context, little
from rnnlens.engine.schedule.context import by_equations, equations, kernels, settled
from rnnlens.engine.schedule.little import little_work, runs_of_windows

#: Rounding of some hundred operations in float64, and in float32, beside the largest number.
ROUNDING = {"float64": 1e-12, "float32": 2e-5}


@pytest.fixture
def nothing_compiled(monkeypatch):
    """No kernel is compiled, nobody said how anything is computed, and nothing was computed yet."""
    monkeypatch.setattr(little, "is_compiled", lambda *asked: False)
    monkeypatch.setattr(little, "_taken", {})
    token = context._BY_EQUATIONS.set(None)
    yield little._taken
    context._BY_EQUATIONS.reset(token)


def _net(kind):
    return forecaster(kind, np.random.default_rng(5), steps=9)


def _windows(samples=2, steps=9):
    return np.random.default_rng(3).normal(size=(samples, steps, 3))


@pytest.mark.parametrize(
    ("kind", "method", "precision"),
    [
        *((kind, "auto", "float64") for kind in CELLS),
        *(("lstm", method, "float64") for method in ("secant", "tree", "owen", "gradient")),
        ("lstm", "auto", "float32"),
        ("gru_after", "secant", "float32"),
    ],
)
def test_equations_and_kernels_give_the_same_explanation(kind, method, precision, request):
    net, x, effort = _net(kind), _windows(), Effort(precision=precision)
    asked = {"target": 0, "method": method, "effort": effort}
    by_kernels = rnnlens.explain(net, x, **asked)
    taken = request.getfixturevalue("nothing_compiled")
    found = rnnlens.explain(net, x, **asked)
    assert taken, "no work was left to the equations"
    assert set(found) == set(by_kernels)
    for name, values in by_kernels.items():
        assert found[name].dtype == values.dtype, name
        if values.dtype.kind == "f":
            scale = max(1.0, float(abs(values).max()))
            most = ROUNDING[precision] * scale
            np.testing.assert_allclose(found[name], values, rtol=0, atol=most, err_msg=name)
    same = ("method", "baseline", "why", "exact_lags", "audit_windows", "forecast_check")
    assert {k: found.attrs.get(k) for k in same} == {k: by_kernels.attrs.get(k) for k in same}


@pytest.mark.parametrize("kind", CELLS)
def test_equations_and_kernels_give_the_same_forecasts_and_traces(kind, request):
    net, x = _net(kind), _windows()
    forecast, traced = rnnlens.predict(net, x), rnnlens.trace(net, x)
    taken = request.getfixturevalue("nothing_compiled")
    np.testing.assert_allclose(rnnlens.predict(net, x), forecast, rtol=0, atol=1e-12)
    assert taken.pop(ready.FORWARD) > 0
    again = rnnlens.trace(net, x)
    assert taken.pop(ready.TRACE) > 0
    for name, values in traced["recurrent"].data_vars.items():
        np.testing.assert_allclose(again["recurrent"][name], values, rtol=0, atol=1e-12)


def test_what_is_no_little_work_is_left_to_the_kernels(nothing_compiled):
    net = _net("lstm")
    with little_work(net, np.dtype(float), ready.BACK, cells=1e3, steps=9):
        assert by_equations()
    with little_work(net, np.dtype(float), ready.BACK, cells=1e9, steps=9):
        assert not by_equations()
        assert settled()
    with little_work(net, np.dtype(float), ready.BACK, cells=1e3, steps=1e6):
        assert not by_equations()


def test_much_little_work_is_no_little_work(nothing_compiled):
    net = _net("lstm")

    def piece():
        with runs_of_windows(net, {"x": _windows(2_000)}, ready.FORWARD):
            return by_equations()

    done = [piece() for _ in range(2_000)]
    count = sum(done)
    assert done == [True] * count + [False] * (2_000 - count)
    assert 1 < count < 2_000
    assert nothing_compiled[ready.FORWARD] <= little.MOST_OF_ALL
    # another kernel is worth as much
    with runs_of_windows(net, {"x": _windows()}, ready.BACK):
        assert by_equations()


@pytest.mark.parametrize(("said", "stands"), [(equations, True), (kernels, False)])
def test_what_was_said_already_stands(said, stands, nothing_compiled):
    net = _net("gru_after")
    for cells in (1, 1e12):
        with said(), little_work(net, np.dtype(float), ready.FORWARD, cells=cells, steps=1):
            assert by_equations() is stands
    assert not nothing_compiled


def test_compiled_kernels_do_all_work(nothing_compiled, monkeypatch):
    monkeypatch.setattr(little, "is_compiled", lambda *asked: True)
    with runs_of_windows(_net("lstm"), {"x": _windows(1)}, ready.FORWARD):
        assert not by_equations()
    assert not nothing_compiled


COUNTED = """
import numpy as np, rnnlens
from numba.core import event
from rnnlens.api.shared.kernels import _forecaster
from rnnlens.engine.kernels import ready
from rnnlens.engine.schedule.context import kernels
net = _forecaster("LSTM")
cell = next(layer.cell for _, layer in net.recurrent())
x = np.random.default_rng(0).normal(size=(1, 6, 3))

def compiled(ask):
    with event.install_recorder("numba:compile") as recorder:
        ask()
    return len(recorder.buffer)

def there(*kernels):
    return [ready.is_compiled(kernel, cell, x.dtype) for kernel in kernels]

every = ready.FORWARD, ready.BACK, ready.STEP, ready.TRACE
"""
COLD = """
print(compiled(lambda: rnnlens.predict(net, x)))
print(compiled(lambda: rnnlens.explain(net, x, target=0)))
print(compiled(lambda: rnnlens.trace(net, x)), there(*every))
with kernels():
    print(compiled(lambda: rnnlens.predict(net, x)) > 0, there(*every))
    print(ready.is_compiled(ready.FORWARD, cell, np.dtype("f4")))
"""
WARM = """
print(there(*every))
print(compiled(lambda: rnnlens.predict(net, x)))
"""


def test_a_first_question_compiles_nothing_and_what_is_compiled_is_used(tmp_path):
    kept = str(tmp_path)
    first = python("-c", COUNTED + COLD, NUMBA_CACHE_DIR=kept)
    assert first.stdout.splitlines() == [
        "0",
        "0",
        f"0 {[False] * 4}",
        f"True {[True, False, False, False]}",
        "False",
    ], first.stderr
    assert "compiles kernels" in first.stderr  # said where something is compiled, and not before
    second = python("-c", COUNTED + WARM, NUMBA_CACHE_DIR=kept)
    assert second.stdout.splitlines() == [str([True, False, False, False]), "0"], second.stderr
