"""Other ways to run the same network: PyTorch, ONNX Runtime, a JAX scan."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import rnnlens
from harness.networks import Floats, Forecaster
from harness.threads import THREADS
from rnnlens.network.network import Network

__all__ = [
    "Runner",
    "jax_function",
    "jax_runner",
    "onnxruntime_runner",
    "torch_gradient",
    "torch_runner",
]

#: Runs the network on the windows that it was made for.
Runner = Callable[[], Any]


def torch_runner(module: Forecaster, x: Floats) -> Runner:
    """Run a module without recording gradients.

    Parameters
    ----------
    module : Forecaster
        The module.
    x : array (sample, step, feature)
        Windows.

    Returns
    -------
    callable
        Gives the forecasts.
    """
    tensor = torch.from_numpy(x)

    def run() -> torch.Tensor:
        with torch.no_grad():
            return module(tensor)

    return run


def torch_gradient(module: Forecaster, x: Floats) -> Runner:
    """Differentiate a module with respect to its windows by autograd.

    Parameters
    ----------
    module : Forecaster
        The module, whose own parameters are frozen.
    x : array (sample, step, feature)
        Windows.

    Returns
    -------
    callable
        Gives the derivatives.
    """
    tensor = torch.from_numpy(x).requires_grad_()

    def run() -> torch.Tensor:
        return torch.autograd.grad(module(tensor).sum(), tensor)[0]

    return run


def onnxruntime_runner(network: Network, x: Floats) -> Runner:
    """Run the network's ONNX file, whose recurrent layers are ONNX's own operators.

    Parameters
    ----------
    network : Network
        The network.
    x : array (sample, step, feature)
        Windows.

    Returns
    -------
    callable
        Gives the forecasts.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        rnnlens.convert(network, path)
        session = onnxruntime.InferenceSession(path.read_bytes(), options)
    given = {session.get_inputs()[0].name: x}
    return lambda: session.run(None, given)[0]


def jax_function(module: Forecaster) -> Callable[[Any], Any]:
    """Write a module as scans over the steps.

    Parameters
    ----------
    module : Forecaster
        The module.

    Returns
    -------
    callable
        From windows (sample, step, feature) to forecasts (sample, 1), to be compiled.
    """
    import jax.numpy as jnp

    weights = {name: jnp.asarray(value.numpy()) for name, value in module.state_dict().items()}
    ends = ("", "_reverse") if module.rnn.bidirectional else ("",)
    advance = _lstm if isinstance(module.rnn, torch.nn.LSTM) else _gru

    def forecast(x: Any) -> Any:
        steps: Any = x.swapaxes(0, 1)
        last: Any = None
        for layer in range(module.rnn.num_layers):
            ways = [
                _scan(advance, weights, f"_l{layer}{end}", steps, reverse=bool(end)) for end in ends
            ]
            steps = jnp.concatenate([way[1] for way in ways], axis=-1)
            last = jnp.concatenate([way[0] for way in ways], axis=-1)
        return last @ weights["head.weight"].T + weights["head.bias"]

    return forecast


def jax_runner(module: Forecaster, x: Floats) -> Runner:
    """Run a module's scans, compiled.

    Parameters
    ----------
    module : Forecaster
        The module.
    x : array (sample, step, feature)
        Windows.

    Returns
    -------
    callable
        Gives the forecasts once they are there.
    """
    import jax

    compiled, given = jax.jit(jax_function(module)), jax.numpy.asarray(x)
    return lambda: np.asarray(compiled(given))


def _scan(advance: Any, weights: Any, suffix: str, x: Any, *, reverse: bool) -> tuple[Any, Any]:
    """Give the last hidden state and the sequence of one direction of one layer."""
    import jax
    import jax.numpy as jnp

    W, U = weights[f"rnn.weight_ih{suffix}"].T, weights[f"rnn.weight_hh{suffix}"].T
    xW, b_r = x @ W + weights[f"rnn.bias_ih{suffix}"], weights[f"rnn.bias_hh{suffix}"]
    zero = jnp.zeros((x.shape[1], U.shape[0]), x.dtype)

    def step(state: Any, xW_t: Any) -> tuple[Any, Any]:
        state = advance(state, xW_t, state[0] @ U + b_r)
        return state, state[0]

    state, sequence = jax.lax.scan(step, (zero, zero), xW, reverse=reverse)
    return state[0], sequence


def _lstm(state: Any, xW: Any, hU: Any) -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    i, f, g, o = jnp.split(xW + hU, 4, axis=-1)
    c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(state: Any, xW: Any, hU: Any) -> tuple[Any, Any]:
    import jax
    import jax.numpy as jnp

    (x_r, x_z, x_n), (h_r, h_z, h_n) = jnp.split(xW, 3, axis=-1), jnp.split(hU, 3, axis=-1)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    h = (1 - z) * jnp.tanh(x_n + r * h_n) + z * state[0]
    return h, state[1]
