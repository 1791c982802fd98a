"""Files of named arrays: written whole or not at all, the same bytes each time, and read without trusting them.

The format is numpy's `.npz` with nothing pickled, so that ``numpy.load(path)`` opens these files too.
"""

import os
import struct
import tempfile
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.arch.reading import MOST_ARRAYS, open_file

Arrays = dict[str, npt.NDArray[Any]]

MAX_BYTES = 1 << 29
"""Most bytes that the arrays of one file may unpack to."""

MAX_RATIO, FREE_BYTES = 250, 1 << 27
"""Most times that a file may grow while it is unpacked, and the bytes that it may always unpack to."""

MAX_TEXT = {"meta": 1 << 22, "token_text": 1 << 24}
"""Most bytes of the arrays that hold text."""

MAX_ARRAYS = 256
_KINDS = "biuf"
_LONGEST_HEADER = 1 << 14
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BAD_HEADER = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError, struct.error)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError)


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write `arrays` to `path` through a temporary file beside it; the bytes depend on nothing but the arrays."""
    path = Path(path)
    temporary = None
    place = Path(os.path.realpath(path)) if path.is_symlink() else path  # a link is written through
    try:
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            _write(file, arrays)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, place)
    except OSError as problem:
        raise WorkloadError(f"{path}: cannot be written: {problem.strerror or problem}") from None
    finally:
        if temporary:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _write(file: BinaryIO, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, _npy(arrays[name]), compresslevel=6)


def _npy(array: npt.NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def read_arrays(path: Path, known: Collection[str] | Callable[[str], bool], what: str = "") -> Arrays:
    """Return the arrays in the file at `path`, or raise `WorkloadError` in a user's words.

    `known` holds the names that may occur, or says whether a name may; `what` says which file is expected. Nothing is
    unpacked before all names and sizes were looked at.
    """
    path = Path(path)
    try:
        with open_file(path, WorkloadError, MOST_ARRAYS) as file, zipfile.ZipFile(file) as archive:
            members = _members(path, archive, known, what)
            for name, member in members.items():
                _check_header(path, archive, name, member)
            return {name: _read(path, archive, name, member) for name, member in members.items()}
    except OSError as problem:
        raise WorkloadError(f"{path}: cannot be read: {problem.strerror or problem}") from None
    except MemoryError:
        raise WorkloadError(f"{path}: too large for this machine's memory") from None
    except _DAMAGED as problem:
        raise WorkloadError(f"{path}: damaged, cut short or no .npz file ({problem})") from None


def _members(
    path: Path, archive: zipfile.ZipFile, known: Collection[str] | Callable[[str], bool], what: str
) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    if len(archive.infolist()) > MAX_ARRAYS:
        raise WorkloadError(f"{path}: at most {MAX_ARRAYS} arrays are expected, got {len(archive.infolist())}")
    for member in archive.infolist():
        if member.filename.startswith("__MACOSX/"):  # what macOS adds to any archive
            continue
        if member.flag_bits & 1:
            raise WorkloadError(f"{path}: is encrypted: unpack it, and pack it without a password")
        name = member.filename.removesuffix(".npy")
        if name == member.filename and (known(name) if callable(known) else name in known):
            raise WorkloadError(f"{path}: array {name!r} must be called {name}.npy in the archive")
        if not (known(name) if callable(known) else name in known) or name == member.filename:
            hint = ("" if callable(known) else nearest(name, known)) or (f"; {what} is expected" if what else "")
            raise WorkloadError(f"{path}: unknown array {member.filename!r}{hint}")
        if name in found:
            raise WorkloadError(f"{path}: array {name!r} is there twice")
        found[name] = member
    total = sum(member.file_size for member in found.values())
    most = min(MAX_BYTES, max(MAX_RATIO * sum(member.compress_size for member in found.values()), FREE_BYTES))
    if total > most:
        raise WorkloadError(f"{path}: would unpack to {total} bytes, at most {most} are taken of a file of its size")
    for name in MAX_TEXT.keys() & found.keys():
        size = found[name].file_size
        if size > MAX_TEXT[name]:
            raise WorkloadError(
                f"{path}: array {name!r} would unpack to {size} bytes, at most {MAX_TEXT[name]} are taken"
            )
    return found


def _check_header(path: Path, archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> None:
    """Raise `WorkloadError` where the header of an array disagrees with the zip: it alone is unpacked."""
    with archive.open(member) as stream:
        head = BytesIO(stream.read(_LONGEST_HEADER))
    _header(path, name, head, member.file_size)


def _read(path: Path, archive: zipfile.ZipFile, name: str, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """Return one array; its header must agree with the bytes that the archive holds for it."""
    with archive.open(member) as stream:
        data = stream.read(member.file_size + 1)
    head = BytesIO(data)
    shape, fortran, dtype, count = _header(path, name, head, len(data))
    array = np.frombuffer(data, dtype, count, head.tell())
    return array.reshape(shape, order="F" if fortran else "C")


def _header(path: Path, name: str, head: BytesIO, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, order, type and number of items of an array of `size` bytes, and leave `head` behind its header."""
    if np.lib.format.read_magic(head) != (1, 0):
        raise WorkloadError(f"{path}: array {name!r} is not in version 1.0 of the .npy format")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(head)
    except _BAD_HEADER:
        raise WorkloadError(f"{path}: array {name!r} has a damaged header") from None
    if dtype.kind not in _KINDS or dtype.hasobject:
        raise WorkloadError(f"{path}: array {name!r} holds {dtype}, numbers are expected")
    count = 1
    for extent in shape:
        count *= extent
    if min(shape, default=0) < 0 or count * dtype.itemsize != size - head.tell():
        raise WorkloadError(f"{path}: array {name!r} does not hold the {shape} items that its header names")
    return shape, fortran, dtype, count


def bytes_of(array: npt.NDArray[Any], name: str) -> bytes:
    """Return what the array called `name`, a list of bytes, holds, or raise `WorkloadError` where it is none."""
    if array.dtype != np.uint8 or array.ndim != 1:
        raise WorkloadError(f"{name} must be a list of bytes, got {array.dtype} of shape {array.shape}")
    return array.tobytes()
