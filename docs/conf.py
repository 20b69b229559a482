"""How Sphinx builds the documentation: `make docs`.

Nothing on the built pages asks anybody for anything: no fonts, scripts or formulas come from
elsewhere, so that the site works from a folder.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["NO_COLOR"] = "1"  # for --help, which becomes a page

from formulas import RENDERER, add_formulas  # noqa: E402
from make_reference import make_reference  # noqa: E402

import rnnlens  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

#: A link to a file of the repository that is no page.
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)#]+)(?:#[^)]*)?\)")

project = "rnnlens"
author = copyright = "The rnnlens developers"
version = release = rnnlens.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["images", "static"]
default_role = "code"
nitpicky = False
suppress_warnings = ["myst.header"]  # a page of one heading may begin at any depth

myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
html_math_renderer = RENDERER
numpydoc_show_class_members = False
autodoc_typehints = "none"  # numpydoc's parameters say more than the signature's types
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = "rnnlens"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}

make_reference(HERE / "reference" / "made")


def setup(app: Sphinx) -> None:
    """Have links out of the documentation looked at, and formulas set."""
    app.connect("source-read", _links_outside)
    add_formulas(app)


def _links_outside(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write a link to a file of the repository as its name: the site does not lie beside it.

    One to a file that is not there is left as it is, and Sphinx warns of it.
    """
    folder = (HERE / docname).parent

    def name(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        inside = target.is_relative_to(HERE)
        return link[0] if inside or not target.exists() else link[1]

    source[0] = _OUTSIDE.sub(name, source[0])
