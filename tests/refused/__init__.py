"""What rnnlens refuses, case by case: each module makes the bad input of some sections."""

from refused.registry import MAKERS, REFUSALS, alike, holds, outcome, section

__all__ = ["MAKERS", "REFUSALS", "alike", "holds", "outcome", "section"]
