"""A service that forecasts one window and says what it came from: `fastapi run app.py`."""

import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

import rnnlens
from rnnlens.errors import RnnlensError

net = rnnlens.read("weather.keras")
past = rnnlens.windows("weather.csv", "weather.toml")  # the baseline is their mean
explain = rnnlens.explainer(net, past, target="temp")
app = FastAPI()


class Window(BaseModel):
    steps: list[list[float]]  # (step, feature), oldest first, in the network's own units


@app.post("/explain")
def explained(window: Window) -> dict:
    try:
        found = explain([window.steps])
    except (RnnlensError, ValueError) as error:
        raise HTTPException(422, str(error)) from None
    return {
        "forecast": f"{found.forecast[0]:.2f} {explain.unit}",
        "features": explain.features,
        "contribution": np.round(found.contribution[0], 4).tolist(),  # (lag, feature), lag 1 first
    }
