"""What QEMU's gdb stub can do without gdb: let the machine run to an address, and on."""

import socket
from typing import Self


class GdbStub:
    """The remote serial protocol, as far as that needs it; all CPUs stop and go together."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _packet(self) -> str:
        """The next packet, "$" to "#" and two digits; what acknowledges ours is passed over."""
        while b"#" not in self._read or len(self._read.partition(b"#")[2]) < 2:
            more = self._connection.recv(4096)
            if not more:
                raise OSError("the gdb stub has ended")
            self._read += more
        text, _, rest = self._read.partition(b"#")
        self._read = rest[2:]
        self._connection.sendall(b"+")
        return text.partition(b"$")[2].decode("ascii", errors="replace")

    def _send(self, text: str) -> None:
        data = text.encode("ascii")
        self._connection.sendall(b"$%s#%02x" % (data, sum(data) % 256))

    def _ask(self, text: str) -> None:
        self._send(text)
        if (answer := self._packet()) != "OK":
            raise OSError(f"the gdb stub answers {text} by {answer!r}")

    def run_to(self, address: int) -> None:
        """By a hardware breakpoint: the code may not be there yet."""
        self._ask(f"Z1,{address:x},1")
        self._send("c")
        self._packet()
        self._ask(f"z1,{address:x},1")

    def go_on(self) -> None:
        """For good."""
        self._ask("D")
