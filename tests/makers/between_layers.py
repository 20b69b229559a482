"""A network with everything that stands between layers, each as an output of its own."""

from networks import cell
from rnnlens.network import axes as A
from rnnlens.network import layers as L
from rnnlens.network.activations import FUNCTIONS, Activation
from rnnlens.network.network import Network, Node, Origin


def branches(rng):
    """Each layer by its name, and the sequences that it takes, of five units each."""
    x, u = ("lstm", 0), ("dense", 0)
    place, shorter = ("last", 0), ("first", 0)
    yield "divide", L.Binary("divide"), (x, ("positive", 0))
    yield "power", L.Binary("power"), (("positive", 0), x)
    yield "maximum", L.Binary("maximum"), (x, place)
    yield "minimum", L.Binary("minimum"), (x, u)
    yield "where", L.Where(), (("step", 0), x, place)
    for kind in ("sum", "max", "min", "product", "variance", "logsumexp"):
        yield kind, L.Reduction(kind, (1,), keepdims=kind == "max"), (x,)
    yield "unbiased", L.Reduction("variance", (1,), correction=1), (x,)
    yield "cumulative", L.CumulativeSum(1, reverse=True), (x,)
    yield "einsum", L.Einsum("aZd,akd->aZk"), (x, u)
    yield "pooled", L.Einsum("akd,ad->ak"), (x, place)
    yield "take", A.Take((2, 0, 0), 2), (x,)
    yield "repeat", A.Repeat(2, 2), (x,)
    yield "repeat_like", A.Repeat(1), (shorter, x)
    for name in FUNCTIONS:
        parameters = {"clip": {"max_value": 0.1}, "power": {"exponent": 1.5}}.get(name, {})
        ref = ("positive", 0) if name in {"log", "sqrt", "power"} else x
        yield f"f_{name}", L.Activate(Activation(name, parameters)), (ref,)


def network(rng):
    nodes = [
        Node("x", L.Input((6, 3))),
        Node("lstm", L.Recurrent(cell("lstm", rng), return_sequences=True), (("x", 0),)),
        Node("dense", L.Dense(rng.normal(size=(5, 5))), (("lstm", 0),)),
        Node("positive", L.Activate(Activation("softplus")), (("dense", 0),)),
        Node("step", L.Activate(Activation("step")), (("lstm", 0),)),
        Node("last", A.Index(-1), (("dense", 0),)),
        Node("first", A.Slice(0, 1), (("dense", 0),)),
    ]
    made = list(branches(rng))
    nodes += [Node(f"own_{name}", layer, inputs) for name, layer, inputs in made]
    outputs = tuple((f"own_{name}", 0) for name, *_ in made)
    return Network(tuple(nodes), outputs, Origin("made in a test"), "between")
