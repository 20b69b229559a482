"""SavedModels and checkpoints of TensorFlow, read without it: tables, messages, numbers."""
