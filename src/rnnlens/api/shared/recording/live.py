"""A live model as a network again and again, while it learns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rnnlens.api.shared.given.network_given import as_network, example_of
from rnnlens.errors import InputError
from rnnlens.network.network import Network
from rnnlens.readers.open import options_of

__all__ = ["followed"]


def followed(model: object, X: object) -> tuple[Network, Callable[[], Network]]:
    """Read a live model, and give what reads it as it is at any later time.

    The numbers of a PyTorch module are looked up where they stand; a module whose weights are
    computed from several parameters is read anew each time, as a Keras model is, which is quick.
    """
    options = options_of(model)
    if isinstance(model, Network) or not options:
        raise InputError(
            "a record is made of a model while it is trained, and a network as read, or a file, "
            "learns no more: give the live Keras model or PyTorch module"
        )
    network = as_network(model, X)
    anew = partial(as_network, model, X)
    if "example" not in options:
        return network, anew
    from rnnlens.readers.torch.training.places import places_of

    places = places_of(model, network, example_of(model, X))  # type: ignore[arg-type]
    return network, anew if places is None else places.now
