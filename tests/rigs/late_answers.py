"""A proxy on loopback whose server does as it is told and answers one kind of request too late."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

WAIT_S = 120.0
OWN = ("transfer-encoding", "content-encoding", "content-length", "connection", "date", "server")


@contextmanager
def late_answers(server: str, path: str) -> Iterator[tuple[str, list[Any]]]:
    """Pass requests on to a server; yield the proxy's address, and the server's answers to paths that end so.

    The first of them is answered when the client, tired of waiting, has asked again and was answered.
    """
    answers, again = list[Any](), threading.Event()

    class Proxy(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            address = f"{server}{self.path}"
            reply = httpx.request(self.command, address, content=body, headers=headers, timeout=60, trust_env=False)
            number = 0
            if self.path.endswith(path):
                answers.append(reply.json())
                number = len(answers)
            if number == 1:
                again.wait(WAIT_S)
            try:
                self.answer(reply)
            except (BrokenPipeError, ConnectionResetError):
                assert number == 1  # its client has gone
            if number == 2:
                again.set()

        def answer(self, reply: httpx.Response) -> None:
            self.send_response(reply.status_code)
            for name, value in reply.headers.items():
                if name.lower() not in OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Stay quiet."""

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}", answers
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
