"""Keras 3 models written as Keras 1, Keras 2 and tf.keras wrote them: their words, their names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

__all__ = ["as_keras_1", "as_keras_2", "on_cudnn", "parts_of_keras_1", "parts_of_keras_2"]

#: Options of Keras 3 that its predecessors did not write.
NEW = {"seed", "use_cudnn", "synchronized", "optional", "autocast", "rms_scaling"}

#: Options of Keras 1 by those of Keras 3.
WORDS_1 = {
    "units": "output_dim",
    "use_bias": "bias",
    "recurrent_activation": "inner_activation",
    "filters": "nb_filter",
    "kernel_size": "filter_length",
    "pool_size": "pool_length",
    "padding": "border_mode",
    "batch_shape": "batch_input_shape",
    "input_dim": "input_dim",
    "output_dim": "output_dim",
}
KEPT_1 = {"name", "activation", "return_sequences", "go_backwards", "stateful", "unroll", "axis"}
KEPT_1 |= {"epsilon", "momentum", "merge_mode", "mask_value", "mask_zero", "target_shape", "n"}
CLASSES_1 = {"Conv1D": "Convolution1D", "Concatenate": "Merge", "Functional": "Model"}

#: Gates in Keras 3's kernels, and in the order in which Keras 1 lists their arrays.
GATES_1 = {"LSTM": ("ifco", "icfo"), "GRU": ("zrh", "zrh"), "SimpleRNN": (" ", " ")}


def as_keras_2(model: keras.Model, path: Path, *, version: str = "2.15.0") -> Path:
    """Write a whole model as Keras 2 (``2.3.1``) or tf.keras (``2.15.0``) wrote it."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(_stated(model, version)).encode()
        file.attrs["keras_version"] = version.encode()
        file.attrs["backend"] = b"tensorflow"
        _weights(model, file.create_group("model_weights"), version)
    return path


def parts_of_keras_2(model: keras.Model, folder: Path, *, version: str = "2.3.1") -> Path:
    """Write weights and architecture apart, as Keras 2 wrote them; give the weights."""
    path = folder / "weights.h5"
    said = {**_stated(model, version), "keras_version": version, "backend": "tensorflow"}
    (folder / "architecture.json").write_text(json.dumps(said))
    with h5py.File(path, "w") as file:
        _weights(model, file, version)
        file.attrs["keras_version"] = version.encode()
        file.attrs["backend"] = b"tensorflow"
    return path


def on_cudnn(weights: Path, architecture: Path | None = None) -> Path:
    """Turn the LSTM of a file of Keras 2, named ``lstm``, into a CuDNNLSTM.

    Its kernels hold each gate's matrix turned over, and each gate has two biases.
    """
    unknown = ("activation", "recurrent_activation", "dropout", "recurrent_dropout", "unroll")
    unknown += ("use_bias", "implementation")

    def turned(text: str | bytes) -> str:
        stated = json.loads(text)
        layers = stated["config"]
        layers = layers if isinstance(layers, list) else layers["layers"]
        (entry,) = [layer for layer in layers if layer["class_name"] == "LSTM"]
        entry["class_name"] = "CuDNNLSTM"
        for option in unknown:
            entry["config"].pop(option, None)
        return json.dumps(stated)

    with h5py.File(weights, "r+") as file:
        if architecture is None:
            file.attrs["model_config"] = turned(file.attrs["model_config"]).encode()
        else:
            architecture.write_text(turned(architecture.read_text()))
        group = file["model_weights/lstm"] if architecture is None else file["lstm"]
        for name in group.attrs["weight_names"]:
            own = group[name.decode() if isinstance(name, bytes) else name]
            values = own[()]
            if values.ndim == 1:
                first = np.random.default_rng(9).normal(size=values.shape).astype("float32")
                both = np.concatenate([first, values - first])
                path = own.name
                del file[path]
                file[path] = both
            else:
                gates = np.split(values, 4, axis=1)
                own[...] = np.concatenate([g.T.reshape(g.shape) for g in gates], axis=1)
    return weights


def as_keras_1(
    model: keras.Model, path: Path, *, backend: str = "tensorflow", consume_less: str = "cpu"
) -> Path:
    """Write a whole model as Keras 1.2.2 wrote it: an array a gate, or ``"gpu"``, side by side."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(_model_1(model, consume_less)).encode()
        file.attrs["keras_version"] = b"1.2.2"
        _weights_1(model, file.create_group("model_weights"), backend, consume_less)
    return path


def parts_of_keras_1(model: keras.Model, folder: Path, *, backend: str = "tensorflow") -> Path:
    """Write weights and architecture apart, as Keras 1 wrote them; give the weights."""
    path = folder / "weights.h5"
    said = {**_model_1(model, "cpu"), "keras_version": "1.2.2"}
    (folder / "architecture.json").write_text(json.dumps(said))
    with h5py.File(path, "w") as file:
        _weights_1(model, file, backend, "cpu")
    return path


def _all_layers(model: Any) -> list[Any]:
    """Layers with their input layer, which a Sequential model does not list."""
    return list(getattr(model, "_layers", model.layers))


def _fill(group: h5py.Group, arrays: dict[str, np.ndarray]) -> None:
    group.attrs["weight_names"] = [name.encode() for name in arrays]
    for name, values in arrays.items():
        group[name] = values


# --- Keras 2 -----------------------------------------------------------------------------------


def _weights(model: Any, group: h5py.Group, version: str) -> None:
    layers = _all_layers(model)
    group.attrs["layer_names"] = [layer.name.encode() for layer in layers]
    for layer in layers:
        _fill(group.create_group(layer.name), _arrays_2(layer, version))


def _arrays_2(layer: Any, version: str) -> dict[str, np.ndarray]:
    if isinstance(layer, keras.Model):
        found = [_arrays_2(inner, version) for inner in layer.layers]
        return {key: values for each in found for key, values in each.items()}
    named = [*layer.trainable_weights, *layer.non_trainable_weights]
    return {
        _name_2(layer, weight, version): np.asarray(keras.ops.convert_to_numpy(weight))
        for weight in named
    }


def _name_2(layer: Any, weight: Any, version: str) -> str:
    parts = weight.path.split("/")
    parts = parts[parts.index(layer.name) :] if layer.name in parts else [layer.name, *parts[-2:]]
    if version < "2.4":  # multi-backend Keras names no cell
        parts = [part for part in parts if not part.endswith("_cell")]
    return "/".join(parts) + ":0"


def _stated(model: Any, version: str) -> dict[str, Any]:
    kind = "Sequential" if isinstance(model, keras.Sequential) else "Model"
    return {"class_name": kind, "config": _model_2(model.get_config(), kind, version)}


def _model_2(config: dict[str, Any], kind: str, version: str) -> Any:
    layers = [_layer_2(entry, version) for entry in config["layers"]]
    if kind == "Sequential" and version < "2.2.3":
        return layers
    if kind == "Sequential":
        return {"name": config["name"], "layers": layers}
    ends = {key: _many(config[key]) for key in ("input_layers", "output_layers")}
    return {"name": config["name"], "layers": layers, **ends}


def _layer_2(entry: dict[str, Any], version: str) -> dict[str, Any]:
    kind, config = entry["class_name"], entry["config"]
    if kind in {"Sequential", "Functional", "Model"}:
        kind = "Sequential" if kind == "Sequential" else "Model"
        made = {"class_name": kind, "config": _model_2(config, kind, version)}
    else:
        options = {key: _option_2(key, v, version) for key, v in config.items() if key not in NEW}
        if "batch_shape" in options:
            options["batch_input_shape"] = options.pop("batch_shape")
        made = {"class_name": kind, "config": options}
    if "inbound_nodes" in entry:
        nodes = [[[*place, {}] for place in _tensors(node)] for node in entry["inbound_nodes"]]
        made |= {"name": entry["name"], "inbound_nodes": [node for node in nodes if node]}
    return made


def _option_2(key: str, value: Any, version: str) -> Any:
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    if key == "dtype":
        return value["config"]["name"]
    if key in {"layer", "backward_layer"}:
        return _layer_2(value, version)
    return {"class_name": value["class_name"], "config": value["config"]}


def _tensors(value: Any) -> list[list[Any]]:
    """Find the tensors of a call, in order: the sequence, then the states."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return [list(value["config"]["keras_history"])]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [place for item in value for place in _tensors(item)]
    return []


def _many(places: Any) -> list[Any]:
    return [list(p) for p in places] if isinstance(places[0], (list, tuple)) else [list(places)]


# --- Keras 1 -----------------------------------------------------------------------------------


def _weights_1(model: Any, group: h5py.Group, backend: str, consume_less: str) -> None:
    layers = _all_layers(model)
    group.attrs["layer_names"] = [layer.name.encode() for layer in layers]
    for layer in layers:
        arrays = _arrays_1(layer, packed=consume_less == "gpu")
        if backend == "theano":  # which numbers no outputs of an operation
            arrays = {name.removesuffix(":0"): values for name, values in arrays.items()}
        _fill(group.create_group(layer.name), arrays)


def _model_1(model: Any, consume_less: str) -> dict[str, Any]:
    if isinstance(model, keras.Sequential):
        layers = [_layer_1(layer, consume_less) for layer in model.layers]
        layers[0]["config"]["batch_input_shape"] = list(model.input_shape)
        return {"class_name": "Sequential", "config": layers}
    config = model.get_config()
    entries = []
    for layer, entry in zip(model.layers, config["layers"], strict=True):
        nodes = [_tensors(node) for node in entry["inbound_nodes"]]
        found = {"name": layer.name, "inbound_nodes": [node for node in nodes if node]}
        entries.append({**_layer_1(layer, consume_less), **found})
    ends = {key: _many(config[key]) for key in ("input_layers", "output_layers")}
    return {"class_name": "Model", "config": {"name": model.name, "layers": entries, **ends}}


def _layer_1(layer: Any, consume_less: str) -> dict[str, Any]:
    if isinstance(layer, (keras.Sequential, keras.Model)):
        return _model_1(layer, consume_less)
    kind, given = type(layer).__name__, layer.get_config()
    config = {key: given[key] for key in KEPT_1 & set(given)}
    for new, old in WORDS_1.items():
        if new in given:
            value = given[new]
            single = isinstance(value, (list, tuple)) and len(value) == 1
            config[old] = value[0] if single else value
    if kind in GATES_1:
        del config["bias"]  # they always have one
        config["consume_less"] = consume_less
    if "strides" in given:
        name = "subsample_length" if kind == "Conv1D" else "stride"
        config[name] = given["strides"][0]
    if "layer" in given:
        config["layer"] = _layer_1(
            layer.layer if kind == "TimeDistributed" else layer.forward_layer, consume_less
        )
    if kind == "Bidirectional":
        config["layer"]["config"]["name"] = config["layer"]["config"]["name"].split("_", 1)[1]
    if kind == "Concatenate":
        config |= {"mode": "concat", "mode_type": "raw", "concat_axis": -1, "dot_axes": -1}
    if kind == "BatchNormalization":
        config["mode"] = 0
    return {"class_name": CLASSES_1.get(kind, kind), "config": config}


def _arrays_1(layer: Any, *, packed: bool = False) -> dict[str, np.ndarray]:
    """Cut a layer's arrays by gate, in the order of Keras 1's files, or leave them side by side."""
    kind, name = type(layer).__name__, layer.name
    if isinstance(layer, keras.Model):
        found = [_arrays_1(inner, packed=packed) for inner in layer.layers]
        return {key: values for each in found for key, values in each.items()}
    if kind == "Bidirectional":
        sides = (layer.forward_layer, layer.backward_layer)
        return _arrays_1(sides[0], packed=packed) | _arrays_1(sides[1], packed=packed)
    if kind == "TimeDistributed":
        return _arrays_1(layer.layer, packed=packed)
    values = [np.asarray(weight) for weight in layer.get_weights()]
    if kind in {"LSTM", "GRU"} and packed:
        return {f"{name}_{letter}:0": whole for letter, whole in zip("WUb", values, strict=True)}
    if kind in GATES_1:
        kept, listed = GATES_1[kind]
        cut = {
            (letter, gate): part
            for letter, whole in zip("WUb", values, strict=True)
            for gate, part in zip(kept, np.split(whole, len(kept), axis=-1), strict=True)
        }
        return {
            f"{name}_{letter}_{gate}".rstrip(" _") + ":0": cut[letter, gate]
            for gate in listed
            for letter in "WUb"
        }
    if kind == "Conv1D":
        values[0] = values[0][:, None]
    ends = ("gamma", "beta", "running_mean", "running_std") if len(values) == 4 else ("W", "b")
    return {f"{name}_{end}:0": array for end, array in zip(ends, values, strict=False)}
