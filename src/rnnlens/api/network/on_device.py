"""A device of PyTorch that recurrent layers are computed on."""

from __future__ import annotations

from contextlib import AbstractContextManager

from rnnlens.api.shared.given.arguments import checked
from rnnlens.arguments import NAME

__all__ = ["on_device"]


@checked(name=NAME)
def on_device(name: str) -> AbstractContextManager[None]:
    """Compute recurrent layers on a device within this block.

    Forecasts, gradients, secant multipliers and coalitions of steps are computed there, batched
    over windows, in the precision that is asked for; all else stays on the processor, and arrays
    come and go as NumPy's. `Effort(precision="float32")` is what devices are made for.

    Parameters
    ----------
    name : str
        ``cuda``, ``cuda:1``, ``mps`` or ``xpu``, as PyTorch names them; ``cpu`` for the compiled
        kernels of this processor, whatever the environment variable ``RNNLENS_DEVICE`` says.

    Returns
    -------
    context manager
        Within it recurrent layers are computed there.

    Raises
    ------
    InputError
        If PyTorch knows no such device, or none is there.
    MissingLibrary
        If PyTorch is not installed.

    Examples
    --------
    >>> import rnnlens
    >>> with rnnlens.on_device("cpu"):
    ...     pass
    """
    from rnnlens.engine.device.choice import named, placed

    return placed(named(name, f"on_device({name!r})"))
