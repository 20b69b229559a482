"""YAML of a file that may lie: plain values alone, with aliases written out within limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rnnlens.errors import MissingLibrary, UnreadableFile
from rnnlens.network.json_values import Json

__all__ = ["DEEPEST", "MOST_PARTS", "plain_yaml"]

#: No architecture, and no settings of a training, have more parts than this.
MOST_PARTS, DEEPEST = 1_000_000, 100


def plain_yaml(text: str, path: Path, *, purpose: str, instead: str) -> Json:
    """Read YAML: what for, as after "is not JSON;", and what to do where it is none."""
    try:
        import yaml
    except ImportError as error:
        raise MissingLibrary(
            f'{path} {purpose}, rnnlens needs PyYAML: pip install "rnnlens[yaml]"'
        ) from error

    class Loader(yaml.SafeLoader):
        """Plain values alone; the tuples that Keras writes become lists."""

    def tuple_as_list(loader: Any, node: Json) -> list[Any]:
        return loader.construct_sequence(node, deep=True)

    Loader.add_constructor("tag:yaml.org,2002:python/tuple", tuple_as_list)
    try:
        # Loader is a SafeLoader: it makes plain values and runs nothing.
        value = yaml.load(text, Loader)
        return _unfolded(value, [MOST_PARTS], DEEPEST, path)
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableFile(f"{path} {instead}") from error


def _unfolded(value: Json, left: list[int], depth: int, path: Path) -> Json:
    """Write aliases out, within limits: a few lines of them can stand for any number of parts."""
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise UnreadableFile(f"{path} unfolds to more than any architecture has; it is hostile")
    if isinstance(value, dict):
        return {str(key): _unfolded(item, left, depth - 1, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_unfolded(item, left, depth - 1, path) for item in value]
    return value
