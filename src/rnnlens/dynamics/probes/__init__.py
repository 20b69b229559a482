"""What the cells hold: a concept read off their states, beside its controls, and moved in them."""
