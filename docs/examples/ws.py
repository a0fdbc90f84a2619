"""A WebSocket client: as much of RFC 6455 as the examples need.

Python 3.7 or later and nothing else.  Any library does as well.
"""
import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import time
from urllib.parse import urlsplit

SILENCE = 75    # seconds; the gateway pings every 25, then it is gone


class Closed(Exception):
    """The gateway has closed the connection, with this code."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed: {code} {reason}")
        self.code = code


class WebSocket:
    def __init__(self, url, *protocols, token=None):
        u = urlsplit(url)
        port = u.port or (443 if u.scheme == "wss" else 80)
        self.sock = socket.create_connection((u.hostname, port), 10)
        if u.scheme == "wss":
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=u.hostname)
        key = base64.b64encode(os.urandom(16)).decode()
        head = [f"GET {u.path or '/'}?{u.query} HTTP/1.1",
                f"Host: {u.netloc}", "Upgrade: websocket",
                "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
                "Sec-WebSocket-Version: 13"]
        if protocols:
            head.append("Sec-WebSocket-Protocol: " + ", ".join(protocols))
        if token:
            head.append(f"Authorization: Bearer {token}")
        self.sock.sendall("\r\n".join(head + ["", ""]).encode())
        self.heard, self.buffer, self.text = time.time(), b"", b""
        while b"\r\n\r\n" not in self.buffer:
            self.read(time.time() + 10)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        proof = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if b" 101 " not in head[:16] or proof not in head:
            raise ConnectionError(head.split(b"\r\n")[0].decode())

    def read(self, until):
        """More bytes: False if none came by then."""
        self.sock.settimeout(max(until - time.time(), 0.001))
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            return False
        if not data:
            raise Closed(1006)
        self.heard, self.buffer = time.time(), self.buffer + data
        return True

    def frame(self, opcode, data):
        mask, n = os.urandom(4), len(data)
        size = (struct.pack("!B", 128 | n) if n < 126 else
                struct.pack("!BH", 254, n) if n < 65536 else
                struct.pack("!BQ", 255, n))
        masked = bytes(c ^ mask[i % 4] for i, c in enumerate(data))
        self.sock.settimeout(10)
        self.sock.sendall(bytes([128 | opcode]) + size + mask + masked)

    def send(self, message):
        self.frame(1, json.dumps(message).encode())

    def close(self, code=1000):
        self.frame(8, struct.pack("!H", code))
        self.sock.close()

    def next_frame(self):
        b = self.buffer
        if len(b) < 2:
            return None
        at = {126: 4, 127: 10}.get(b[1], 2)
        n = int.from_bytes(b[2:at], "big") if at > 2 else b[1]
        if len(b) < at + n:
            return None
        self.buffer = b[at + n:]
        return b[0] & 128, b[0] & 15, b[at:at + n]

    def receive(self, until=None):
        """The next message, or None: it is late, or the gateway is silent."""
        while True:
            frame = self.next_frame()
            if frame is None:
                if not self.read(until or self.heard + SILENCE):
                    return None
                continue
            last, opcode, data = frame
            if opcode == 9:
                self.frame(10, data)
            elif opcode == 8:
                raise Closed(int.from_bytes(data[:2], "big") or 1005,
                             data[2:].decode())
            elif opcode < 2:
                self.text += data
                if last:
                    text, self.text = self.text, b""
                    return json.loads(text)
