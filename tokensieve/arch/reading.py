"""The one door for files that a user names: regular files of a bounded size, so that no read hangs or fills memory."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from tokensieve.arch.errors import TokensieveError

MOST_BYTES = 64 << 20
"""Largest text file that is read: CSV, request streams, results, texts."""

MOST_YAML = 4 << 20
"""Largest YAML file that is read."""

MOST_ARRAYS = 256 << 20
"""Largest file of arrays that is read, packed."""

MOST_WEIGHTS = 64 << 30
"""Largest file of a model's weights or of stored results that is read."""

_WIDE = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""Byte order marks of other encodings, the longer ones first: that of UTF-32 may begin with that of UTF-16."""

_LFS = b"version https://git-lfs.github.com/spec/"
"""How the file begins that Git LFS leaves where a large one was not fetched."""


def open_file(path: Path, error: type[TokensieveError], most: int = MOST_BYTES) -> BinaryIO:
    """Return the regular file at `path`, of at most `most` bytes, open for reading, or raise `error`."""
    with translated(path, error):
        # Without O_NONBLOCK the open itself would wait for somebody to write into a FIFO.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        try:
            _require_regular(path, os.fstat(handle), error, most)
            if os.pread(handle, len(_LFS), 0) == _LFS:
                raise error(f"{path}: is a Git LFS pointer, not the file: fetch it with `git lfs pull`")
            return os.fdopen(handle, "rb")
        except BaseException:  # closed whatever happened, then raised again
            os.close(handle)
            raise


def check_file_read(path: Path, error: type[TokensieveError], most: int = MOST_WEIGHTS) -> None:
    """Raise `error` unless `path` is a readable regular file of at most `most` bytes, for a library that opens it."""
    open_file(path, error, most).close()


def read_bytes(path: Path, error: type[TokensieveError], most: int = MOST_BYTES) -> bytes:
    """Return the bytes of the regular file at `path`, or raise `error` in a user's words."""
    with open_file(path, error, most) as file, translated(path, error):
        return file.read(most + 1)


def read_text(path: Path, error: type[TokensieveError], most: int = MOST_BYTES) -> str:
    """Return the UTF-8 text of the file at `path`, without a byte order mark, or raise `error` in a user's words."""
    return decoded(path, read_bytes(path, error, most), error)


def decoded(path: Path, data: bytes, error: type[TokensieveError]) -> str:
    """Return `data`, the content of the file at `path`, as UTF-8 text with line ends of ``\\n``, or raise `error`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{path}: {not_utf8(data)} (byte {problem.start})") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def not_utf8(head: bytes) -> str:
    """Return in words what bytes are that are no UTF-8 text, from the first of them."""
    wide = next((name for mark, name in _WIDE.items() if head.startswith(mark)), None)
    return f"is {wide} text, UTF-8 is expected" if wide else "not UTF-8 text"


def open_text(path: Path, error: type[TokensieveError], most: int = MOST_BYTES) -> TextIOWrapper:
    """Return the regular file at `path` open for reading as UTF-8 text, a byte order mark passed over."""
    return TextIOWrapper(open_file(path, error, most), encoding="utf-8-sig")


def _require_regular(path: Path, found: os.stat_result, error: type[TokensieveError], most: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise error(f"{path}: is a directory, a file is expected")
    if not stat.S_ISREG(found.st_mode):
        raise error(f"{path}: is not a regular file (a pipe or a device)")
    if found.st_size > most:
        raise error(f"{path}: is {found.st_size:,} bytes long, at most {most:,} are read")


@contextmanager
def translated(path: Path, error: type[TokensieveError]) -> Iterator[None]:
    """Turn what the system says of the file at `path` into `error`."""
    try:
        yield
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except IsADirectoryError:
        raise error(f"{path}: is a directory, a file is expected") from None
    except (OSError, ValueError) as problem:  # ValueError: a name with a NUL byte
        raise error(f"{path}: cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
