"""From a Keras configuration to the canonical graph: calls, masks, names."""
