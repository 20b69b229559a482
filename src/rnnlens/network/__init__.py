"""The canonical network: what every reader makes and every method works on."""
