"""A written page in the browser, where there is one."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path

__all__ = ["show_page"]


def show_page(page: Path) -> bool:
    """Open a page in the browser, and say whether one was there to open it in."""
    if not _has_screen():
        return False
    try:
        return webbrowser.open(page.resolve().as_uri())
    except (webbrowser.Error, OSError):
        return False


def _has_screen() -> bool:
    """Say whether a browser would be seen: one of a terminal would take the terminal over."""
    if os.environ.get("BROWSER") or sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
