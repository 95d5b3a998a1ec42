"""A server for the application: it starts in a thread, and stops without leaving one behind."""

import socket
from threading import Thread
from typing import Any

import waitress
from waitress.wasyncore import close_all

from local.sandbox.app import Sandbox

HOST = "127.0.0.1"
THREADS = 16
BODY_BYTES_MAX = 1 << 20
STOP_SECONDS_MAX = 10


class Server:
    """Waitress in a thread of its own, on loopback."""

    def __init__(self, app: Sandbox, port: int) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            listener.close()
            raise
        self._app = app
        self._open: dict[int, Any] = {}
        self._waitress = waitress.create_server(
            app,
            map=self._open,
            sockets=[listener],
            threads=THREADS,
            ident=None,
            log_socket_errors=False,
            max_request_body_size=BODY_BYTES_MAX,
        )
        self.address = f"http://{HOST}:{listener.getsockname()[1]}"
        self._thread = Thread(target=self._waitress.run, name="sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, save, close every connection."""
        if not self._thread.is_alive():
            return
        self._app.hurry()
        self._waitress.task_dispatcher.shutdown(timeout=STOP_SECONDS_MAX)
        self._app.close()
        connections: dict[int, Any] = {}

        def leave() -> None:  # the loop ends when nothing is open; closing is ours, after it
            connections.update(self._open)
            self._open.clear()

        self._waitress.trigger.pull_trigger(leave)
        self._thread.join(timeout=STOP_SECONDS_MAX)
        close_all(connections)


def serve(app: Sandbox, port: int = 0) -> tuple[Server, str]:
    """Serve the application on loopback; return the server, to stop it, and its address."""
    server = Server(app, port)
    return server, server.address
