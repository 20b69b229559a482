"""What can reach a forecast at all: boolean data flow, from wiring and from zero weights.

Importing it registers the rule of every layer with `rnnlens.evidence.reach.rules`.
"""

from rnnlens.evidence.reach import cells, rules

__all__ = ["cells", "rules"]
