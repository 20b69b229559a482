"""From what was computed to labelled results that say where they come from."""

from rnnlens import accessor  # with a first result, .rnnlens is known

__all__ = ["accessor"]
