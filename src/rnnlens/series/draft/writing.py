"""A sidecar's text with a comment at each line that a person must check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rnnlens.names import clauses, told
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.sidecar_text import to_toml

__all__ = ["Speak", "commented", "within_a_line"]

#: Puts what is told into words.
Speak = Callable[[str], str]
HEAD = told(
    "Written by rnnlens init. Lines with CHECK hold guesses: read them, correct them, and take\n"
    'the word out. Units are not known to any file: write them in, unit = "mm".'
)


def within_a_line(text: str) -> str:
    """Give a text as a comment may hold it, whatever the names in it: on one line, as it prints.

    Examples
    --------
    >>> within_a_line(f"the column 'rain{chr(10)}mm'")
    "the column 'rain mm'"
    """
    return "".join(each if each.isprintable() else " " for each in text)


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
    for line in to_toml(values, speak).removesuffix("\n").split("\n"):
        if line.startswith("["):
            table = line[1:].partition("]")[0]
        key, equals, _ = line.partition(" =")
        said = at.get((table, key.strip())) if equals else None
        if not said:
            lines.append(line)
            continue
        stated = line.partition("  #")[0].rstrip() if table == "" else line
        check = within_a_line(speak(clauses(dict.fromkeys(said))))
        lines.append(f"{stated}  # CHECK: {check}")
        checks += 1
    return "\n".join(lines) + "\n", checks
