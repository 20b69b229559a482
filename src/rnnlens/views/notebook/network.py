"""A described network as a notebook shows it: layers to unfold, arrays by gate, origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from rnnlens.names import clauses
from rnnlens.views.notebook.piece import folded, list_of, paragraph, piece, table_markup
from rnnlens.views.tables.inside.gate_names import gate_name
from rnnlens.views.tables.inspection import shape_text
from rnnlens.views.words.arrays import array_text
from rnnlens.views.words.language import many, say
from rnnlens.views.words.origin import fact_text, origin_sentences
from rnnlens.views.words.reach import reach_sentences

__all__ = ["network_markup"]

#: Layers and arrays that are shown; a network of hundreds stays small.
LAYERS, ARRAYS = 60, 60


def network_markup(description: Mapping[str, Any]) -> str:
    """Show what `rnnlens.describe` says as a small piece of HTML."""
    layers = description["layers"]
    arrays = sum(len(layer["arrays"]) for layer in layers)
    source = " ".join(part for part in (description["format"], description["version"]) if part)
    parts = [
        paragraph(f"{description['path'] or description['name']}: {source}", "first"),
        paragraph(
            many(
                arrays,
                "{parameters:,} parameters in {count} named array",
                "{parameters:,} parameters in {count} named arrays",
                parameters=description["parameters"],
            )
        ),
        paragraph(fact_text(description["time_steps"])),
        *map(_layer, layers[:LAYERS]),
    ]
    if len(layers) > LAYERS:
        rest = many(len(layers) - LAYERS, "{count} more layer", "{count} more layers")
        parts.append(paragraph(rest, "more"))
    parts.append(list_of(_also(description)))
    if description["sha256"]:
        parts.append(f'<p class="more">SHA-256 <code>{escape(description["sha256"])}</code></p>')
    return piece(parts)


def _also(description: Mapping[str, Any]) -> Iterator[str]:
    """Say what cannot be seen, what is assumed, and what the reader noted."""
    yield from reach_sentences(description.get("reach") or ())
    yield from origin_sentences({
        key: clauses(description.get(key) or ()) for key in ("assumed", "left_out")
    })
    yield from map(fact_text, description["notes"])


def _layer(layer: Mapping[str, Any]) -> str:
    """Show one layer: its sizes, and one click away its options and arrays."""
    said = [f"{layer['name']}: {layer['kind']}"]
    if layer["units"] is not None and layer["features"] is not None:
        said.append(
            say("{features} in, {units} units", features=layer["features"], units=layer["units"])
        )
    if layer["output_shape"] is not None:
        said.append(say("output {shape}", shape=shape_text(layer["output_shape"])))
    inside = list(_inside(layer))
    if not inside:
        return f"<p><bdi>{escape(', '.join(said))}</bdi></p>"
    return folded(", ".join(said), inside)


def _inside(layer: Mapping[str, Any]) -> Iterator[str]:
    if layer["shares_arrays_of"]:
        yield paragraph(say("Its arrays are those of {layer}.", layer=layer["shares_arrays_of"]))
    if layer["formula"]:
        yield paragraph(say("Parameters: {formula}", formula=layer["formula"]), "more")
    arrays = layer["arrays"]
    if arrays:
        rows = [
            [
                one["name"],
                gate_name(one["gate"]),
                shape_text(one["shape"]),
                array_text(one["meaning"]),
                one["source"],
            ]
            for one in arrays[:ARRAYS]
        ]
        headings = [say("array"), say("gate"), say("shape"), say("what it is"), say("from")]
        yield table_markup(headings, rows)
    if len(arrays) > ARRAYS:
        yield paragraph(
            many(len(arrays) - ARRAYS, "{count} more array", "{count} more arrays"), "more"
        )
    if layer["options"]:
        rows = [[str(name), str(value)] for name, value in layer["options"].items()]
        yield folded(say("Options"), [table_markup([say("option"), say("value")], rows)])
