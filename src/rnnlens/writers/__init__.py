"""Writing networks: one file a format, each from a `Network` to the bytes of a file."""
