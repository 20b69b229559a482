"""A described network as text: every array by its gate, and where the time steps went.

The description is what `rnnlens.network.describe.describe` gives; only plain dictionaries come in,
so that the same one serves JSON and a page.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from unicodedata import east_asian_width

import numpy as np

from rnnlens.names import clauses
from rnnlens.views.words.arrays import array_sentence
from rnnlens.views.words.language import many, say
from rnnlens.views.words.origin import fact_text, origin_sentences
from rnnlens.views.words.reach import reach_sentences

__all__ = ["render_inspection"]

#: A network, a layer, an array or options, as plain dictionaries.
Description: TypeAlias = "Mapping[str, Any]"

#: Options that say nothing where they have these values.
USUAL: dict[str, object] = {
    "dilation": 1,
    "go_backwards": False,
    "groups": 1,
    "keepdims": False,
    "mask_zero": False,
    "return_sequences": False,
    "return_state": False,
    "stateful": False,
    "zero_output_for_mask": False,
}


def render_inspection(description: Description, *, values: bool = False, width: int = 100) -> str:
    """Write a described network for the terminal."""
    lines = [*_head(description, width)]
    for layer in description["layers"]:
        lines += ["", *_layer(layer, width)]
    lines += [
        "",
        say("Where the time steps went"),
        *_filled(fact_text(description["time_steps"]), width),
    ]
    for sentence in reach_sentences(description.get("reach") or ()):
        lines += ["", *_filled(sentence, width)]
    for sentence in origin_sentences({
        key: clauses(description.get(key) or ()) for key in ("assumed", "left_out")
    }):
        lines += ["", *wrap(sentence, width)]
    if description["notes"]:
        lines += ["", say("Notes")]
        for note in description["notes"]:
            lines += _filled(fact_text(note), width)
    if values:
        lines += ["", *_values(description)]
    return "\n".join(lines)


def _head(description: Description, width: int) -> Iterator[str]:
    source = " ".join(part for part in (description["format"], description["version"]) if part)
    yield f"{description['path'] or description['name']}: {source}"
    arrays = sum(len(layer["arrays"]) for layer in description["layers"])
    holds = many(
        arrays,
        "{parameters:,} parameters in {count} named array",
        "{parameters:,} parameters in {count} named arrays",
        parameters=description["parameters"],
    )
    yield from wrap(holds, width)
    if description["sha256"]:
        yield f"SHA-256 {description['sha256']}"
    yield from wrap(" > ".join(layer["kind"] for layer in description["layers"]), width)


def _layer(layer: Description, width: int) -> Iterator[str]:
    said = [f"{layer['name']}: {layer['kind']}"]
    if layer["units"] is not None and layer["features"] is not None:
        said.append(
            say("{features} in, {units} units", features=layer["features"], units=layer["units"])
        )
    if layer["output_shape"] is not None:
        shape = shape_text(layer["output_shape"])
        said.append(shape if layer["kind"] == "Input" else say("output {shape}", shape=shape))
    yield from wrap(say(", ").join(said), width)
    if layer["kind"] == "Input":
        return
    if layer["shares_arrays_of"]:
        yield f"  {say('its arrays are those of {layer}', layer=layer['shares_arrays_of'])}"
    options = ", ".join(_options(layer["options"]))
    if options:
        yield from wrap(options, width, initial_indent="  ", subsequent_indent="  ")
    if layer["formula"]:
        yield from _hung(say("parameters: {formula}", formula=layer["formula"]), width)
    for array in layer["arrays"]:
        yield from _hung(array_line(array), width)


def _hung(line: str, width: int) -> list[str]:
    """Wrap a line, with what is carried over further in; what fits no line stays whole."""
    return wrap(
        line, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _options(options: Description) -> Iterator[str]:
    for name, value in options.items():
        if name in USUAL and value == USUAL[name]:
            continue
        yield f"{name} {shape_text(value) if isinstance(value, list) else value}"


def array_line(array: Description) -> str:
    """Write one array on one line."""
    said = array_sentence(array)
    return f"{array['name']} {shape_text(array['shape'])} {said}".rstrip()


def shape_text(shape: list[int | None]) -> str:
    """Write a shape as Python does, with ``any`` where any length serves.

    Examples
    --------
    >>> shape_text([24, 10]), shape_text([32]), shape_text([None, 10])
    ('(24, 10)', '(32,)', '(any, 10)')
    """
    lengths = [say("any") if length is None else str(length) for length in shape]
    return f"({lengths[0]},)" if len(lengths) == 1 else f"({', '.join(lengths)})"


def _values(description: Description) -> Iterator[str]:
    for layer in description["layers"]:
        for array in layer["arrays"]:
            label = f"Param {array['name'].replace('.', '_')}: "
            numbers = np.array2string(
                np.asarray(array["values"], dtype=float).reshape(array["shape"]),
                separator=", ",
                prefix=label,
                threshold=sys.maxsize,
                max_line_width=100,
                floatmode="unique",
            )
            yield f"{label}{numbers}"


def wrap(text: str, width: int, **how: Any) -> list[str]:
    """Break a text into lines; letters that are two columns wide count as two."""
    wide = sum(east_asian_width(letter) in "WF" for letter in text)
    fitting = max(20, width * len(text) // (len(text) + wide)) if wide else width
    return textwrap.wrap(text, fitting, **how)


def _filled(sentences: str, width: int) -> list[str]:
    return wrap(sentences, width, initial_indent="  ", subsequent_indent="  ")
