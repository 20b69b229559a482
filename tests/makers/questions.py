"""Questions as the tests ask them."""

from rnnlens.attribution.question import Question


def question(network, inputs, target, baseline=None, *, of="x", **more):
    return Question(network=network, inputs=inputs, of=of, target=target, baseline=baseline, **more)
