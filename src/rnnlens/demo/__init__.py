"""The demo: a shipped weather network, its data, and a run of every verb on them."""
