"""Bring the catalogues of sentences up to date: templates from the source, languages from those.

``python .ci/languages.py`` writes ``rnnlens.pot`` anew, puts its templates into the ``.po`` of
every language (what is translated stays, what is gone goes) and compiles the ``.mo``; ``python
.ci/languages.py xx`` begins a new language. What is left to translate is said at the end.
"""

from __future__ import annotations

import ast
import gettext
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "rnnlens"
LANGUAGES = SOURCE / "views" / "words" / "languages"
#: What says a template, and which of its arguments are one.
SAYING = {"say": slice(0, 1), "marked": slice(0, 1), "many": slice(1, 3), "told": slice(0, 1)}
SAYING["counted"] = SAYING["many"]
#: What a file imports that says or tells something.
SAYS = re.compile(
    r"rnnlens\.views\.words\.language"
    r"|rnnlens\.names import (?:[^\n(]*|\([^)]*)\b(?:told|counted)\b"
)
#: Of what the files say of themselves, all that never changes by itself.
ABOUT = {"project": "rnnlens", "copyright_holder": "The rnnlens developers", "charset": "utf-8"}


def templates(source: Path = SOURCE) -> Catalog:
    """Give every template of the source, in the order of files."""
    found = Catalog(**ABOUT, fuzzy=False)
    for path in sorted(source.rglob("*.py")):
        place = path.relative_to(source).as_posix()
        text = path.read_text(encoding="utf-8")
        if SAYS.search(text) or place.endswith("words/language.py"):
            for said in said_in(ast.parse(text), place):
                found.add(said if len(said) > 1 else said[0], locations=[(place, None)])
    for message in found:
        message.flags.discard("python-format")  # a per cent sign
    return found


def said_in(tree: ast.AST, place: str) -> Iterator[tuple[str, ...]]:
    """Give the templates that a file says: one, or one of a single thing and one of several."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in SAYING:
            given = node.args[SAYING[node.func.id]]
            for one in given:
                if not isinstance(one, ast.Constant) or not isinstance(one.value, str):
                    raise SystemExit(
                        f"{place}, line {one.lineno}: a template is written out where it is said, "
                        "for only so can it be found and translated"
                    )
            yield tuple(one.value for one in given)  # type: ignore[union-attr]


def po_of(code: str) -> Path:
    """Give the catalogue of a language, to be translated in."""
    return LANGUAGES / code / "LC_MESSAGES" / "rnnlens.po"


def written(catalog: Catalog, **options: bool) -> bytes:
    """Give a catalogue as text that is the same whenever it is written."""
    text = io.BytesIO()
    write_po(text, catalog, width=96, omit_header=False, ignore_obsolete=True, **options)
    lines = text.getvalue().decode("utf-8").splitlines(keepends=True)
    moving = ('"POT-Creation-Date', '"PO-Revision-Date', '"Generated-By', '"Last-Translator')
    return "".join(line for line in lines if not line.startswith(moving)).encode("utf-8")


def compiled(catalog: Catalog) -> bytes:
    """Give what gettext reads of a catalogue."""
    text = io.BytesIO()
    write_mo(text, catalog)
    return text.getvalue()


def holds(mo: bytes) -> dict[object, str]:
    """Give what gettext finds in a compiled catalogue, without what its head says of its making."""
    translations = gettext.GNUTranslations(io.BytesIO(mo))
    return {key: text for key, text in vars(translations)["_catalog"].items() if key}


def read(path: Path, code: str) -> Catalog:
    """Give the catalogue of a language as it stands."""
    with path.open("rb") as file:
        return read_po(file, locale=code)


def left(catalog: Catalog) -> list[Message]:
    """Give what is not translated, or only guessed."""

    def empty(message: Message) -> bool:
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        return message.fuzzy or not all(texts)

    return [message for message in catalog if message.id and empty(message)]


def update(code: str, found: Catalog) -> list[Message]:
    """Bring one language up to date, and give what is left to translate."""
    path = po_of(code)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = read(path, code) if path.exists() else Catalog(locale=code, **ABOUT, fuzzy=False)
    catalog.update(found, no_fuzzy_matching=True, update_header_comment=False)
    for message in catalog:
        message.flags.discard("python-format")
    catalog.obsolete.clear()
    path.write_bytes(written(catalog))
    made, mo = compiled(read(path, code)), path.with_suffix(".mo")
    if not mo.exists() or holds(mo.read_bytes()) != holds(made):
        mo.write_bytes(made)
    return left(catalog)


def main(codes: list[str]) -> int:
    """Update all languages, and those that are named."""
    found = templates()
    LANGUAGES.mkdir(exist_ok=True)
    (LANGUAGES / "rnnlens.pot").write_bytes(written(found))
    known = {path.parents[1].name for path in LANGUAGES.glob("*/LC_MESSAGES/rnnlens.po")}
    for code in sorted(known | set(codes)):
        rest = update(code, found)
        print(f"{code}: {len(found)} templates, {len(rest)} not translated")
        for message in rest:
            print(f"  {message.id!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
