"""Stands before the compiler in Verilator's makefiles (``OBJCACHE``) and keeps the objects of Verilator's own library.

Those four or five files are the same for every design and take 13 s of CPU time, most of a small build. An object is
kept under a digest of the command, the sources' folder and the compiler, with its bytes in its name, so that one that
was cut off is not taken. All else is compiled as asked.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OBJECTS = "TOKENSIEVE_OBJECTS"
"""Environment variable that names the folder of kept objects."""


def main(command: list[str]) -> int:
    """Run a compiler's command line, or put the kept object where it would have put its own."""
    target, folder = _library_object(command), os.environ.get(OBJECTS)
    if target is None or not folder:
        return subprocess.run(command, check=False).returncode
    key = _key(command)
    for kept in Path(folder).glob(f"{key}-*.o"):
        if kept.name == _name(key, kept):
            shutil.copyfile(kept, target)
            return 0
    code = subprocess.run(command, check=False).returncode
    if not code:
        _keep(Path(target), Path(folder, _name(key, Path(target))))
    return code


def _name(key: str, made: Path) -> str:
    """Return the name under which an object is kept."""
    return f"{key}-{made.stat().st_size}.o"


def _library_object(command: list[str]) -> str | None:
    """Return the object that a command makes, if it compiles a source of Verilator's library."""
    source = Path(command[-1])
    if "-c" not in command or "-o" not in command or not source.is_absolute():
        return None
    is_ours = source.name.startswith("verilated") and source.suffix == ".cpp"
    return command[command.index("-o") + 1] if is_ours else None


def _key(command: list[str]) -> str:
    """Return the digest of the command and of what it reads: compiler and library, by size and time."""
    compiler = Path(shutil.which(command[0]) or command[0]).resolve()
    read = [compiler, *sorted(Path(command[-1]).parent.glob("*.*"))]
    facts = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in read if path.exists()]
    return hashlib.sha256("\0".join([*command, *facts]).encode()).hexdigest()


def _keep(made: Path, kept: Path) -> None:
    """Copy an object to its place through a temporary name: another process may be reading there."""
    handle, draft = tempfile.mkstemp(dir=kept.parent)
    os.close(handle)
    shutil.copyfile(made, draft)
    os.replace(draft, kept)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
