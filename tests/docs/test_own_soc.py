"""The how-to of one's own design: its commands run as they stand there, in a folder of their own."""

import re
import subprocess

from conftest import ROOT

from tokensieve.rtl.flow import tools

PAGE = (ROOT / "docs/how-to/use-a-unit.md").read_text(encoding="utf-8")


def sessions():
    """Return the commands of the page, each with the lines that it should print."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *printed = part.splitlines()
            yield command, printed


def test_the_page_is_followed_literally(needs_tool, tmp_path):
    needs_tool("iverilog", "iverilog")
    [soc] = re.findall(r"<!-- file: soc.v -->\n```verilog\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "soc.v").write_text(soc, encoding="utf-8")

    for command, printed in sessions():
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=tools.environment(), capture_output=True, text=True, check=False
        )
        said = re.escape("\n".join(printed)).replace(re.escape("..."), ".*")
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert re.fullmatch(rf"{said}\n?", done.stdout, re.DOTALL), f"{command} prints {done.stdout}"
