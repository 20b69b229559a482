"""How formulas become MathML, which browsers set by themselves, without a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

__all__ = ["RENDERER", "add_formulas", "mathml"]

RENDERER = "mathml"
#: What docutils writes, and what is read better with fonts that are no fonts for mathematics, which
#: most readers have: letters in the italics of a text, one prime, bars that keep to what they hold.
BETTER = (
    (re.compile(r"<mi>([A-Za-z\u03b1-\u03c9\u03d5\u03f5])</mi>"), r'<mi class="letter">\1</mi>'),
    (re.compile(r"<mo>'</mo>"), '<mo class="prime" lspace="0" rspace="0">\u2032</mo>'),
    (re.compile(r"<mo[^>]*>\|</mo>"), '<mo stretchy="false" lspace="0" rspace="0">|</mo>'),
    (re.compile(r"\u29f5"), "\\\\"),
)
_log = logging.getLogger(__name__)


def mathml(latex: str, *, block: bool) -> str:
    """Give a formula as MathML; one of its own lines where it is a block."""
    made = tex2mathml(latex.strip(), as_block=block)
    for pattern, by in BETTER:
        made = pattern.sub(by, made)
    return made


def add_formulas(app: Sphinx) -> None:
    """Have Sphinx write formulas so."""
    app.add_html_math_renderer(
        RENDERER, inline_renderers=(_inline, None), block_renderers=(_block, None)
    )


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(_made(node, block=False))
    raise nodes.SkipNode


def _block(self: HTML5Translator, node: nodes.math_block) -> None:
    # a formula wider than a phone is moved within its own frame, by the keyboard too
    self.body.append(f'<div class="formula" tabindex="0">{_made(node, block=True)}</div>\n')
    raise nodes.SkipNode


def _made(node: nodes.math | nodes.math_block, *, block: bool) -> str:
    try:
        return mathml(node.astext(), block=block)
    except (MathError, SyntaxError) as error:  # a warning, which ends the build
        _log.warning("a formula is not read: %s", error, location=node)
        return ""
