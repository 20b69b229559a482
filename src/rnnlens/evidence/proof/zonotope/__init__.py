"""Affine forms carried through a network: bounds over boxes of inputs."""
