"""A program that draws pictures: specifications come in as lines of JSON, and go out as SVG."""

from __future__ import annotations

import json
import signal
import sys

#: What is drawn first, while nobody waits: the library sets itself up at its first picture.
FIRST = {"mark": "point", "data": {"values": [{"a": 1}]}, "encoding": {"x": {"field": "a"}}}


def serve() -> None:
    """Draw until nothing more comes."""
    import vl_convert

    # whoever asked ends this by closing the pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    vl_convert.vegalite_to_svg(json.dumps(FIRST))
    for line in sys.stdin:
        try:
            svg = vl_convert.vegalite_to_svg(line)
        except Exception:  # whoever asked draws it again, and meets the error there
            svg = ""
        sys.stdout.write(json.dumps(svg) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
