"""Runs the notebooks of the docs and stores what they print: ``.venv/bin/python scripts/notebook.py [NOTEBOOK...]``.

What differs from run to run is left out: execution times, and what is known of the kernel.
`tests/docs/test_notebooks.py` runs them in the same way and compares the text.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
TIMEOUT_S = 600


def executed(path: Path) -> nbformat.NotebookNode:
    """Return the notebook at `path` as it is when run in an empty folder."""
    notebook = nbformat.read(path, as_version=4)
    os.environ["IPYTHONDIR"] = tempfile.gettempdir()  # no settings or history of the user
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": folder}},
            record_timing=False,
        )  # fmt: skip
        client.execute()
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the text that each cell of code prints; pictures aside."""
    return ["".join(map(_text, cell.outputs)) for cell in notebook.cells if cell.cell_type == "code"]


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return str(output.text)
    data = output.get("data", {})
    return "" if "image/png" in data else str(data.get("text/plain", ""))


def main() -> None:
    """Run the named notebooks, or all."""
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        nbformat.write(executed(path), path)


if __name__ == "__main__":
    main()
