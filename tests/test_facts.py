"""Facts decide, never the words of a sentence: those are for people, and may change."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

#: Ways to look for words in a text.
LOOKS = {"count", "find", "findall", "fullmatch", "index", "match", "partition", "removeprefix"}
LOOKS |= {"removesuffix", "rfind", "rindex", "rpartition", "rsplit", "search", "split"}
LOOKS |= {"startswith", "endswith"}
#: Names of what holds sentences.
PROSE = {"message", "note", "question", "reason", "said", "sentence", "text", "why"}
#: Where texts of others are read: files that lie, and what libraries say.
FOREIGN = {
    "readers/hardening/contents.py": "what a file says that is no model",
}


def words_of(node: ast.expr) -> list[str]:
    """The literals of an expression that hold words."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and re.search(r"[A-Za-z]{2}", text)]


def looked_for(node: ast.AST) -> list[tuple[list[str], ast.expr]]:
    """What an expression looks for, and in what."""
    if isinstance(node, ast.Compare):
        sides = zip(node.ops, [node.left, *node.comparators], node.comparators, strict=False)
        return [
            (words_of(left), right)
            for how, left, right in sides
            if isinstance(how, ast.In | ast.NotIn)
            and not isinstance(right, ast.Tuple | ast.List | ast.Set | ast.Dict)
        ]
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return []
    if node.func.attr not in LOOKS or not node.args:
        return []
    of = node.func.value
    if isinstance(of, ast.Name) and of.id == "re" and len(node.args) > 1:
        return [(words_of(node.args[0]), node.args[1])]
    return [(words_of(node.args[0]), of)]


def caught_in(nodes: list[ast.AST]) -> set[str]:
    """Names that stand for an error: caught by them, or said to be one."""
    caught = {n.name for n in nodes if isinstance(n, ast.ExceptHandler) and n.name}
    stated = [n for n in nodes if isinstance(n, ast.arg) and n.annotation is not None]
    kind = re.compile(r"(Error|Exception)\b")
    return caught | {
        n.arg for n in stated if n.annotation and kind.search(ast.unparse(n.annotation))
    }


def last_name(node: ast.expr) -> object:
    """What an expression is called where it ends: ``a.b`` is b, ``a["b"]`` too."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value
    return getattr(node, "attr", getattr(node, "id", ""))


def says(node: ast.expr, errors: set[str]) -> bool:
    """Whether an expression is what an error says, and no other fact that it holds."""
    inside = list(ast.walk(node))
    said = any(
        isinstance(n, ast.JoinedStr)
        or (isinstance(n, ast.Name) and n.id in {"str", "repr"})
        or (isinstance(n, ast.Attribute) and n.attr == "args")
        for n in inside
    )
    return said and any(isinstance(n, ast.Name) and n.id in errors for n in inside)


def sentences_in(source: str) -> list[str]:
    """Every place of a file that decides by the words of a sentence."""
    nodes = list(ast.walk(ast.parse(source)))
    errors, read = caught_in(nodes), []
    for node in nodes:
        for words, of in looked_for(node):
            phrase = any(" " in text.strip("\n") for text in words)
            if words and (phrase or says(of, errors) or last_name(of) in PROSE):
                read.append(f"{node.lineno}: {ast.unparse(node)}")
    return read


def sentences_read(package: Path) -> list[str]:
    """Every place of a source tree that does so, but for those that read what others wrote."""
    read = []
    for path in sorted(package.rglob("*.py")):
        file = path.relative_to(package).as_posix()
        if not file.startswith("views/") and file not in FOREIGN:
            read += [f"{file}:{line}" for line in sentences_in(path.read_text(encoding="utf-8"))]
    return read


def test_facts_decide_and_not_the_words_of_a_sentence(root):
    assert sentences_read(root / "src" / "rnnlens") == []


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept ValueError as error:\n    x = 'samples' in str(error)",
        "try:\n    f()\nexcept ValueError as error:\n    x = str(error).startswith('samples')",
        "try:\n    f()\nexcept ValueError as reason:\n    x = 'samples' not in reason.args[0]",
        "def f(error: DataError):\n    return f'{error}'.lower().find('samples')",
        "def f(error: Exception):\n    return re.search('samples?', str(error))",
        "x = 'squared' in found.question",
        "x = given.text[given.text.find('covariance') :]",
        "x = one.attrs['target'].split(' (horizon')[0]",
        "x = one.title.startswith(('how far', 'by how much'))",
    ],
)
def test_a_planted_reading_of_a_sentence_is_found(text):
    assert len(sentences_in(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "x = name.split('/')[0] == 'model_weights'",
        "x = 'Keras 1' in {own, other}",
        "x = kind == 'Keras 1'",
        "try:\n    f()\nexcept ValueError as error:\n    x = str(error).split('\\n')[0]",
        "try:\n    f()\nexcept DataError as error:\n    x = 'sample' in error.axes",
    ],
)
def test_what_reads_no_sentence_is_let_pass(text):
    assert sentences_in(text) == []


def test_the_files_that_read_what_others_wrote_are_there_and_do(root):
    for file in FOREIGN:
        assert sentences_in((root / "src" / "rnnlens" / file).read_text(encoding="utf-8")), file
