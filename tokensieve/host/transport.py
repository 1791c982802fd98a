"""What carries bytes to a board and back."""

from typing import Any, Protocol

from tokensieve.arch.errors import LinkError, ToolError


class Transport(Protocol):
    """A port. What it writes may be under way for as long as the bytes take on the wires."""

    def write(self, data: bytes) -> None:
        """Send `data`."""

    def read(self, seconds: float) -> bytes:
        """Return the bytes that have come; wait for the first one, but no longer than `seconds`."""


class SerialTransport:
    """A serial port of this machine, through pyserial.

    Raises `ToolError` without pyserial, and `LinkError` if the port cannot be opened, written or read.
    """

    def __init__(self, name: str, baud: int) -> None:
        try:
            import serial  # its room is this class: whoever simulates does not need it
        except ImportError:
            raise ToolError("a serial port needs pyserial: pip install -e '.[fpga]'") from None
        self._error: type[Exception] = serial.SerialException
        try:
            self._port: Any = serial.Serial(name, baud)
        except (self._error, ValueError) as problem:
            raise LinkError(f"port {name} at {baud} baud cannot be opened: {problem}") from None

    def write(self, data: bytes) -> None:
        """Send `data`, and return when the operating system has passed it on."""
        try:
            self._port.write(data)
            self._port.flush()
        except self._error as problem:
            raise LinkError(f"port {self._port.name} cannot be written: {problem}") from None

    def read(self, seconds: float) -> bytes:
        """Return the bytes that have come; wait for the first one, but no longer than `seconds`."""
        try:
            self._port.timeout = seconds
            first: bytes = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""
        except self._error as problem:
            raise LinkError(f"port {self._port.name} cannot be read: {problem}") from None

    def close(self) -> None:
        """Close the port."""
        self._port.close()
