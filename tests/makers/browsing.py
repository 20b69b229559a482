"""Chromium for tests of the page: a browser that no name leads out of, and axe-core."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# where a browser is asked for, nothing is skipped
needs_browser = pytest.mark.skipif(
    (CHROMIUM is None or DRIVER is None) and not os.environ.get("RNNLENS_BROWSER"),
    reason="Chromium and its driver are not installed",
)


def new_browser(*, scripts=True):
    """Start a browser without a window; without scripts where that is asked for."""
    import selenium.webdriver as selenium
    from selenium.webdriver.chrome.service import Service

    options = selenium.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1100,900"):
        options.add_argument(flag)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")  # no name leads anywhere
    if not scripts:
        content = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", content)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return selenium.Chrome(service=Service(DRIVER), options=options)


def media(browser, *, kind="", scheme="light"):
    """Have pages believe that they are on paper, or in the dark."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": features})


def width(browser, pixels):
    """Have pages believe that the screen is so wide; as it is where None."""
    if pixels is None:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        return
    size = {"width": pixels, "height": 800, "deviceScaleFactor": 1, "mobile": pixels < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def axe_source():
    """Give the text of axe-core, from whichever package carries it."""
    places = {"axe_selenium_python": "node_modules/axe-core", "axe_core_python": ""}
    if sys.version_info < (3, 12):  # what there is of the first for these is of 2018
        del places["axe_selenium_python"]
    for package, folder in places.items():
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            return (Path(found.origin).parent / folder / "axe.min.js").read_text(encoding="utf-8")
    raise AssertionError("axe-core is in none of the packages that the extra 'test' names")
