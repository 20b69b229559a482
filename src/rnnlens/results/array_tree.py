"""A tree of arrays that answers to their full names, ``lstm.W_f``."""

from __future__ import annotations

from typing import Any

import xarray as xr

from rnnlens.results.label import node_path

__all__ = ["ArrayTree"]


class ArrayTree(xr.DataTree):
    """A tree by layer whose arrays are found by the names that `rnnlens.describe` prints.

    Paths of xarray, ``"lstm/W_f"``, serve as well.

    Examples
    --------
    >>> tree = ArrayTree.from_dict({"/lstm": xr.Dataset({"W_f": ("unit", [1.0, 2.0])})})
    >>> tree["lstm.W_f"].values, "lstm.W_f" in tree, "lstm.W_x" in tree
    (array([1., 2.]), True, False)
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        """Give a layer or an array by its name or its path."""
        path = self._path(key)
        try:
            return super().__getitem__(key if path is None else path)
        except KeyError:
            names = ", ".join(self.array_names) or "none"
            raise KeyError(f"no array or layer is called {key!r}: there are {names}") from None

    def __contains__(self, key: object) -> bool:
        return self._path(key) is not None or super().__contains__(key)

    @property
    def array_names(self) -> tuple[str, ...]:
        """The full names of all arrays."""
        return tuple(
            f"{node.attrs['layer']}.{name}" if "layer" in node.attrs else str(name)
            for node in self.subtree
            for name in node.data_vars
        )

    def _path(self, key: object) -> str | None:
        """Give the path of an array's full name; None where it is no such name."""
        layer, dot, name = key.rpartition(".") if isinstance(key, str) else ("", "", "")
        if not dot:
            return None
        path = node_path(layer)
        node: xr.DataTree = self
        for part in path.split("/"):
            if part not in node.children:
                return None
            node = node.children[part]
        return f"{path}/{name}" if name in node.data_vars else None
