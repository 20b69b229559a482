"""How often the tests of lags err, and how often they find what is there, over simulated sets."""
