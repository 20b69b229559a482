"""One window, explained in a service: a prepared explainer, a request to FastAPI, and the verb.

A request is all that FastAPI does, from the bytes of its body to those of the answer: routing,
validation, the thread that the route runs on. A server adds the network's way.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from harness.measure import interleave
from harness.networks import Size
from harness.record import OURS, Record

import rnnlens
from rnnlens.demo.weather import leave_files

EXAMPLE = Path(__file__).parents[1] / "examples" / "service"
REQUEST = "a request to the service, from bytes to bytes"
#: What a server says of a request to explain a window.
SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/explain",
    "query_string": b"",
    "headers": [(b"content-type", b"application/json")],
}


async def answered(app: Any, body: bytes) -> bytes:
    """Hand a request to an application as a server does, and give the body of its answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:  # noqa: RUF029  (as ASGI has it)
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:  # noqa: RUF029
        sent.append(message)

    await app(dict(SCOPE), receive, send)
    assert sent[0]["status"] == 200, sent
    return b"".join(one.get("body", b"") for one in sent[1:])


def served(app: Any) -> Callable[[bytes], bytes]:
    """Run an application's loop beside, as a server does, and give what hands it requests."""
    loop = asyncio.new_event_loop()
    # threads of routes are kept as long as the task that the loop runs for
    never = asyncio.Event().wait()
    Thread(target=loop.run_until_complete, args=(never,), daemon=True).start()
    return lambda body: asyncio.run_coroutine_threadsafe(answered(app, body), loop).result()


def main() -> None:
    """Measure the example as it stands, on the demo's network."""
    record = Record("service", __doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        leave_files(Path(folder))
        os.chdir(folder)
        sys.path.insert(0, str(EXAMPLE))
        import app  # pyright: ignore[reportMissingImports]

        one = app.past.newest(1)
        body = json.dumps({"steps": one.values[0].tolist()}).encode()
        request = served(app.app)
        said = json.loads(request(body))
        assert len(said["contribution"]) == one.values.shape[1], said
        asked = {"target": "temp", "method": "secant", "background": app.past}
        contenders = {
            OURS: lambda: app.explain(one.values),
            REQUEST: lambda: request(body),
            "rnnlens.explain": lambda: rnnlens.explain(app.net, one, **asked),
        }
        times = interleave(contenders, rounds=20, budget=30)
        os.chdir(EXAMPLE)
    sizes = f"LSTM {Size(32, 10, 24).text(1)}, the demo's"
    record.times("contributions by lag and feature, one window", sizes, times)
    for name, contender in (("explainer", OURS), ("request", REQUEST)):
        taken = 1e3 * times[contender].median
        record.claim(f"{name}, one window", taken, "ms", most=5, sizes=sizes)
    record.save()


if __name__ == "__main__":
    main()
