"""A first sidecar for a network of several inputs: names and sizes, columns to be filled in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial, reduce

from rnnlens.names import told
from rnnlens.series.draft.draft import Draft
from rnnlens.series.draft.writing import Speak
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.sidecar_text import from_toml

__all__ = ["draft_of_inputs"]

#: The numbers of a line that is to be filled in.
LINE = "{ mean = 0, scale = 1 }"
SAID = told("its column, unit and scaling")


def draft_of_inputs(
    shapes: Mapping[str, tuple[int | None, ...]], window: int | None, lead: int | None
) -> Draft:
    """Name each input of a network, of which no table says what goes into it."""
    write = partial(_written, shapes, window, lead)
    text, guesses = write(str)
    note = told(
        "the network takes {count} inputs, whose names and sizes are its own; which columns go "
        "into each no file says: write their names in the place of the numbered ones",
        count=len(shapes),
    )
    return Draft(Sidecar(**from_toml(text)), text, (note,), guesses, write)


def _written(
    shapes: Mapping[str, tuple[int | None, ...]],
    window: int | None,
    lead: int | None,
    speak: Speak,
) -> tuple[str, int]:
    """Write the lines, and count those that are to be checked."""
    import tomlkit

    series = [shape for shape in shapes.values() if len(shape) > 1]
    steps = window or next((shape[0] for shape in series if shape[0]), None) or 1
    guesses = 0

    def guess(stated: str, said: str) -> str:
        """Write a line that the user is to check, and count it."""
        nonlocal guesses
        guesses += 1
        return f"{stated}   # CHECK: {speak(said)}"

    lines = [
        guess('# time = "time"', told('the column with the times, and group = "station" if any')),
        guess(f"window = {steps}", told("steps of the first series")),
        guess(f"lead   = {lead or 1}", told("steps from the newest one taken to the one forecast")),
    ]
    for name, shape in shapes.items():
        path = f"inputs.{tomlkit.key(name).as_string()}"
        lines += ["", f"[{path}]   # {speak(_taken(shape))}"]
        if len(shape) < 2:
            or_series = told("or steps, or ahead for steps after the newest")
            lines.append(guess("static = true", or_series))
        elif shape[0] not in {None, steps}:
            or_ahead = told("or ahead, for steps after the newest")
            lines.append(guess(f"steps = {shape[0]}", or_ahead))
        count = shape[-1] or 1 if shape else 1
        lines.append(f"[{path}.features]")
        keys = (tomlkit.key(f"{name} {k + 1}").as_string() for k in range(count))
        lines += [guess(f"{key} = {LINE}", SAID) for key in keys]
    lines += ["", "[targets]", guess(f'"target" = {LINE}', SAID)]
    return "\n".join(lines) + "\n", guesses


def _taken(shape: tuple[int | None, ...]) -> str:
    """Tell what an input takes."""
    sizes = [told("'any'") if size is None else str(size) for size in shape]
    if len(sizes) == 1:
        return told("takes ({size},)", size=sizes[0])
    return told("takes ({sizes})", sizes=reduce(_and_then, sizes) if sizes else "")


def _and_then(first: str, size: str) -> str:
    return told("{first}, {size}", first=first, size=size)
