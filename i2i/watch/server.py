"""A server of this machine for the page: three kinds of addresses, none of which names a file."""

import json
import re
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from i2i.errors import UserError
from i2i.watch.page import sample_address, served_page
from i2i.watch.samples import sample
from i2i.watch.state import Watched, state

HOST = "127.0.0.1"
PORTS = range(7870, 7970)
"""Of which the first free one is taken."""

SAMPLE = re.compile(r"/samples/(\d{1,9})/(\d{1,13})\.png", re.ASCII)
"""What `sample_address` gives: numbers of a run and a step."""

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Answer = tuple[str, bytes]
"""Type and contents."""


class Handler(BaseHTTPRequestHandler):
    """Answers what browsers of this machine ask; a page of elsewhere whose name leads here gets nothing."""

    watched: ClassVar[Watched]
    timeout = 30
    server_version, sys_version = "i2i", ""

    def do_GET(self) -> None:
        """The page, what is new, or a sample grid."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in (HOST, "localhost"):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif (found := self._found(self.path.partition("?")[0])) is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            with suppress(ConnectionError):
                self._send(*found)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged in the terminal."""

    def _found(self, path: str) -> Answer | None:
        if path == "/":
            return "text/html; charset=utf-8", served_page(self.watched).encode()
        if path == "/state":
            return "application/json", json.dumps(state(self.watched, sample_address), allow_nan=False).encode()
        asked = SAMPLE.fullmatch(path)
        contents = self._sample(*map(int, asked.groups())) if asked else None
        return None if contents is None else ("image/png", contents)

    def _sample(self, number: int, step: int) -> bytes | None:
        runs = list(self.watched.runs.values())
        return sample(runs[number], step) if number < len(runs) else None

    def _send(self, kind: str, contents: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(contents)), **HEADERS}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(contents)


def server(watched: Watched, port: int | None = None) -> ThreadingHTTPServer:
    """A server that listens at this machine's own address.

    Args:
        watched: what its page is about.
        port: its number; None: the first free one of `PORTS`.

    Raises:
        UserError: if it is not free.
    """
    handler = type("WatchHandler", (Handler,), {"watched": watched})
    for number in PORTS if port is None else (port,):
        with suppress(OSError):
            return ThreadingHTTPServer((HOST, number), handler)
    taken = f"{HOST}:{port}" if port else f"{HOST}, ports {PORTS[0]} to {PORTS[-1]},"
    raise UserError(f"{taken} cannot be listened at: take another --port")
