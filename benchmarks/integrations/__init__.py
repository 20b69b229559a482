"""Models as the forecasting libraries themselves build and train them, read live."""
