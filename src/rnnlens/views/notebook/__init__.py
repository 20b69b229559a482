"""Networks and results as a notebook shows them: small pieces of HTML, escaped throughout."""
