"""What Keras 1 did otherwise: words, kernels, gates, and where its arrays lie."""
