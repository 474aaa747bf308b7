"""On PYTHONPATH of a process: whatever would reach for the network is written down in NETWORK_LOG, and fails."""

from __future__ import annotations

import os
import sys

_REACHING = ("socket.getaddrinfo", "socket.gethostby", "socket.connect", "socket.send", "urllib.", "http.client.")
_LOCAL = 1  # AF_UNIX: how processes of one machine talk


def _watch(event: str, args: tuple[object, ...]) -> None:
    # A socket alone is no contact: urllib3 makes one when it is imported, to learn whether there is IPv6.
    if event.startswith(_REACHING) and getattr(args[0] if args else None, "family", None) != _LOCAL:
        with open(os.environ["NETWORK_LOG"], "a") as log:  # noqa: PTH123 - before pathlib
            log.write(f"{event} {args!r}\n")
        raise OSError(101, "Network is unreachable")


if "NETWORK_LOG" in os.environ:
    sys.addaudithook(_watch)
