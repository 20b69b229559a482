"""Windows from all over an archive: looked at before all others, or drawn for other verbs."""
