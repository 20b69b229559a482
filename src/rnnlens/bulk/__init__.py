"""Whole archives, block by block: on any number of processes, and gone on with where it ended."""

from rnnlens.bulk.blocks import Part
from rnnlens.bulk.options import Blocks, Runner
from rnnlens.bulk.results import repair, status, summary, verify
from rnnlens.bulk.sampled import sample

__all__ = ["Blocks", "Part", "Runner", "repair", "sample", "status", "summary", "verify"]
