"""The page of checks, for the terminal and as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.views.tables.plain import Row, plain, plain_attributes
from rnnlens.views.tables.stated import with_origin
from rnnlens.views.tables.summary import target_and_unit
from rnnlens.views.words.language import many, phrase, say
from rnnlens.views.words.origin import attribute_text
from rnnlens.views.words.trust import check_name, method_name, trust_findings

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Group

__all__ = ["trust_summary", "trust_view"]


@with_origin
def trust_view(page: xr.Dataset) -> Group:
    """Show every check with its verdict, its figure and a sentence."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(say("check"), overflow="fold", min_width=12)
    table.add_column(say("verdict"), no_wrap=True)
    table.add_column(say("in words"), ratio=1, overflow="fold")
    for finding in trust_findings(page):
        table.add_row(check_name(finding.check), phrase(finding.verdict), finding.sentence)
    method = str(page.attrs.get("method", ""))
    target, unit = target_and_unit(page)
    heading = say(
        "Checks of the contributions to {target}{unit}, by {method}",
        target=target,
        unit=unit,
        method=method_name(method),
    )
    windows = int(page.attrs.get("samples", 0))
    looked = many(
        windows,
        "Over {count:,} window, against the baseline {baseline}. Each verdict follows a stated "
        "rule; none of them proves that the network is right.",
        "Over {count:,} windows, against the baseline {baseline}. Each verdict follows a stated "
        "rule; none of them proves that the network is right.",
        baseline=attribute_text(page.attrs, "baseline"),
    )
    return Group(heading, table, looked)


def trust_summary(page: xr.Dataset) -> Row:
    """Give a result of ``trust`` as a plain dict, ready for JSON."""
    numbers = {
        str(name): plain(page[name].values) for name in page.data_vars if page[name].ndim == 0
    }
    curves = {
        name: plain(page[name].values)
        for name in ("deletion", "deletion_random", "insertion", "insertion_random")
    }
    methods = [str(name) for name in page["by_method"].values]
    return {
        **plain_attributes(page.attrs),
        "figures": numbers,
        "curves": {"lags": [int(count) for count in page["removed"].values], **curves},
        "agreement": {
            one: dict(
                zip(methods, map(plain, page["agreement"].sel(by_method=one).values), strict=True)
            )
            for one in methods
        },
        "randomised": dict(
            zip(map(str, page["layer"].values), map(plain, page["randomised"].values), strict=True)
        ),
        "shares": plain(page["share"].values),
        "findings": [finding._asdict() for finding in trust_findings(page)],
    }
