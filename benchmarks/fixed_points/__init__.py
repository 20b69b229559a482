"""Fixed points: networks trained to have them, and what is found beside the public finder."""
