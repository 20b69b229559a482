"""The cells on a block of samples: packed weights, one step forward, one step back."""
