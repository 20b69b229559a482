"""The shape of what says what a network is made of: plain dictionaries, ready for JSON."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from rnnlens.network.json_values import Json

__all__ = ["ArrayDescription", "LayerDescription", "NetworkDescription"]


class ArrayDescription(TypedDict):
    """What one array is; ``values`` are nested lists, where they were asked for."""

    name: str
    gate: str
    meaning: str
    shape: list[int]
    dimensions: list[str]
    dtype: str
    source: str
    stored_at: str
    values: NotRequired[Json]


class LayerDescription(TypedDict):
    """What one layer is; ``units`` and ``features`` where it has them."""

    name: str
    kind: str
    units: int | None
    features: int | None
    parameters: int
    formula: str
    options: dict[str, Json]
    inputs: list[str]
    output_shape: list[int | None] | None
    shares_arrays_of: str | None
    arrays: list[ArrayDescription]


class NetworkDescription(TypedDict):
    """What a network is, or the arrays of a file that says no more than those."""

    name: str
    format: str
    version: str
    path: str
    sha256: str
    parameters: int
    notes: list[str]
    assumed: list[str]
    left_out: list[str]
    time_steps: str
    inputs: dict[str, list[int | None]]
    layers: list[LayerDescription]
    reach: NotRequired[list[dict[str, Json]]]
