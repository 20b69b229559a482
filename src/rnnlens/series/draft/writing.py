"""A sidecar's text with a comment at each line that a person must check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rnnlens.series.sidecar import Sidecar

__all__ = ["commented"]

HEAD = (
    "# Written by rnnlens init. Lines with CHECK hold guesses: read them, correct them, and take",
    '# the word out. Units are not known to any file: write them in, unit = "mm".',
)


def commented(sidecar: Sidecar, comments: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """Write a sidecar, with comments by the table of the file and the key."""
    import tomlkit

    at = {(table, tomlkit.key(key).as_string()): said for (table, key), said in comments.items()}
    lines, table = [*HEAD, ""], ""
    for line in sidecar.to_toml().splitlines():
        if line.startswith("["):
            table = line[1:].partition("]")[0]
        key, equals, _ = line.partition(" =")
        said = at.get((table, key.strip())) if equals else None
        if not said:
            lines.append(line)
            continue
        stated = line.partition("  #")[0].rstrip() if table == "" else line
        lines.append(f"{stated}  # {'; '.join(dict.fromkeys(said))}")
    return "\n".join(lines) + "\n"
