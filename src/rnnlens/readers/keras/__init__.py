"""Models of Keras, in whatever it wrote them: archives, HDF5, SavedModel, live, text."""
