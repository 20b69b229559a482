"""Words of a statement that are no layers with arrays: activations, and what is taken of steps."""

from __future__ import annotations

from rnnlens.network.activations import ACTIVATIONS, Activation

__all__ = ["ALONG_STEPS", "JOINS", "OF_STEPS", "PASSES", "activation_of", "folded_word"]

#: What is taken of a layer's steps.
OF_STEPS = frozenset({"last", "final", "mean", "max", "every", "flatten"})
#: Layers that take several steps at once and give steps again.
ALONG_STEPS = frozenset({"conv1d", "maxpool1d", "avgpool1d"})
#: What joins branches.
JOINS = frozenset({"concat", "add", "subtract", "multiply"})
#: Layers that hand on what they take where a network predicts.
PASSES = frozenset({"dropout", "identity", "alphadropout"})
#: Activations of PyTorch by its own words, where ours differ.
WORDS: dict[str, tuple[str, dict[str, float]]] = {
    "leakyrelu": ("relu", {"negative_slope": 0.01}),
    "relu6": ("relu", {"max_value": 6.0}),
    "hardswish": ("hard_silu", {}),
    "swish": ("silu", {}),
    "hardtanh": ("hard_tanh", {}),
    "hardsigmoid": ("hard_sigmoid", {}),
    "exp": ("exponential", {}),
}
#: The number that stands in the brackets of an activation.
NUMBERS = {"leakyrelu": "negative_slope", "elu": "alpha", "celu": "alpha"}


def folded_word(word: str) -> str:
    """Give a word without its capitals and underscores: ``LeakyReLU`` is ``leaky_relu``."""
    return word.replace("_", "").casefold()


def activation_of(word: str, given: tuple[str, ...]) -> Activation | None:
    """Give the activation that a word of PyTorch names; None for a word of something else.

    Raises ValueError where what stands in its brackets is no number of it.
    """
    plain = folded_word(word)
    ours = {folded_word(name): name for name in ACTIVATIONS}
    usual: tuple[str, dict[str, float]] = (ours.get(plain, ""), {})
    name, parameters = WORDS.get(plain, usual)
    if not name:
        return None
    if given:
        if plain not in NUMBERS or len(given) > 1:
            raise ValueError
        parameters = {**parameters, NUMBERS[plain]: float("".join(given))}
    return Activation(name, parameters)
