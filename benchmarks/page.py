"""How large the page is, what it takes, and when a browser first paints it.

The demo's page, one of 10,000 windows, and one of 256 units over windows of 365 steps::

    python benchmarks/page.py

The first of a process compiles kernels; each is made twice and the second is timed. The paint is
asked of Chromium where it and Selenium are installed.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from harness.networks import Size, forecaster

import rnnlens
from rnnlens.demo.weather import demo_files, weather_windows

#: Windows, by the page's name, and the network's size.
SIZES = {"10,000 windows": (10_000, Size(32, 10, 24)), "365 steps": (500, Size(256, 8, 365))}


def made(net: object, data: object, path: Path, target: str | int) -> tuple[float, float]:
    """Make a page twice; give seconds of processors and of the clock of the second."""
    rnnlens.report(net, data, path, target=target)  # type: ignore[arg-type]
    begun, clock = time.process_time(), time.perf_counter()
    rnnlens.report(net, data, path, target=target)  # type: ignore[arg-type]
    return time.process_time() - begun, time.perf_counter() - clock


def first_paint(path: Path) -> float:
    """Give the milliseconds until Chromium paints a page; nan where there is no Chromium."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        return float("nan")
    import selenium.webdriver as selenium
    from selenium.webdriver.chrome.service import Service

    options = selenium.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(flag)
    browser = selenium.Chrome(service=Service(driver), options=options)
    try:
        browser.get(path.as_uri())
        paints = "return performance.getEntriesByType('paint').map((one) => one.startTime)"
        return float(min(browser.execute_script(paints)))
    finally:
        browser.quit()


def main() -> None:
    """Make each page and say what it took."""
    rng = np.random.default_rng(0)
    pages: dict[str, tuple[object, object, str | int]] = {
        "the demo's": (rnnlens.read(demo_files().network), weather_windows(), "temp")
    }
    for name, (count, size) in SIZES.items():
        series = rng.normal(size=(count + size.steps - 1, size.features)).cumsum(0) * 0.1
        windows = np.stack([series[k : k + size.steps] for k in range(count)])
        pages[name] = (forecaster("LSTM", size)[1], windows, 0)
    with tempfile.TemporaryDirectory() as folder:
        for place, (name, (net, data, target)) in enumerate(pages.items()):
            path = Path(folder) / f"{place}.html"
            processor, clock = made(net, data, path, target)
            print(
                f"{name}: {path.stat().st_size / 1e6:.2f} MB, {processor:.1f} s of processors, "
                f"{clock:.1f} s, first paint after {first_paint(path):.0f} ms"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
