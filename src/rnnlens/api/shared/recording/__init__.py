"""Records of a network while it is trained."""
