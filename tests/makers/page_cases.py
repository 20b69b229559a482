"""Networks and windows that a page must be right for: hostile names, odd sizes, odd values."""

import numpy as np

import rnnlens
from networks import forecaster
from rnnlens.series.sidecar import Sidecar
from rnnlens.series.variable import Variable

#: Names that would do something, were they not text.
HOSTILE = (
    "<script>window.planted = 1</script>",
    "\"quoted\" 'names' & </script> <b>",
    "🌧️ rain",
    "درجة الحرارة",
    "n" * 300,
    "{name} %s -5",
)


def table(names, rows, rng):
    return {name: np.cumsum(rng.normal(size=rows)) * 0.3 + k for k, name in enumerate(names)}


def page_case(*, features=3, steps=4, windows=30, names=None, units="-", rng=None, values=None):
    """A network of its own, and windows of a table whose first column is forecast."""
    rng = np.random.default_rng(11) if rng is None else rng
    names = list(names or [f"input {k}" for k in range(features)])
    sidecar = Sidecar(
        features=tuple(Variable(name, unit=units) for name in names),
        window=steps,
        lead=1,
        targets=(Variable(names[0], unit=units),),
    )
    columns = table(names, windows + steps, rng)
    made = rnnlens.windows(columns if values is None else values(columns), sidecar)
    return forecaster("lstm", rng, steps=steps, features=len(names), targets=1), made
