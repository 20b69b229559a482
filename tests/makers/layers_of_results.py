"""The layers of a result on weights."""


def nodes(tree):
    """Every layer's node by the layer's name."""
    return {str(n.attrs["layer"]): n for n in tree.subtree if "spectral_radius" in n}
