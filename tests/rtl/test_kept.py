"""What tools made is kept, and used again as long as it is whole; tools are programs that a test wrote."""

import json
import threading
from types import SimpleNamespace

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch import ToolError
from tokensieve.rtl.flow import fpga, objcache, tools
from tokensieve.rtl.flow.bitstream.boards import BOARDS
from tokensieve.rtl.flow.bitstream.place import place
from tokensieve.rtl.flow.bitstream.synthesis import Netlist, synthesise
from tokensieve.rtl.flow.bitstream.toolchain import Tool, Toolchain


class Wire(wiring.Component):
    """One bit from a pin to another."""

    i: In(1)
    o: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKENSIEVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tool(tmp_path):
    """Return a function that makes a program of lines of shell; each of its runs is a line of the file ``runs``."""

    def make(name, *lines):
        path = tmp_path / name
        path.write_text("\n".join(["#!/bin/sh", f"echo {name} >> {tmp_path}/runs", *lines]))
        path.chmod(0o755)
        return Tool(name=name, path=path, version="1")

    return make


def runs(tmp_path):
    return (tmp_path / "runs").read_text().split()


def empty(file):
    file.write_bytes(b"")


def shorter(file):
    file.write_bytes(file.read_bytes()[:-1])


def other(file):
    file.write_bytes(bytes(len(file.read_bytes())))


def gone(file):
    file.unlink()


DAMAGES = [empty, shorter, other, gone]


def two_files(runs):
    def make(draft):
        runs.append(draft)
        (draft / "sub").mkdir()
        (draft / "report.json").write_text("{}")
        (draft / "sub" / "bits").write_text("bits")

    return make


def whole(folder):
    return (folder / "report.json").read_text() == "{}" and (folder / "sub" / "bits").read_text() == "bits"


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["report.json", "sub/bits", "made.json"])
def test_a_kept_folder_with_a_damaged_file_is_made_again(name, damage, tmp_path):
    made = []
    folder = tools.made_once(tmp_path / "kept", two_files(made))
    damage(folder / name)

    assert whole(tools.made_once(folder, two_files(made)))
    assert len(made) == 2
    tools.made_once(folder, two_files(made))
    assert len(made) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "kept.lock"]


@pytest.mark.parametrize("old", ["empty folder", "folder of an older version", "file"])
def test_what_lies_in_the_place_of_a_kept_folder_is_replaced(old, tmp_path):
    if old == "file":
        (tmp_path / "kept").touch()
    else:
        (tmp_path / "kept").mkdir()
    if old == "folder of an older version":
        (tmp_path / "kept" / "report.json").write_text("{}")

    assert whole(tools.made_once(tmp_path / "kept", two_files([])))


def test_files_that_are_added_to_a_kept_folder_are_no_damage(tmp_path):
    made = []
    folder = tools.made_once(tmp_path / "kept", two_files(made))
    (folder / "log.txt").write_text("later")

    assert (tools.made_once(folder, two_files(made)) / "log.txt").exists()
    assert len(made) == 1


def test_two_that_find_the_same_damage_make_it_once(tmp_path):
    made = []
    folder = tools.made_once(tmp_path / "kept", two_files(made))
    (folder / "report.json").write_text("")
    threads = [threading.Thread(target=tools.made_once, args=(folder, two_files(made))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert whole(folder)
    assert len(made) == 2


NEXTPNR = ("echo placed > placed.txt", "echo '{\"fmax\": {}}' > report.json")
PACKER = ("echo the whole bitstream > bitstream",)
YOSYS = ("for name in structure.json top.v design.json stat.json; do echo '{}' > $name; done",)


@pytest.fixture
def placing(cache, tmp_path):
    """Return a function that places a netlist with two programs."""
    netlist = Netlist(tmp_path / "netlist")
    netlist.folder.mkdir()
    (netlist.folder / "design.json").write_text("{}")

    def run(nextpnr, packer):
        chain = Toolchain(yosys=nextpnr, place=nextpnr, pack=packer)
        return place(netlist, BOARDS["ice40-hx8k-b-evn"], "ice40", "pins", 50.0, 1, chain)

    return run


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["report.json", "bitstream"])
def test_a_damaged_placement_is_made_again_and_its_bitstream_is_whole(name, damage, placing, tool, tmp_path):
    nextpnr, packer = tool("nextpnr", *NEXTPNR), tool("packer", *PACKER)
    damage(placing(nextpnr, packer).folder / name)

    found = placing(nextpnr, packer)
    assert (found.bitstream.read_text(), found.report) == ("the whole bitstream\n", {"fmax": {}})
    assert runs(tmp_path) == ["nextpnr", "packer"] * 2
    placing(nextpnr, packer)
    assert runs(tmp_path) == ["nextpnr", "packer"] * 2


@pytest.mark.parametrize(
    ("nextpnr", "packer", "message"),
    [
        (NEXTPNR[:1], PACKER, r"/nextpnr ended well and wrote no report.json"),
        (NEXTPNR[1:], PACKER, r"/nextpnr ended well and wrote no placed.txt"),
        (NEXTPNR, [": > bitstream", "echo no room"], r"/packer ended well and wrote no bitstream: no room"),
    ],
)
def test_a_tool_that_ends_well_without_its_files_is_named_and_nothing_is_kept(
    nextpnr, packer, message, placing, tool, cache
):
    with pytest.raises(ToolError, match=message):
        placing(tool("nextpnr", *nextpnr), tool("packer", *packer))
    assert [path.suffix for path in (cache / "placed").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["structure.json", "top.v", "design.json", "stat.json"])
def test_a_damaged_netlist_is_made_again_and_one_that_yosys_did_not_write_is_not_kept(name, cache, tool, tmp_path):
    def run(*lines):
        yosys = tool("yosys", *lines)
        return synthesise(Wire(), "ice40", Toolchain(yosys=yosys, place=None, pack=None)).folder

    with pytest.raises(ToolError, match=f"/yosys ended well and wrote no {name}"):
        run(*YOSYS, f"rm {name}")
    shorter(run(*YOSYS) / name)
    assert (run(*YOSYS) / name).read_text() == "{}\n"
    assert runs(tmp_path) == ["yosys"] * 3


@pytest.mark.parametrize("kind", ["garbage", "no right to", "no interpreter"])
def test_a_tool_that_cannot_be_executed_is_named(kind, tmp_path):
    path = tmp_path / "nextpnr"
    path.write_bytes(b"#!/nowhere/sh\n" if kind == "no interpreter" else b"\x00\x01garbage")
    path.chmod(0o644 if kind == "no right to" else 0o755)

    with pytest.raises(ToolError, match=rf"{path} cannot be executed: \w+"):
        tools.run([path], tmp_path, makes=[])


def test_an_object_of_verilator_s_library_that_was_cut_off_is_compiled_again(tool, tmp_path, monkeypatch):
    compiler = tool("compiler", 'echo object > "$3"')
    for name in ("objects", "library"):
        (tmp_path / name).mkdir()
    (tmp_path / "library" / "verilated.cpp").touch()
    monkeypatch.setenv(objcache.OBJECTS, str(tmp_path / "objects"))
    made = tmp_path / "verilated.o"
    command = [str(compiler.path), "-c", "-o", str(made), str(tmp_path / "library" / "verilated.cpp")]

    assert [objcache.main(command), objcache.main(command)] == [0, 0]
    assert runs(tmp_path) == ["compiler"]
    shorter(next((tmp_path / "objects").iterdir()))
    assert objcache.main(command) == 0
    assert (made.read_text(), runs(tmp_path)) == ("object\n", ["compiler"] * 2)


def test_a_report_of_a_table_that_is_damaged_is_made_again(tool, tmp_path, monkeypatch):
    report = {"fmax": {"clk": {"achieved": 123.44}}, "utilization": {"TRELLIS_COMB": {"used": 7}}}
    nextpnr = tool("nextpnr", 'while [ "$1" != --report ]; do shift; done', f"echo '{json.dumps(report)}' > $2")
    monkeypatch.setattr(fpga, "used", lambda: (SimpleNamespace(), nextpnr))
    folder = tmp_path / "netlist"
    folder.mkdir()

    assert fpga.place(folder, 1) == 123.4
    (kept,) = folder.glob("*.json")
    shorter(kept)
    shorter(kept)  # the line's end, and a bracket
    assert (fpga.logic_cells(folder, 1), fpga.place(folder, 1)) == (7, 123.4)
    assert runs(tmp_path) == ["nextpnr"] * 2
    assert list(folder.glob("*.json")) == [kept]


def test_a_table_s_tool_that_writes_no_report_is_named(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(fpga, "used", lambda: (SimpleNamespace(), tool("nextpnr")))
    (tmp_path / "netlist").mkdir()

    with pytest.raises(ToolError, match=r"nextpnr ended well and wrote no draft-\d+.json"):
        fpga.place(tmp_path / "netlist", 1)
    assert not list((tmp_path / "netlist").glob("*.json"))
