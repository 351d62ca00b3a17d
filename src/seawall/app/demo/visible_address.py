"""A web server on the internet that tells every caller the address it is seen with.

Runs inside the world: `seawall internet -- python -m seawall.app.demo.visible_address`.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from seawall.model.internet import CLIENT_ADDRESS

PORT = 8000
URL = f"http://{CLIENT_ADDRESS}:{PORT}/"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


def main() -> int:
    server = ThreadingHTTPServer((CLIENT_ADDRESS, PORT), Answer)
    print("ready", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
