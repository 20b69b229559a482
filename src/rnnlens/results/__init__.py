"""Results: frozen dataclasses become labelled Datasets that carry where they came from."""

from rnnlens.results.attributes import file_safe
from rnnlens.results.label import label, label_tree, node_path
from rnnlens.results.provenance import provenance
from rnnlens.results.store import save

__all__ = ["file_safe", "label", "label_tree", "node_path", "provenance", "save"]
