"""A bounded store of small JSON objects in the user's cache folder. Whatever goes wrong with it costs time, no more."""

import hashlib
import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tokensieve.arch.folders import cache_root

FOLDER = "references"
MOST_ENTRIES = 512
MOST_BYTES = 16 << 20
"""An entry takes 4 to 20 kB, more with more layers."""

_SUFFIX = ".json"
_ABANDONED = 3600.0
"""Age in s of a half-written file that nobody can be writing any more."""


class Store:
    """Objects by key, one file each: whole or absent, the one out of use for longest goes first.

    Several processes may use one folder. An object that is damaged, or that cannot be read or written, is not there.
    """

    def __init__(self, folder: Path | None = None, entries: int = MOST_ENTRIES, size: int = MOST_BYTES) -> None:
        self._folder, self._entries, self._size = folder, entries, size

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the object of `key`, or None where there is none."""
        with suppress(OSError, RuntimeError, ValueError, KeyError, TypeError):
            path = self._path(key)
            kept = json.loads(path.read_bytes())
            content: dict[str, Any] = kept["content"]
            if kept["digest"] == _digest(key, content):
                os.utime(path)  # it was used now
                return content
        return None

    def put(self, key: str, content: dict[str, Any]) -> None:
        """Keep `content` under `key`, and drop what has been out of use for longest where there is too much."""
        text = json.dumps({"digest": _digest(key, content), "content": content}, allow_nan=False)
        with suppress(OSError, RuntimeError):
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, text.encode())
            self._trim(path.parent)

    def _path(self, key: str) -> Path:
        return (self._folder or cache_root() / FOLDER) / f"{key}{_SUFFIX}"

    def _trim(self, folder: Path) -> None:
        """Remove the oldest entries beyond the bounds, and what a process that was killed left half-written."""
        found = []
        for entry in os.scandir(folder):
            with suppress(OSError):  # another process may have removed it
                state = entry.stat()
                if entry.name.endswith(_SUFFIX):
                    found.append((state.st_mtime_ns, state.st_size, entry.path))
                elif time.time() - state.st_mtime > _ABANDONED:
                    os.unlink(entry.path)
        total = 0
        for number, (_, size, path) in enumerate(sorted(found, reverse=True)):
            total += size
            if number >= self._entries or total > self._size:
                with suppress(OSError):
                    os.unlink(path)


def _digest(key: str, content: dict[str, Any]) -> str:
    return hashlib.sha256(f"{key} {json.dumps(content, sort_keys=True)}".encode()).hexdigest()


def _write(path: Path, data: bytes) -> None:
    """Write a file under a name of its own and rename it."""
    number, draft = tempfile.mkstemp(suffix=".part", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(data)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
