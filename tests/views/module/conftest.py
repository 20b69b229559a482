"""One browser for all tests of the page."""

import pytest

from browsing import media, new_browser, width


@pytest.fixture(scope="session")
def chromium():
    pytest.importorskip("selenium")
    driver = new_browser()
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium):
    """The browser, at rest: as wide as it is, in the light, nothing in its log."""
    width(chromium, None)
    media(chromium)
    chromium.get("about:blank")
    chromium.get_log("browser"), chromium.get_log("performance")
    return chromium
