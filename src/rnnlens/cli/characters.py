"""What stands for a character that a terminal or pipe cannot show: never a question mark."""

from __future__ import annotations

import codecs
import unicodedata
from io import TextIOWrapper

__all__ = ["show_all"]

#: How errors of encoding are dealt with here, by name.
PLAIN = "rnnlens.plain"
#: ASCII by another name.
OWN = "rnnlens_ascii"
#: ASCII for what we print. Letters of others' names are escaped, as Python does.
ASCII = {
    "−": "-", "–": "-", "—": "-", "‑": "-", "─": "-", "━": "-", "╸": "-", "╺": "-",
    "±": "+/-", "×": "x", "·": ".", "•": "*", "…": "...", "→": "->", "←": "<-", "≤": "<=",
    "≥": ">=", "≈": "~", "≠": "!=", "√": "sqrt", "²": "^2", "³": "^3", "∞": "inf", "°": "deg ",
    "│": "|", "┃": "|", "“": '"', "”": '"', "‘": "'", "’": "'", "′": "'", "µ": "u", "μ": "u",
    "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    "█": "#", "▉": "#", "▊": "#", "▋": "#", "▐": "#", "▌": "#", "▍": " ", "▎": " ", "▏": " ",
    "▕": " ",
}  # fmt: skip


def show_all(stream: object) -> None:
    """Let a stream show what its encoding lacks in ASCII."""
    if not isinstance(stream, TextIOWrapper):
        return
    if codecs.lookup(stream.encoding).name == codecs.lookup("ascii").name:
        # what prints for us takes plain ASCII for a mistake, and would write UTF-8 instead
        stream.reconfigure(encoding=OWN, errors=PLAIN)
    else:
        stream.reconfigure(errors=PLAIN)


def _own(name: str) -> codecs.CodecInfo | None:
    """Give ASCII under a name of its own."""
    known = codecs.lookup("ascii")
    if name != OWN:
        return None
    return codecs.CodecInfo(
        known.encode, known.decode, known.streamreader, known.streamwriter,
        known.incrementalencoder, known.incrementaldecoder, name=OWN,
    )  # fmt: skip


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Give ASCII for what cannot be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_ascii, lacking)), error.end


def _ascii(character: str) -> str:
    """Give ASCII for one character: what we have for it, its letter, or its escape."""
    if character in ASCII:
        return ASCII[character]
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return bare or character.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(PLAIN, _plain)
codecs.register(_own)
