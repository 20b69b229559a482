"""The command line: what the verbs of `rnnlens.api` answer, at a terminal."""

from rnnlens.cli.app import main

__all__ = ["main"]
