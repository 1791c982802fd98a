"""Technology files of a user: what they take over, what is refused, and how a machine names them."""

import json

import pytest

from tokensieve.arch import Arch, ArchError, load_arch
from tokensieve.arch.presets import show_yaml
from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.area import area

HEAD = "name: mine\nnote: mine\n"
REST = "uncertainty: 0.3, source: here, confidence: paper}"
WIRE = f"wire: {{value: 1, unit: pJ/bit/mm, {REST}"
HALF = f"{{value: 0.5, unit: '1', {REST}"
SCALING = f"scaling: {{energy: {HALF}, logic_area: {HALF}, sram_area: {HALF}, leakage: {HALF}, wire: {HALF}}}\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes a file into the working folder and returns its name."""
    monkeypatch.chdir(tmp_path)

    def put(name, text):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    return put


def read(write, text):
    """Return the technology that a file of this text makes."""
    return load_technology(write("mine.yaml", HEAD + text))


def changed(mine, base):
    """Return the names of the constants that differ."""
    other = dict(load_technology(base).constants())
    return [name for name, one in mine.constants() if one != other[name]]


def two(name, unit):
    """Return a curve of two points."""
    points = ", ".join(f"{{at: {at}, value: 1, unit: {unit}, {REST}" for at in (8, 9))
    return f"{name}: {{points: [{points}]}}"


def macros(*units):
    """Return macros with areas in `units`, each on a line."""
    rows = (f"    - {{words: {8 << n}, bits: 8, value: 9, unit: {unit}, {REST}\n" for n, unit in enumerate(units))
    return f"sram:\n  macros:\n{''.join(rows)}"


REFUSED = {
    "number for a group": ("extend: tsmc40\nlogic: 5\n", "line 4: logic must be a group of fields, got 5"),
    "nothing for a group": ("extend: tsmc40\nlogic:\n", "line 4: logic must be a group of fields, got nothing"),
    "itself": ("extend: mine.yaml\n", "mine.yaml: extend runs in a circle"),
    "list of parents": ("extend: [1]\n", "line 3: extend must be the name of a shipped technology or a file, got [1]"),
    "unknown parent": ("extend: tsmc41\n", "line 3: extend must be a shipped technology (public45, scaled7, tsmc40)"),
    "misspelt constant": (
        "extend: tsmc40\nlogic: {wier: 3}\n",
        "line 4: logic.wier is not a known field; did you mean",
    ),
    "part of a constant": ("extend: tsmc40\nlogic: {wire: {value: 3}}\n", "line 4: logic.wire.unit is required"),
    "nothing else": ("", "dram is required"),
    "wire in nW": (
        f"extend: tsmc40\nlogic: {{wire: {{value: 1, unit: nW/bit, {REST}}}\n",
        "line 4: logic.wire.unit must be pJ/bit/mm, got 'nW/bit'",
    ),
    "energy in um2": (
        f"extend: tsmc40\nlogic: {{{two('add_energy', 'um2')}}}\n",
        "line 4: logic.add_energy.points.0.unit must be pJ, got 'um2'",
    ),
    "macro by the bit": (
        f"extend: tsmc40\n{macros('um2', 'um2/bit', 'um2', 'um2')}",
        "line 7: sram.macros.1.unit must be um2, got 'um2/bit'",
    ),
    "macros of one width": (
        f"extend: tsmc40\n{macros(*['um2'] * 4)}",
        "line 5: sram.macros must differ in size and in bits / words above 1 to be fitted, got 8 x 8, 16 x 8, 32 x",
    ),
    "curve without points": (
        "extend: tsmc40\nlogic: {add_area: {points: []}}\n",
        "line 4: logic.add_area.points must be a list of at least 2, got []",
    ),
    "volts in mA": (
        f"extend: tsmc40\ndram: {{DDR4: {{supply: {{value: 1, unit: mA, {REST}}}}}\n",
        "line 4: dram.DDR4.supply.unit must be V, got 'mA'",
    ),
    "factor in pJ": (
        "extend: tsmc40\n" + SCALING.replace("'1'", "pJ", 1),
        "line 4: scaling.energy.unit must be 1, got 'pJ'",
    ),
}
"""What follows `HEAD`, and a part of the message."""


@pytest.mark.parametrize("name", REFUSED)
def test_a_malformed_technology_is_refused_by_file_line_and_field(name, write):
    text, message = REFUSED[name]

    with pytest.raises(ArchError) as caught:
        read(write, text)
    assert str(caught.value).startswith("mine.yaml")
    assert message in str(caught.value)


def test_factors_that_multiply_nothing_are_refused(write):
    groups = json.loads(load_technology("tsmc40").model_dump_json(include={"dram", "logic", "sram"}))
    whole = "".join(f"{name}: {json.dumps(group)}\n" for name, group in groups.items())

    assert read(write, whole).constants() == load_technology("tsmc40").constants()
    with pytest.raises(ArchError, match=r"^mine.yaml, line 6: scaling must come with extend, .*, got none$"):
        read(write, whole + SCALING)


@pytest.mark.parametrize("name", ["tsmc40", "public45", "scaled7"])
def test_a_file_that_only_extends_gives_the_figures_of_what_it_extends(name, write):
    mine = read(write, f"extend: {name}\n")

    assert changed(mine, name) == []
    assert area(Arch(), mine) == area(Arch(), load_technology(name))


@pytest.mark.parametrize("base", ["tsmc40", "scaled7"])
def test_a_constant_of_ones_own_stands_as_given_whatever_it_is_laid_on(base, write):
    """The wire of tsmc40 is printed for 2,560 bit millimetres, and that of scaled7 has a factor."""
    mine = read(write, f"extend: {base}\nlogic: {{{WIRE}}}\n")

    assert changed(mine, base) == ["logic.wire"]
    assert mine.logic.wire.quantity.value == 1


def test_factors_multiply_what_is_extended_and_no_constant_of_ones_own(write):
    mine, base = read(write, f"extend: tsmc40\n{SCALING}logic: {{{WIRE}}}\n"), load_technology("tsmc40")

    assert mine.logic.wire.value == 1
    assert mine.logic.register_energy.value == base.logic.register_energy.value / 2
    assert mine.sram.port_pitch.value == pytest.approx(base.sram.port_pitch.value * 0.5**0.5)
    assert mine.dram == base.dram


def test_one_constant_of_one_standard_leaves_all_others(write):
    mine = read(write, f"extend: tsmc40\ndram: {{HBM2: {{activate: {{value: 9, unit: pJ, {REST}}}}}\n")

    assert changed(mine, "tsmc40") == ["dram.HBM2.activate"]


def test_a_machine_names_a_file_and_the_digest_of_its_constants(write):
    mine = read(write, f"extend: tsmc40\nlogic: {{{WIRE}}}\n")
    arch = load_arch("spatten", ["technology=mine.yaml"])

    assert arch.technology == f"mine.yaml@{mine.digest}"
    assert load_technology(arch.technology) == mine
    assert load_arch(write("again.yaml", show_yaml(arch))) == arch


def test_a_technology_file_is_sought_beside_the_file_that_names_it(write, monkeypatch):
    read(write, f"extend: tsmc40\nlogic: {{{WIRE}}}\n")
    write("machines/base.yaml", "technology: ../mine.yaml\n")
    child = load_arch(write("child.yaml", "extend: machines/base.yaml\nname: child\n"))
    monkeypatch.chdir("machines")
    base = load_arch("base.yaml")

    assert child.technology.partition("@")[0] == "mine.yaml"
    assert base.technology.partition("@")[0] == "../mine.yaml"
    assert base.identity == child.identity | {"name": base.name}


def test_a_machine_keeps_its_constants_when_the_file_changes_or_the_folder(write, monkeypatch, tmp_path_factory):
    mine = read(write, f"extend: tsmc40\nlogic: {{{WIRE}}}\n")
    arch = load_arch("spatten", ["technology=mine.yaml"])
    read(write, "extend: tsmc40\n")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    assert load_technology(arch.technology) == mine


def test_machines_differ_by_what_their_technology_holds_and_not_by_where_it_lies(write):
    text = f"{HEAD}extend: tsmc40\nlogic: {{{WIRE}}}\n"
    names = write("a.yaml", text), write("b.yaml", f"# The same.\n{text}"), write("c.yaml", text.replace("1,", "2,"))
    a, b, c, shipped = (load_arch("spatten", [f"technology={name}"]).digest for name in (*names, "tsmc40"))

    assert shipped == load_arch("spatten").digest == Arch().digest
    assert a == b
    assert len({a, c, shipped}) == 3


def test_a_file_that_no_longer_holds_what_its_digest_says_is_refused(write):
    read(write, "extend: tsmc40\n")
    shown = show_yaml(load_arch("spatten", ["technology=mine.yaml"]))
    read(write, f"extend: tsmc40\nlogic: {{{WIRE}}}\n")

    with pytest.raises(ArchError, match=r"technology must be a file with the digest \w{16}, got mine.yaml with \w{16}"):
        load_arch(write("again.yaml", shown))


def test_an_error_in_the_file_that_a_machine_names_is_told_with_its_line(write):
    write("mine.yaml", f"{HEAD}extend: tsmc40\nlogic: 5\n")

    with pytest.raises(ArchError, match=r"^mine.yaml, line 4: logic must be a group of fields"):
        load_arch("spatten", ["technology=mine.yaml"])
