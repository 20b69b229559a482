"""Reading a model, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rnnlens.api.shared.given.arguments import checked

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import ArrayLike

    from rnnlens.network.network import Network

__all__ = ["read"]


@checked()
def read(
    source: str | PathLike[str] | object,
    *,
    example: object = None,
    head: str | None = None,
    part: str | None = None,
    nonlinearity: str | None = None,
    weights: Mapping[str, ArrayLike] | None = None,
    batch_axes: Mapping[str, int] | None = None,
    step_axes: Mapping[str, int] | None = None,
    architecture: str | PathLike[str] | None = None,
    layers: str | None = None,
    until: str | None = None,
    output: str | None = None,
    same_as: Mapping[str, str] | None = None,
    unroll: int | None = None,
) -> Network:
    """Read a trained network from a file or a live model.

    What the file holds decides how it is read, not its name. Nothing in it is executed. An option
    that a format does not take is refused.

    Parameters
    ----------
    source : path, live Keras 3 model, live PyTorch module, or state dict
        A ``.keras`` archive, an HDF5 file of Keras 1, 2, 3 or tf.keras, a PyTorch
        state dict (``.pt``, ``.pth``, ``.ckpt``, safetensors, JSON) or the arrays of a pickled
        module or a TorchScript archive, which are not run, or a model object.
    example : array, tensor, tuple of arguments, or dictionary, optional
        For a live PyTorch module, which needs it: input that it can be called on, batch included;
        its shape matters, its values do not. A dictionary is the module's keywords, or its one
        argument; what it holds may be nested, and inputs are called by their keys.
    head : str, optional
        For a PyTorch state dict, which does not say what follows the recurrent layers: the name of
        the linear layer that is applied to the last hidden state, such as ``"fc"``, or a chain of
        layers, such as ``"relu > Linear(fc)"``. Without it the network ends with that state.
        What is stated is assumed, and every result says so, until `rnnlens.fidelity` with outputs
        of the model has shown it.
    part : str, optional
        For a PyTorch file that holds several state dicts, or one of several recurrent modules:
        which is meant, such as ``"encoder"``.
    nonlinearity : {"tanh", "relu"}, optional
        For a PyTorch state dict with plain recurrent layers: what they compute.
    weights : mapping of str to array, optional
        For an ONNX graph that takes weights as inputs: their values, by input name.
    batch_axes : mapping of str to int, optional
        For an ONNX graph that does not tell which axis of an input holds the samples: that axis,
        by input name.
    step_axes : mapping of str to int, optional
        For windows of which no layer over steps tells which axis counts steps, or several do, and
        differently: that axis, counted from 1, by input name.
    architecture : path, optional
        For a Keras file of weights alone, or over a file's own: the JSON (``model.to_json()``) or
        YAML of its architecture. Without it, and without `layers`, the one ``.json`` beside the
        weights whose layers fit them serves, and the network's notes say so.
    layers : str, optional
        For a Keras file of weights alone: its layers in their order, such as
        ``"LSTM(tanh, sigmoid) > Dense(linear)"``. For a PyTorch state dict: its layers by class
        and name, with what stands between them, such as ``"LSTM(rnn) > relu > Linear(fc)"``;
        ``last``, ``final``, ``mean``, ``max``, ``every`` and ``flatten`` say what is taken of the
        steps, and brackets hold branches, ``"GRU > [last, mean] > concat > Linear(out)"``.

    until : str, optional
        For a Keras model: the layer behind which it is cut, such as ``"lstm_2"``. What does not
        lead to it is left out, so that a layer that cannot be read does not matter there.
    output : str, optional
        The layer whose output becomes the network's, such as ``"attention"``. The whole is read
        first.
    same_as : mapping of str to str, optional
        For a Keras model with classes of your own: what each computes, as the class of Keras that
        computes the same, such as ``{"MyLSTM": "LSTM"}``. It is assumed until `fidelity`, or
        outputs of the model's own, have shown it.
    unroll : int, optional
        For a network that carries its state from call to call (stateful, or by states that are
        inputs and outputs): the steps of the windows that are to be asked about, such as 60. The
        calls are laid one after the other in one window, from zeros or the states given, and the
        forecast is that of the last call.

    Returns
    -------
    Network
        The network, whatever it came from.

    Raises
    ------
    InputError
        If an option is missing, or one was given that the source does not take.
    MissingLibrary
        If the source needs a library that is not installed.
    UnreadableFile
        If there is no such file, or it is damaged or of another kind.
    UnsupportedModel
        If the model has a layer or an option that rnnlens does not implement.

    Examples
    --------
    >>> import rnnlens
    >>> from rnnlens.demo.weather import demo_files
    >>> rnnlens.read(demo_files().network)
    <Network 'weather' from Keras 3 archive (.keras): Input > LSTM > Dense > Activate>
    """
    from rnnlens.api.shared.given.reading import read_model
    from rnnlens.readers.options import ReadOptions

    options = ReadOptions(
        example=example,
        head=head,
        part=part,
        nonlinearity=nonlinearity,
        weights=weights,
        batch_axes=batch_axes,
        step_axes=step_axes,
        architecture=architecture,
        layers=layers,
        until=until,
        output=output,
        same_as=same_as,
        unroll=unroll,
    )
    return read_model(source, options)
