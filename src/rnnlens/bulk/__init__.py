"""Whole archives, block by block: on any number of processes, and gone on with where it ended."""

from rnnlens.bulk.blocks import Part
from rnnlens.bulk.options import Blocks, Runner
from rnnlens.bulk.results import repair, sample, status, summary, verify

__all__ = ["Blocks", "Part", "Runner", "repair", "sample", "status", "summary", "verify"]
