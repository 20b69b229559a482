"""Good files: models in every container, scalers, arrays of several inputs."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from several import ENDING, packed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
SHARED = os.environ.get("RNNLENS_SHARED")
WEATHER = ROOT / "src/rnnlens/demo/weather.keras"
KINDS = {".h5", ".keras", ".pt", ".pth", ".onnx", ".json", ".safetensors", ".npz"}
#: The endings, here alone, of scalers in any container and of arrays by the names of inputs.
SCALER, INPUTS = ".scaler", ".inputs"
LARGEST = 300_000


def seeds(folder: Path) -> list[Path]:
    """Give the good files: the model that ships, what is written of it, and those of others."""
    others = Path(SHARED, "models").rglob("*") if SHARED else ()
    shared = sorted(path for path in others if path.suffix in KINDS)
    return [
        WEATHER,
        *written(folder),
        *checkpoints(folder),
        *of_several(folder),
        *programs(folder),
        *sorted((ROOT / "tests/data/tflite").glob("*.tflite")),
        *scalers(folder),
        several_inputs(folder),
        *(p for p in shared if p.stat().st_size < LARGEST),
    ]


def written(folder: Path) -> list[Path]:
    """Write the model that ships in every format, and its weights alone."""
    from rnnlens.readers.open import read
    from rnnlens.writers import native as npz_file
    from rnnlens.writers.keras import archive as keras_archive
    from rnnlens.writers.onnx import file as onnx_file
    from rnnlens.writers.torch import safetensors_file

    network = read(WEATHER)
    forms = {
        "weather.npz": npz_file.write(network).data,
        "weather.safetensors": safetensors_file.write(network).data,
        "weather.onnx": onnx_file.write(network).data,
        "weather_again.keras": keras_archive.write(network).data,
    }
    with zipfile.ZipFile(WEATHER) as archive:
        forms["weather.weights.h5"] = archive.read("model.weights.h5")
    for name, data in forms.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in forms]


def checkpoints(folder: Path) -> list[Path]:
    """Write state dicts in every container of PyTorch, with other objects beside them."""
    import torch

    net = torch.nn.ModuleDict({"rnn": torch.nn.LSTM(3, 4), "fc": torch.nn.Linear(4, 1)})
    state = net.state_dict()
    whole = {"state_dict": state, "hyper_parameters": {"loss": torch.nn.MSELoss(), "of": [folder]}}
    paths = [folder / name for name in ("objects.pt", "older.pt", "whole.pt", "int8.pt", "ts.pt")]
    objects, older, pickled, int8, scripted = paths
    torch.save(whole, objects)
    torch.save(whole, older, _use_new_zipfile_serialization=False)
    torch.save(net, pickled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = {torch.nn.LSTM, torch.nn.Linear}
        rounded = torch.ao.quantization.quantize_dynamic(net.eval(), kinds)
        torch.save(rounded.state_dict(), int8)
        torch.jit.save(torch.jit.script(torch.nn.Sequential(torch.nn.LSTM(3, 4))), scripted)
    text = folder / "named.json"
    text.write_text(json.dumps({key: value.tolist() for key, value in state.items()}))
    return [*paths, text]


def of_several(folder: Path) -> list[Path]:
    """Pack the models of TensorFlow and of Keras 3 that are several files."""
    sources = [path for path in sorted((ROOT / "tests/data/tensorflow").iterdir()) if path.is_dir()]
    unzipped = folder / "unzipped"
    with zipfile.ZipFile(WEATHER) as archive:
        archive.extractall(unzipped)
    made = []
    for source in (*sources, unzipped, sharded(folder / "sharded")):
        path = folder / f"{source.name}{ENDING}"
        path.write_bytes(packed(source))
        made.append(path)
    return made


def sharded(folder: Path) -> Path:
    """Write weights of Keras 3 in several files, with their architecture beside them."""
    import keras

    layers = [keras.layers.LSTM(4, name="low"), keras.layers.Dense(2, name="head")]
    model = keras.Sequential([keras.layers.Input((6, 3)), *layers])
    folder.mkdir()
    model.save_weights(folder / "m.weights.json", max_shard_size=3e-7)
    (folder / "m.json").write_text(model.to_json())
    return folder


def programs(folder: Path) -> list[Path]:
    """Write programs of ``torch.export``: one of any number of samples, one of fixed sizes."""
    import torch

    class Forecaster(torch.nn.Module):
        def __init__(self, kind: type[torch.nn.LSTM | torch.nn.GRU]) -> None:
            super().__init__()
            self.rnn = kind(2, 3, batch_first=True)
            self.fc = torch.nn.Linear(3, 1)
            self.register_buffer("scale", torch.tensor([2.0]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(torch.relu(self.rnn(x)[0][:, -1])) * self.scale

    paths = [folder / "any.pt2", folder / "fixed.pt2"]
    kinds = torch.nn.LSTM, torch.nn.GRU
    sizes = ({0: torch.export.Dim.AUTO},), None
    for path, kind, free in zip(paths, kinds, sizes, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported = torch.export.export(
                Forecaster(kind).eval(), (torch.ones(3, 4, 2),), dynamic_shapes=free
            )
            torch.export.save(exported, path)
    return paths


def scalers(folder: Path) -> list[Path]:
    """Write scalers in every container that is read: pickles, joblib, skops, arrays, JSON."""
    import gzip
    import pickle

    import joblib
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler

    table = np.random.default_rng(0).lognormal(size=(30, 3))
    standard = StandardScaler().fit(table)
    both = ColumnTransformer([("a", MinMaxScaler(), [0, 2]), ("b", RobustScaler(), [1])]).fit(table)
    kept = {"x": both, "y": [PowerTransformer().fit(table)]}
    paths = [
        folder / f"{name}{SCALER}"
        for name in ("new", "old", "gzip", "joblib", "zlib", "arrays", "skops", "json")
    ]
    new, old, packed_, dumped, pressed, arrays, skops, text = paths
    new.write_bytes(pickle.dumps(kept))
    old.write_bytes(pickle.dumps(standard, 0))
    packed_.write_bytes(gzip.compress(pickle.dumps(standard, 2)))
    joblib.dump(kept, dumped)
    joblib.dump(standard, pressed, compress=3)
    numbers = {"mean": table.mean(0), "scale": table.std(0)}
    with arrays.open("wb") as file:
        np.savez(file, **numbers)
    text.write_text(json.dumps({name: value.tolist() for name, value in numbers.items()}))
    of_skops(skops, {f"{name}_": value for name, value in numbers.items()})
    return paths


def of_skops(path: Path, fields: Mapping[str, NDArray[np.float64]]) -> None:
    """Write a StandardScaler as skops does: JSON, and a member for each array."""
    import numpy as np

    nodes = {
        name: {"__loader__": "NdArrayNode", "type": "numpy", "file": f"{name}.npy"}
        for name in fields
    }
    content = {"__loader__": "DictNode", "content": nodes}
    named = {"__class__": "StandardScaler", "__module__": "sklearn.preprocessing._data"}
    schema = {"__loader__": "ObjectNode", **named, "content": content}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
        for name, value in fields.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.save(file, value)


def several_inputs(folder: Path) -> Path:
    """Write arrays of several inputs, as ``rnnlens explain`` takes them."""
    import numpy as np

    path = folder / f"several{INPUTS}"
    rng = np.random.default_rng(1)
    with path.open("wb") as file:
        np.savez(file, series=rng.normal(size=(5, 6, 3)), static=rng.normal(size=(5, 4)))
    return path


def weights_of(source: Path) -> Path | None:
    """Give the file of weights that an architecture in JSON belongs to, the one beside it."""
    stem = source.stem.replace("-architecture", "-weights").replace("_config", "_weights")
    beside = source.with_name(f"{stem}.h5")
    return beside if source.suffix == ".json" and beside.exists() else None
