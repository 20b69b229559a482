"""What becomes of gates and memory while a network is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked
from rnnlens.arguments import PATH, whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from rnnlens.api.shared.recording.recorder import Recorder
    from rnnlens.attribution.options import Target
    from rnnlens.series.joint.windows import WindowsByInput
    from rnnlens.series.windows import Windows

__all__ = ["record"]


@checked(every=whole(1), tensorboard=PATH)
def record(
    model: object,
    X: Windows | WindowsByInput | ArrayLike | Mapping[str, ArrayLike],
    path: str | PathLike[str],
    *,
    every: int = 100,
    windows: int = 16,
    target: Target | str | int | None = None,
    of: str | Sequence[str] | None = None,
    tensorboard: str | PathLike[str] | None = None,
) -> Recorder:
    """Record openness, saturation, half-lives and memory every so many steps of a training.

    Training is left as it is: the model's numbers, its mode and everyone's random numbers are the
    same as without a record. The first row, of step 0, is written at once. A network whose numbers
    are no numbers any more gets an empty row, and the training goes on.

    Parameters
    ----------
    model : live Keras model or PyTorch module
        The one that is trained.
    X : Windows, array (sample, step, feature), or mapping of input name to array
        Windows over which gates are looked at, in the network's own units; they need not be those
        that it is trained on.
    path : path
        The CSV file to write: a row a record, each handed over at once, so that a run that is
        killed keeps what it has.
    every : int
        Steps of training from one record to the next.
    windows : int
        How many of the windows are looked at, evenly spaced.
    target, of
        As in `rnnlens.explain`: the forecast whose memory is recorded.
    tensorboard : path, optional
        A folder for TensorBoard, whose event files are written without any other library.

    Returns
    -------
    Recorder
        For Keras: ``model.fit(..., callbacks=[recorder.callback])``. For PyTorch:
        ``recorder.watch(optimizer)``, or ``recorder.step()`` after each step of training, and
        ``recorder.close()`` at the end. The columns are ``step``, and by layer and gate
        ``lstm/forget/mean``, ``lstm/forget/closed`` (below 0.1), ``lstm/forget/open`` (above 0.9)
        and ``lstm/forget/saturated``, of candidates the mean and the share that is beyond 0.9;
        ``lstm/half_life/median`` and ``lstm/half_life/longest`` in steps; ``k50`` and ``k95``, the
        lags within which half and 95 % of the forecast's derivative lie.

    Raises
    ------
    InputError
        If the model learns no more (a file, a network as read), has no recurrent layer of a cell
        that has a name, or the file is there already, or its folder is not.
    DataError
        If an array does not fit the network.

    Examples
    --------
    >>> import numpy as np, rnnlens, tempfile, torch
    >>> torch.manual_seed(0)  # doctest: +ELLIPSIS
    <torch._C.Generator ...>
    >>> class Forecaster(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.gru, self.fc = torch.nn.GRU(3, 4, batch_first=True), torch.nn.Linear(4, 1)
    ...
    ...     def forward(self, x):
    ...         return self.fc(self.gru(x)[0][:, -1])
    >>> module, x = Forecaster(), torch.randn(32, 8, 3)
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    >>> folder = tempfile.mkdtemp()
    >>> with rnnlens.record(module, x.numpy(), f"{folder}/gates.csv", every=5) as recorder:
    ...     _ = recorder.watch(optimizer)
    ...     for _ in range(10):
    ...         optimizer.zero_grad()
    ...         module(x).square().mean().backward()
    ...         optimizer.step()
    >>> import pandas as pd
    >>> pd.read_csv(f"{folder}/gates.csv")["step"].tolist()
    [0, 5, 10]
    """
    from pathlib import Path

    from rnnlens.api.shared.recording.files import CsvFile, EventFile, refuse_overwriting
    from rnnlens.api.shared.recording.live import followed
    from rnnlens.api.shared.recording.measuring import measuring
    from rnnlens.api.shared.recording.recorder import Recorder
    from rnnlens.readers.torch.training.undisturbed import undisturbed

    folder = None if tensorboard is None else Path(tensorboard)
    refuse_overwriting(Path(path), folder)
    with undisturbed():
        network, now = followed(model, X)
        measure = measuring(network, now, X, windows=windows, target=target, of=of)
        return Recorder(
            measure,
            lambda first: [
                CsvFile(Path(path), list(first)),
                *([] if folder is None else [EventFile(folder)]),
            ],
            every,
        )
