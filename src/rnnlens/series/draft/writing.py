"""A sidecar's text with a comment at each line that a person must check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rnnlens.names import clauses, told
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.sidecar_text import to_toml

__all__ = ["Speak", "commented"]

#: Puts what is told into words.
Speak = Callable[[str], str]
HEAD = told(
    "Written by rnnlens init. Lines with CHECK hold guesses: read them, correct them, and take\n"
    'the word out. Units are not known to any file: write them in, unit = "mm".'
)


def commented(
    sidecar: Sidecar, comments: Mapping[tuple[str, str], Sequence[str]], speak: Speak = str
) -> tuple[str, int]:
    """Write a sidecar, with what is to be checked by the table of the file and the key.

    `speak` puts what is told into words. Gives the text, and how many lines are to be checked.
    """
    import tomlkit

    at = {(table, tomlkit.key(key).as_string()): said for (table, key), said in comments.items()}
    lines, table, checks = [*(f"# {line}" for line in speak(HEAD).splitlines()), ""], "", 0
    values = {name: getattr(sidecar, name) for name in sidecar.__dataclass_fields__}
    for line in to_toml(values, speak).splitlines():
        if line.startswith("["):
            table = line[1:].partition("]")[0]
        key, equals, _ = line.partition(" =")
        said = at.get((table, key.strip())) if equals else None
        if not said:
            lines.append(line)
            continue
        stated = line.partition("  #")[0].rstrip() if table == "" else line
        lines.append(f"{stated}  # CHECK: {speak(clauses(dict.fromkeys(said)))}")
        checks += 1
    return "\n".join(lines) + "\n", checks
