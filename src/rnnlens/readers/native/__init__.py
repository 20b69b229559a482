"""The file formats of rnnlens itself."""
