"""A task's server that tells what it was asked by whom, and behaves badly where a path asks for it.

Started as `python -c SOURCE`.  It speaks HTTP/1.1 with keep-alive on port 80.  /close ends the connection
unanswered, /hang answers nothing; a WebSocket is greeted with "hello" and then sent back what it sends; all
else is answered in JSON: {"name": of the task's host, "peer": address, "headers": {lower-case name: value}}.
"""

import base64
import hashlib
import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path == "/close":
            self.close_connection = True
        elif self.path == "/hang":
            self.rfile.read(1)  # until the other end gives up
            self.close_connection = True
        elif self.headers.get("Upgrade") == "websocket":
            self._tunnel()
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = {"name": socket.gethostname(), "peer": self.client_address[0], "headers": headers}
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _tunnel(self) -> None:
        self.close_connection = True
        digest = hashlib.sha1(f"{self.headers['Sec-WebSocket-Key']}{MAGIC}".encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        self.wfile.write(b"\x81\x05hello")
        self.wfile.flush()
        while data := self.connection.recv(65536):
            self.connection.sendall(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 80), Handler).serve_forever()
