"""Messages over a Unix socket: a header with two lengths, then that many bytes, within a deadline."""

import select
import socket
import time
from dataclasses import dataclass

from autograder.sandbox.messages import HEADER_SIZE, MAX_BLOB, Message, read_header


class Closed(ConnectionError):
    """The other end is gone."""


class Late(TimeoutError):
    """The other end did not answer in time."""


@dataclass
class Channel:
    """One end of a socket pair. Not for use by several threads."""

    socket: socket.socket

    def send(self, message: Message, deadline: float | None = None) -> None:
        """``deadline`` is a time of ``time.monotonic()``. Raises ``Closed`` or ``Late``."""
        self._limit(deadline)
        try:
            self.socket.sendall(b"".join((message.header, message.skeleton, message.blob)))
        except TimeoutError:
            raise Late("nobody read the message in time") from None
        except OSError as error:
            raise Closed(error.strerror) from None

    def receive(self, deadline: float | None = None, max_blob: int = MAX_BLOB) -> Message:
        """Raises ``Closed``, ``Late``, and ``WireError`` for a message that is over a limit, before reading it."""
        skeleton, blob = read_header(self._read(HEADER_SIZE, deadline), max_blob)
        body = self._read(skeleton + blob, deadline)
        return Message(body[:skeleton], body[skeleton:])

    def has_news(self) -> bool:
        """Whether there is something to read, the end included."""
        return bool(select.select([self.socket], [], [], 0)[0])

    def close(self) -> None:
        self.socket.close()

    def _read(self, size: int, deadline: float | None) -> memoryview:
        view, done = memoryview(bytearray(size)), 0
        while done < size:
            self._limit(deadline)
            try:
                count = self.socket.recv_into(view[done:])
            except TimeoutError:
                raise Late("no answer in time") from None
            except OSError as error:
                raise Closed(error.strerror) from None
            if not count:
                raise Closed("end of messages")
            done += count
        return view

    def _limit(self, deadline: float | None) -> None:
        """Let the next operation of the socket fail at ``deadline``."""
        self.socket.settimeout(None if deadline is None else max(deadline - time.monotonic(), 1e-3))
