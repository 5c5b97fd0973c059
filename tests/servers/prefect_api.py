"""A Prefect server's API, asked as its pages do."""

import http
import json
import time
import urllib.error
import urllib.request


def ask_server(api, path, body=None, method="POST"):
    """The answer to a request; asks again while the server's database is busy."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{api}/{path}", data, headers, method=method)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            if error.code != http.HTTPStatus.SERVICE_UNAVAILABLE:
                raise
        time.sleep(0.5)


def make_pool(ask, name):
    """Makes a work pool of processes, unless a test before, or a request asked again, has."""
    try:
        ask("work_pools/", {"name": name, "type": "process"})
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.CONFLICT:
            raise
