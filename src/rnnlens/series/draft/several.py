"""A first sidecar for a network of several inputs: names and sizes, columns to be filled in."""

from __future__ import annotations

from collections.abc import Mapping

from rnnlens.series.draft.draft import Draft
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.sidecar_text import from_toml

__all__ = ["draft_of_inputs"]

#: The numbers of a line that is to be filled in.
LINE = "{ mean = 0, scale = 1 }"
SAID = "its column, unit and scaling"


def draft_of_inputs(
    shapes: Mapping[str, tuple[int | None, ...]], window: int | None, lead: int | None
) -> Draft:
    """Name each input of a network, of which no table says what goes into it."""
    import tomlkit

    series = [shape for shape in shapes.values() if len(shape) > 1]
    steps = window or next((shape[0] for shape in series if shape[0]), None) or 1
    guesses = 0

    def guess(stated: str, said: str) -> str:
        """Write a line that the user is to check, and count it."""
        nonlocal guesses
        guesses += 1
        return f"{stated}   # CHECK: {said}"

    lines = [
        guess('# time = "time"', 'the column with the times, and group = "station" if any'),
        guess(f"window = {steps}", "steps of the first series"),
        guess(f"lead   = {lead or 1}", "steps from the newest one taken to the one forecast"),
    ]
    guesses = 4  # times, window, lead and the target
    for name, shape in shapes.items():
        path = f"inputs.{tomlkit.key(name).as_string()}"
        lines += ["", f"[{path}]   # takes {tuple('any' if n is None else n for n in shape)}"]
        if len(shape) < 2:
            lines.append(guess("static = true", "or steps, or ahead for steps after the newest"))
        elif shape[0] not in {None, steps}:
            lines.append(guess(f"steps = {shape[0]}", "or ahead, for steps after the newest"))
        count = shape[-1] or 1 if shape else 1
        guesses += count + (len(shape) < 2 or shape[0] not in {None, steps})
        lines.append(f"[{path}.features]")
        lines += [guess(f'"{name} {k + 1}" = {LINE}', SAID) for k in range(count)]
    lines += ["", "[targets]", guess(f'"target" = {LINE}', SAID)]
    text = "\n".join(lines) + "\n"
    note = (
        f"the network takes {len(shapes)} inputs, whose names and sizes are its own; which columns "
        "go into each no file says: write their names in the place of the numbered ones"
    )
    return Draft(Sidecar(**from_toml(text)), text, (note,), guesses)
