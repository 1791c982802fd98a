"""Files that a command leaves behind: all of them whole, or none."""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from tokensieve.arch import TokensieveError


def check_folder(folder: Path, names: Iterable[str] = ()) -> None:
    """Raise `TokensieveError` if files called `names` could not be written to `folder`.

    It is made if its parent exists.
    """
    if folder.is_dir():
        _writable(folder, folder)
        _require_files(folder / name for name in names)
    elif os.path.lexists(folder):
        raise TokensieveError(f"--out {folder}: is not a directory")
    elif not folder.parent.is_dir():
        raise TokensieveError(f"--out {folder}: the directory {folder.parent} does not exist")
    else:
        _writable(folder.parent, folder)


def check_file(named: Path | str, option: str) -> None:
    """Raise `TokensieveError` if a file could not be written to `named`, which `option` named."""
    path = Path(named)
    if not path.name:
        raise TokensieveError(f"{option} must name a file, got {str(named)!r}")
    if str(named) == "-":
        raise TokensieveError(f"{option} must name a file, got '-': no option writes to standard output")
    with _as_ours(path, option):
        place = _place(path)
        if os.path.lexists(place) and not place.is_file():
            raise TokensieveError(f"{option} {path}: is not a file")
        if not place.parent.is_dir():
            raise TokensieveError(f"{option} {path}: the directory {place.parent} does not exist")
        part = _part(place)
        part.open("xb").close()
        part.unlink()


def check_apart(written: Iterable[Path | str], option: str, read: Mapping[str, Path | str | None]) -> None:
    """Raise `TokensieveError` if one of the files `written`, which `option` named, is also one that is `read`.

    `read` holds what each argument named: a file, something else (a preset, say), or None where it was not given.
    """
    for out in map(Path, written):
        for name, given in read.items():
            if given is not None and _is_same(out, Path(given)):
                raise TokensieveError(
                    f"{option} must not name a file that is read, got {str(out)!r}, also given as {name}"
                )


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two names are of one file that exists."""
    with suppress(OSError, ValueError):
        return one.samefile(other)
    return False


def _require_files(paths: Iterable[Path], option: str = "--out") -> None:
    """Refuse places where a file cannot go, before any other file does: folders, devices."""
    for path in paths:
        if os.path.lexists(path) and not path.is_file():
            raise TokensieveError(f"{option} {path}: is not a file")


def _writable(folder: Path, asked: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise TokensieveError(f"--out {asked}: {folder} is not writable")
    part = _part(folder / "out")
    with _as_ours(asked):  # what the rights allow, the file system may not: /proc, say
        part.mkdir()
        part.rmdir()


def write_folder(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write `files`, named by name, to `folder`; make it first if need be. Return their paths.

    Every file is written to a temporary name first and renamed when all are whole.
    """
    with _as_ours(folder):
        made = not folder.is_dir()
        folder.mkdir(exist_ok=True)  # another process may make it meanwhile
        _require_files(folder / name for name in files)
        try:
            return _write_all({folder / name: data for name, data in files.items()}, folder)
        except BaseException:
            if made:
                with suppress(OSError):
                    folder.rmdir()
            raise


def write_file(path: Path, data: bytes, option: str = "--out") -> None:
    """Write `data` to `path`, which `option` named, through a temporary file beside it."""
    check_file(path, option)
    with _as_ours(path, option):
        _write_all({path: data})


@contextmanager
def replaced(path: Path, option: str) -> Iterator[Path]:
    """Give a temporary name beside `path`, which `option` named; after the block its file takes the place of `path`."""
    check_file(path, option)
    part = _part(_place(path))
    try:
        with _as_ours(path, option):
            yield part
            os.replace(part, _place(path))
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _as_ours(place: Path, option: str = "--out") -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as problem:  # ValueError: a name with a NUL byte
        reason = getattr(problem, "strerror", None) or problem
        raise TokensieveError(f"{option} {place}: cannot be written: {reason}") from None


def _write_all(files: Mapping[Path, bytes], folder: Path | None = None) -> list[Path]:
    """Write `files` and return their paths; those of one `folder` are of one process, even if several write there."""
    pending = {path: _part(_place(path)) for path in files}
    try:
        for path, data in files.items():
            with open(pending[path], "xb") as file:
                file.write(data)
        with nullcontext() if folder is None else _held(folder):
            for path in files:
                os.replace(pending[path], _place(path))
    finally:
        for part in pending.values():
            part.unlink(missing_ok=True)
    return list(files)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other processes out that hold `folder` meanwhile, where it can be opened and its file system has locks."""
    handle = None
    try:
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _place(path: Path) -> Path:
    """Return where a file called `path` lies: a link is written through, and stays a link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _part(path: Path) -> Path:
    """Return the temporary name beside `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")
