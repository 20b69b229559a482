"""Tables of weights as numbers: of one network, of two, of a network while it was trained."""
