"""rnnlens opens up a trained recurrent network and says what it learned."""

__version__ = "0.1.0"
