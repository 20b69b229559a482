"""What Keras and tf.keras compute between layers: slices, arithmetic, sums, products."""
