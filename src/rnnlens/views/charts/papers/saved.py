"""A chart as a file: SVG, PNG, PDF, HTML that opens offline, or its specification."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnlens.errors import InputError
from rnnlens.results.place import placed

if TYPE_CHECKING:
    from collections.abc import Callable

    import altair as alt

__all__ = ["SUFFIXES", "check_file", "saved"]

#: Dots an inch of a PNG, whose points are those of the PDF.
DOTS = 300


def saved(chart: alt.TopLevelMixin, path: str | Path) -> Path:
    """Write a chart to a file; the suffix decides the format, and the file appears whole."""
    place = check_file(path)
    with placed(place) as draft:
        draft.write_bytes(_WRITERS[place.suffix.lower()](chart))
    return place


def check_file(path: str | Path) -> Path:
    """Refuse a file that no chart can be written to, before anything is computed."""
    place = Path(path)
    if place.suffix.lower() not in _WRITERS:
        came = f"the suffix {place.suffix!r}" if place.suffix else "no suffix"
        raise InputError(
            f"cannot tell the format of the figure from {place.name!r}, which has {came}: use one "
            f"of {', '.join(_WRITERS)}"
        )
    if not place.parent.is_dir():
        raise InputError(
            f"the folder {place.parent} of {place.name!r} does not exist: make it first"
        )
    return place


def _spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    return chart.to_dict()


def _svg(chart: alt.TopLevelMixin) -> bytes:
    """Draw an SVG whose size is said in points, so that it is as large as the PDF everywhere."""
    import vl_convert

    svg = vl_convert.vegalite_to_svg(json.dumps(_spec(chart)))
    sized = re.sub(
        r'(<svg[^>]*?\bwidth="[\d.]+)("[^>]*?\bheight="[\d.]+)"', r'\1pt\2pt"', svg, count=1
    )
    return sized.encode("utf-8")


def _png(chart: alt.TopLevelMixin) -> bytes:
    import vl_convert

    return vl_convert.vegalite_to_png(json.dumps(_spec(chart)), ppi=DOTS)


def _pdf(chart: alt.TopLevelMixin) -> bytes:
    import vl_convert

    return vl_convert.vegalite_to_pdf(json.dumps(_spec(chart)))


def _html(chart: alt.TopLevelMixin) -> bytes:
    """Write a page that holds its own libraries, so that it opens offline."""
    import vl_convert

    return vl_convert.vegalite_to_html(json.dumps(_spec(chart)), bundle=True).encode("utf-8")


def _json(chart: alt.TopLevelMixin) -> bytes:
    return f"{json.dumps(_spec(chart), ensure_ascii=False, indent=1)}\n".encode()


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    ".pdf": _pdf,
    ".svg": _svg,
    ".png": _png,
    ".html": _html,
    ".json": _json,
}
#: What names of files may end in.
SUFFIXES = tuple(_WRITERS)
