"""Every verb that asks about windows, with every method and baseline, for sweeps over networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import rnnlens
from rnnlens import Effort, Intervention, Shares, Target
from rnnlens.attribution.baselines.baseline import NAMED
from rnnlens.attribution.registry import METHODS

__all__ = ["questions"]

#: Little work, so that a sweep is quick: what is asked is whether it ends in an answer.
FEW = rnnlens.Certificates(windows=1, budget=20)


def questions(net, x, folder=None, of=None) -> Iterator[tuple[str, Callable[[], object]]]:
    """Give questions by their names; each is asked when it is called.

    All of them with a folder to write to; without, those that take little time.
    """
    thorough = folder is not None
    horizon = 1 if len(net.outputs) == 1 and _steps_out(net, x) else None
    common = {"target": Target(0, horizon=horizon)}
    if of is not None:
        common["of"] = of
    ask = rnnlens.explain

    def explained(**options):
        return lambda: ask(net, x, **(common | options))

    yield "all targets", explained(target=Target("all", horizon="all"))
    yield "last step", explained(target=Target(0, horizon=1))
    for method, known in METHODS.items():
        yield f"explain {method}", explained(method=method)
        sampled = "budget" in known.takes and "tolerance" in known.takes
        if sampled:
            yield f"explain {method} budget", explained(method=method, effort=Effort(budget=60))
        if "newest" in known.takes:
            yield f"explain {method} newest", explained(method=method, newest=1)
        if "groups" in known.takes:
            yield f"explain {method} groups", explained(method=method, groups={"new": [1]})
        if known.hides:
            many = thorough or method in {"secant", "tree"}
            for baseline in ("conditional", *NAMED) if many else ("conditional",):
                yield f"explain {method} {baseline}", explained(method=method, baseline=baseline)
    for verb in ("trust", "interactions", "paths"):
        for baseline in (None, "zero", "persistence", "background") if thorough else (None,):
            options = common | ({} if baseline is None else {"baseline": baseline})
            called = getattr(rnnlens, verb)
            yield f"{verb} {baseline}", lambda c=called, o=options: c(net, x, **o)
    yield "compare_baselines", lambda: rnnlens.compare_baselines(net, x, **common)
    yield (
        "compare_baselines tree",
        lambda: rnnlens.compare_baselines(
            net, x, method="tree", baselines=["zero", "mean", "conditional"], **common
        ),
    )
    for by in ("lag", "feature", "both") if thorough else ("both",):
        yield (
            f"lags by {by}",
            lambda by=by: rnnlens.lags(
                net, x, by=by, certificates=FEW, shares=Shares(method="secant", draws=40), **common
            ),
        )
    yield (
        "lags with actuals",
        lambda: rnnlens.lags(
            net, x, [0.1 * k for k in range(_count(x))], certificates=FEW, **common
        ),
    )
    yield (
        "certify",
        lambda: rnnlens.certify(
            net, x, lag=1, certificates=rnnlens.Certificates(budget=20), **common
        ),
    )
    yield "gate_effects", lambda: rnnlens.gate_effects(net, x, **common)
    for name, done in {
        "clamp": Intervention(clamp="mean", gate="forget"),
        "freeze": Intervention(freeze=True, lags=1),
        "patch": Intervention(patch_from=0, steps=0),
    }.items():
        yield f"intervene {name}", lambda done=done: rnnlens.intervene(net, x, done, **common)
    yield "trace", lambda: rnnlens.trace(net, x)
    yield "predict", lambda: rnnlens.predict(net, x)
    if thorough:
        yield "report", lambda: rnnlens.report(net, x, folder / "page.html", **common)


def _count(x):
    return len(next(iter(x.values()))) if isinstance(x, dict) else len(x)


def _steps_out(net, x):
    return np.ndim(rnnlens.predict(net, x)) == 3
