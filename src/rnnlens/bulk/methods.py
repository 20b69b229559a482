"""The methods that explain archives: each of a window's numbers is of that window alone.

They give one number for each lag and feature, which is what a result has an array of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rnnlens.attribution.registry import METHODS as KNOWN

if TYPE_CHECKING:
    from rnnlens.bulk.job import Manifest

__all__ = ["METHODS", "Words", "of_a_window", "variable_of", "words_of", "written_by"]

METHODS = ("secant", "integrated_gradients", "gradient", "gradient_times_input")


class Words(NamedTuple):
    """How a method's numbers are spoken of, and how they stand to the forecast."""

    one: str
    several: str
    towards: str


_WORDS = {
    "contribution": Words("contribution", "contributions", "to"),
    "sensitivity": Words("sensitivity", "sensitivities", "of"),
}


def variable_of(method: str) -> str:
    """Name the array of a method's numbers by lag and feature."""
    return KNOWN[method].variable


def of_a_window(method: str) -> tuple[str, ...]:
    """Name what a method gives one number of for each window."""
    compared = ("baseline_forecast", "residual") if KNOWN[method].hides else ()
    return ("forecast", *compared)


def written_by(manifest: Manifest) -> tuple[str, ...]:
    """Name the arrays that the blocks of a result write."""
    method = manifest.settings["method"]
    return (variable_of(method), *of_a_window(method))


def words_of(method: str) -> Words:
    """Say how a method's numbers are spoken of."""
    return _WORDS[KNOWN[method].kind]
