#!/usr/bin/env bash
# Prints which Debian packages the tests lack and, as root where there is apt-get, installs them.
# Always ends well: a test whose tool is still missing says so itself.
set -uo pipefail
cd "$(dirname "$0")/.."

has_header() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]; }

# The shared library of the Python that .venv is made of; cocotb loads it into the simulator.
has_libpython() {
    local python=.venv/bin/python
    [ -x "$python" ] || python=$(scripts/pick-python.sh 2>/dev/null) || return 1
    "$python" - <<'PYTHON'
import ctypes.util, pathlib, sys, sysconfig
library, name = sysconfig.get_config_vars("LIBDIR", "INSTSONAME")
beside = pathlib.Path(library or "", name or "")
version = "python" + sysconfig.get_python_version()
sys.exit(not (".so" in beside.name and beside.exists() or ctypes.util.find_library(version)))
PYTHON
}

missing=()
need() {  # PACKAGE CHECK...
    local package=$1; shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
need g++ command -v g++
need make command -v make
need perl command -v perl
need git command -v git
need libpython3-dev has_libpython
need liblz4-dev has_header lz4.h
need zlib1g-dev has_header zlib.h
need iverilog command -v iverilog

if [ ${#missing[@]} -eq 0 ]; then
    echo "system packages: nothing is missing"
elif [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "system packages: installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
        || echo "system packages: apt-get failed; still missing: ${missing[*]}" >&2
else
    echo "system packages: missing ${missing[*]}"
    echo "on Debian or Ubuntu: sudo apt-get install ${missing[*]}"
fi
exit 0
