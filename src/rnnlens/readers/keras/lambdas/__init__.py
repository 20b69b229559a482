"""Code in Lambda layers: read as data, and never run."""
