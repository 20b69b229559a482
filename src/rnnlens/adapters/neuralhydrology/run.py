"""A run folder of NeuralHydrology: its settings, its scaler, its basins and its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from rnnlens.arguments import did_you_mean
from rnnlens.errors import InputError, UnreadableFile, UnsupportedModel
from rnnlens.readers.hardening.yaml_text import plain_yaml

__all__ = ["SETTINGS", "Run", "opened"]

SETTINGS = "config.yml"
EPOCH = re.compile(r"model_epoch(\d+)\.pt")
#: No run folder's YAML is longer; basins of the whole world by name are some megabytes.
LARGEST_TEXT = 64 * 1024**2
#: What rnnlens does not follow from files, where a run sets it.
NOT_FOLLOWED = (
    "autoregressive_inputs",
    "conceptual_model",
    "evolving_attributes",
    "mass_inputs",
    "nan_handling_method",
    "timestep_counter",
)
#: What to do about a model that files do not tell enough of.
LIVE = (
    "build it with neuralhydrology and read it live, rnnlens.read(model, example=batch), as "
    "docs/integrations.md shows"
)


@dataclass(frozen=True, eq=False)
class Run:
    """What a run folder says, checked.

    Parameters
    ----------
    path : Path
        The folder.
    weights : Path
        The epoch that is read.
    settings : mapping
        What ``config.yml`` holds.
    center, scale : mapping of str to float
        ``network = (value - center) / scale``, of inputs, attributes and targets alike.
    basins : tuple of str
        In the order of their one-hot code; empty where none is taken.
    """

    path: Path
    weights: Path
    settings: Mapping[str, object]
    center: Mapping[str, float]
    scale: Mapping[str, float]
    basins: tuple[str, ...]

    def names(self, key: str) -> tuple[str, ...]:
        """Give a list of names of the settings, nested ones one after the other."""
        given = self.settings.get(key) or ()
        if isinstance(given, str):
            return (given,)
        if not isinstance(given, list | tuple):
            raise UnsupportedModel(
                f"{self.path / SETTINGS} gives {key} by frequency, and rnnlens reads runs of one "
                f"time step from files: {LIVE}"
            )
        return tuple(
            str(name)
            for group in given
            for name in (group if isinstance(group, list | tuple) else (group,))
        )

    def number(self, key: str) -> int:
        """Give a whole number of the settings."""
        given = self.settings.get(key)
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise UnreadableFile(
                f"{self.path / SETTINGS} must hold {key}, a whole number from 1, and holds "
                f"{given!r}: copy the run folder again"
            )
        return given

    @property
    def dynamic(self) -> tuple[str, ...]:
        """What changes in time, in the network's order."""
        return self.names("dynamic_inputs")

    @property
    def attributes(self) -> tuple[str, ...]:
        """What does not, in the network's order: neuralhydrology sorts it by name."""
        return tuple(
            sorted((*self.names("static_attributes"), *self.names("hydroatlas_attributes")))
        )

    @property
    def targets(self) -> tuple[str, ...]:
        """What is forecast."""
        return self.names("target_variables")

    @property
    def model(self) -> str:
        """The kind of the model, in small letters."""
        return str(self.settings.get("model", "")).lower()


def opened(source: str | PathLike[str], epoch: str | None = None) -> Run:
    """Read what a run folder says of itself; the newest epoch's weights unless one is named."""
    folder = Path(source)
    settings = _mapping(folder / SETTINGS)
    for key in NOT_FOLLOWED:
        if settings.get(key):
            raise UnsupportedModel(
                f"{folder / SETTINGS} sets {key}, which rnnlens does not follow from files: {LIVE}"
            )
    scaler = _mapping(_scaler_of(folder))
    center = {
        **_numbers(scaler, "attribute_means"),
        **_variables(scaler, "feature_center", "means"),
    }
    scale = {**_numbers(scaler, "attribute_stds"), **_variables(scaler, "feature_scale", "stds")}
    basins: tuple[str, ...] = ()
    if settings.get("use_basin_id_encoding"):
        places = _numbers(_mapping(folder / "train_data" / "id_to_int.yml"))
        basins = tuple(sorted(places, key=places.__getitem__))
    return Run(folder, _weights_of(folder, epoch), settings, center, scale, basins)


def _epochs(folder: Path) -> dict[str, Path]:
    """Give the weights by epoch, the newest last."""
    found = {
        path.stem: path for path in folder.glob("model_epoch*.pt") if EPOCH.fullmatch(path.name)
    }
    return dict(sorted(found.items()))


def _weights_of(folder: Path, epoch: str | None) -> Path:
    there = _epochs(folder)
    name = list(there)[-1] if epoch is None else epoch.removesuffix(".pt")
    if name not in there:
        raise InputError(
            f"{folder} has no part {epoch!r}{did_you_mean(name, there)}: its epochs are "
            f"{', '.join(there)}"
        )
    return there[name]


def _scaler_of(folder: Path) -> Path:
    path = folder / "train_data" / "train_data_scaler.yml"
    beside = folder / path.name
    if not path.is_file() and beside.is_file():
        return beside
    if not path.is_file() and path.with_suffix(".p").is_file():
        raise UnreadableFile(
            f"{path.with_suffix('.p')} is a pickled scaler of an old neuralhydrology, which rnnlens"
            " never loads, for it can run code: have neuralhydrology 1.2 or later load it "
            "(load_scaler) and write its numbers to train_data_scaler.yml"
        )
    return path


def _mapping(path: Path) -> dict[str, object]:
    """Read a mapping of plain values."""
    try:
        if path.stat().st_size > LARGEST_TEXT:
            raise UnreadableFile(f"{path} is too long to be a file of a run: copy the folder again")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not text: copy the run folder again") from error
    except OSError as error:
        raise UnreadableFile(
            f"{path} cannot be read ({error.strerror}): a run folder of neuralhydrology holds it, "
            "so copy the whole folder"
        ) from error
    value = plain_yaml(
        text,
        path,
        purpose="is YAML; to read a run folder",
        instead="is damaged: copy the run folder again",
    )
    if not isinstance(value, dict):
        raise UnreadableFile(f"{path} holds no settings by name: copy the run folder again")
    return value


def _numbers(values: Mapping[str, object], key: str | None = None) -> dict[str, float]:
    """Give the numbers by name; those of YAML 1.2, such as 1e-05, are texts to PyYAML."""
    held = values if key is None else values.get(key) or {}
    if not isinstance(held, Mapping):
        return {}
    try:
        return {str(name): float(str(number)) for name, number in held.items()}
    except ValueError as error:
        raise UnreadableFile(
            f"a run folder's scaler must hold one number a variable: {error}; copy it again"
        ) from error


def _variables(scaler: Mapping[str, object], *names: str) -> dict[str, float]:
    """Give the numbers that a dataset of xarray was written out with, by variable."""
    held = next((scaler[f"xarray_{n}"] for n in names if f"xarray_{n}" in scaler), {})
    inside = held.get("data_vars") if isinstance(held, Mapping) else None
    each = inside if isinstance(inside, Mapping) else {}
    return _numbers({
        name: one.get("data") if isinstance(one, Mapping) else one for name, one in each.items()
    })
