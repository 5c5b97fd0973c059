"""A real S3 server for tests: moto behind one lock, with faults to order and a log of requests.

moto honours `If-None-Match`, but it looks and then writes: without the lock two writers may win.
The server is a process of its own, which ends with the process that started it.
"""

import collections
import http.client
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

BUCKET = "trialflow"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test-key",
    "AWS_SECRET_ACCESS_KEY": "test-secret-hunter2",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# moto asks for a signature, but does not check it.
SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=test-key/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
CODES = {403: "AccessDenied", 409: "ConditionalRequestConflict", 412: "PreconditionFailed"}
CODES |= {500: "InternalError", 501: "NotImplemented", 503: "SlowDown", 507: "XMinioStorageFull"}
ALWAYS = 10**9


class S3Server:
    """The server as a test sees it.

    Args:
        port: Of 127.0.0.1, where it listens.
    """

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {"AWS_ENDPOINT_URL": self.url, **CREDENTIALS}
        self._port = port
        self.ask("PUT", f"/{BUCKET}")

    @classmethod
    def start(cls):
        """Starts it; answers it and its process, which ends when its standard input does."""
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MOTO_"))},
        )
        return cls(int(process.stdout.readline())), process

    def fault(self, kind, path, *, method="PUT", times=1):
        """Orders a fault for the next requests.

        Args:
            kind: A status to answer with, `"time-out"`, `"reset"`, `"answer lost"`, after the
                request was obeyed, or `"unconditional"`, which strips the condition from it.
            path: Expression to be found in the path of the request.
            method: Expression for its method.
            times: How many requests it meets.
        """
        fault = {"kind": kind, "path": path, "method": method, "left": times}
        self.ask("POST", "/-/faults", json.dumps(fault))

    def calm(self):
        """Takes all faults back."""
        self.ask("DELETE", "/-/faults")

    def requests(self, path=""):
        """Method, path and query of the requests so far that have this in their path."""
        log = [tuple(each) for each in json.loads(self.ask("GET", "/-/requests"))]
        return [each for each in log if path in each[1] or path in each[2]]

    def ask(self, method, path, body=None):
        """Sends a request as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request(method, path, body, {"Authorization": SIGNATURE})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.NOT_FOUND:
            raise FileNotFoundError(path)
        assert answer.status < http.HTTPStatus.BAD_REQUEST, (answer.status, data)
        return data


class _Application:
    """moto's S3, one request at a time."""

    def __init__(self, moto):
        self._moto = moto
        self._lock = threading.Lock()
        self._faults = []
        self._log = collections.deque(maxlen=100_000)

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path.startswith("/-/"):
            start_response("200 OK", [("Content-Type", "application/json")])
            return [self._control(method, path, environ)]
        query = urllib.parse.unquote(environ.get("QUERY_STRING", ""))
        self._log.append((method, path, query))
        # Read before anything else: a connection is only kept if its body was read.
        kind = self._fault(method, path)
        match kind:
            case int():
                return _refuse(kind, environ, start_response)
            case "time-out":
                time.sleep(6)  # longer than any client of the tests waits
                _reset(environ)
            case "reset":
                _reset(environ)
            case "unconditional":
                environ.pop("HTTP_IF_NONE_MATCH", None)
        with self._lock:
            answer = list(self._moto(environ, start_response))
        if kind == "answer lost":
            _reset(environ)
        return answer

    def _control(self, method, path, environ):
        if path == "/-/requests":
            return json.dumps(list(self._log)).encode()
        with self._lock:
            if method == "DELETE":
                self._faults.clear()
            else:
                length = int(environ["CONTENT_LENGTH"])
                self._faults.append(json.loads(environ["wsgi.input"].read(length)))
        return b"{}"

    def _fault(self, method, path):
        with self._lock:
            for fault in self._faults:
                meets = re.fullmatch(fault["method"], method) and re.search(fault["path"], path)
                if meets and fault["left"] > 0:
                    fault["left"] -= 1
                    return fault["kind"]
        return None


def _refuse(status, environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    code = CODES[status]
    text = f"<Error><Code>{code}</Code><Message>{code} to order</Message></Error>".encode()
    reason = http.HTTPStatus(status).phrase
    length = ("Content-Length", str(len(text)))
    start_response(f"{status} {reason}", [("Content-Type", "application/xml"), length])
    return [text]


def _reset(environ):
    """Cuts the connection without a word."""
    connection = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def main():
    """Serves until standard input ends."""
    os.environ |= {"MOTO_S3_CUSTOM_ENDPOINTS": "", **CREDENTIALS}
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class Quiet(MotoRequestHandler):
        def log(self, *_, **__):
            """Says nothing."""

    app = _Application(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
