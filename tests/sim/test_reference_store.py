"""References that are kept: the same to the last bit, never stale, and nothing but time is lost where they are not."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tokensieve.arch import load_arch
from tokensieve.sim.reference import price, store, version
from tokensieve.sim.reference.price import reference_result
from tokensieve.sim.reference.store import Store
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.wholevalues import with_whole_values

MACHINE = load_arch()
WORK = load_workload("bert-base-cola", MACHINE)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """A store, and a list that grows by one for each reference that is priced and not found there."""
    priced = []
    for name in ("cycle_result", "analytic_result"):
        plain = getattr(price, name)
        monkeypatch.setattr(price, name, lambda *a, plain=plain, **k: priced.append(1) or plain(*a, **k))
    monkeypatch.setattr(price, "model_version", lambda: "this version")
    return Store(tmp_path / "references"), priced


def test_a_reference_is_priced_once_and_is_the_same_from_the_store(asked):
    kept, priced = asked
    plain = reference_result(MACHINE, WORK)
    first, again = (reference_result(MACHINE, WORK, store=kept) for _ in range(2))

    assert first.to_json() == again.to_json() == plain.to_json()
    assert first == again == plain
    assert len(priced) == 2  # one without the store


def test_runs_of_the_same_text_share_it_whatever_they_prune(asked):
    kept, priced = asked
    pruned = load_workload("minilm-values", MACHINE)
    reference_result(MACHINE, pruned, store=kept)
    reference_result(MACHINE, with_whole_values(pruned), store=kept)
    reference_result(MACHINE, pruned, level="rtl", store=kept)

    assert len(priced) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"arch": load_arch(sets=["topk.lanes=8"])},
        {"arch": load_arch(sets=["key_sram.kib=100"])},
        {"arch": load_arch(sets=["dram.nRCD=20"])},
        {"arch": load_arch(sets=["dram.extend=ddr4-2400"])},
        {"arch": load_arch(sets=["technology=public45"])},
        {"decisions": load_workload("bert-base-sst2", MACHINE)},
        {"decisions": load_workload("bert-large-cola", MACHINE)},
        {"kind": "dense-int8"},
        {"level": "analytic"},
    ],
    ids=lambda other: "-".join(other),
)
def test_whatever_can_change_the_figure_is_a_miss(asked, other):
    kept, priced = asked
    reference_result(MACHINE, WORK, store=kept)
    reference_result(**({"arch": MACHINE, "decisions": WORK, "store": kept} | other))

    assert len(priced) == 2


def test_another_version_of_the_model_is_a_miss(asked, monkeypatch):
    kept, priced = asked
    for name in ("this version", "that version", "this version"):
        monkeypatch.setattr(price, "model_version", lambda name=name: name)
        reference_result(MACHINE, WORK, store=kept)

    assert len(priced) == 2


def test_a_changed_constant_of_a_technology_is_a_miss(asked, monkeypatch):
    kept, priced = asked
    reference_result(MACHINE, WORK, store=kept)
    plain = price.load_technology("tsmc40")
    monkeypatch.setattr(price, "load_technology", lambda _: plain.model_copy(update={"note": "another"}))
    reference_result(MACHINE, WORK, store=kept)

    assert len(priced) == 2


def test_where_the_version_cannot_be_told_nothing_is_kept(asked, monkeypatch, tmp_path):
    kept, priced = asked
    monkeypatch.setattr(price, "model_version", lambda: None)
    for _ in range(2):
        reference_result(MACHINE, WORK, store=kept)

    assert len(priced) == 2
    assert not (tmp_path / "references").exists()


@pytest.fixture
def copied(tmp_path):
    """A copy of all sources that a figure comes from."""
    for room in version.ROOMS:
        ignored = shutil.ignore_patterns("__pycache__", "data", "*.yaml")
        shutil.copytree(room, tmp_path / room.name, ignore=ignored)
    return [tmp_path / room.name for room in version.ROOMS]


@pytest.mark.parametrize(
    "source", ["arch/topklaw.py", "sim/kernels/fetch.py", "sim/cost/energy.py", "sim/work.py", "workloads/reference.py"]
)
def test_one_byte_of_one_source_makes_another_version(copied, source):
    later = time.time() + 60
    before, again = (version.version_of(copied, later) for _ in range(2))
    path = copied[0].parent / source
    path.write_bytes(path.read_bytes() + b"\n")

    assert before == again
    assert version.version_of(copied, later) != before


def test_a_source_that_moves_or_comes_makes_another_version(copied):
    later = time.time() + 60
    before = version.version_of(copied, later)
    (copied[1] / "more.py").write_text("")
    with_more = version.version_of(copied, later)
    (copied[1] / "more.py").rename(copied[1] / "other.py")

    assert len({before, with_more, version.version_of(copied, later)}) == 3


@pytest.mark.parametrize("package", ["numpy", "numba"])
def test_another_version_of_a_package_makes_another_version(copied, package, monkeypatch):
    later = time.time() + 60
    before = version.version_of(copied, later)
    plain = version.version
    monkeypatch.setattr(version, "version", lambda name: "0" if name == package else plain(name))

    assert version.version_of(copied, later) != before


def test_a_source_that_was_changed_after_it_was_loaded_makes_none(copied):
    loaded = time.time() + 60
    os.utime(copied[1] / "work.py", (loaded + 1, loaded + 1))

    assert version.version_of(copied, loaded) is None


def test_the_sources_that_run_make_a_version():
    assert version.version_of(version.ROOMS, time.time() + 60)


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data.replace(b'"a": 1', b'"a": 2'),
        lambda data: b"\xff\xfe",
        lambda data: b"[]",
        lambda data: b"[" * 100_000,
        lambda data: b'{"digest": 1}',
        lambda data: b'{"digest": "x", "content": {"a": 1}}',
    ],
)
def test_a_damaged_entry_is_a_miss_and_is_written_anew(damage, tmp_path):
    kept = Store(tmp_path)
    kept.put("k", {"a": 1})
    path = tmp_path / "k.json"
    path.write_bytes(damage(path.read_bytes()))

    assert kept.get("k") is None
    kept.put("k", {"a": 1})
    assert kept.get("k") == {"a": 1}


def test_an_entry_under_another_s_name_is_a_miss(tmp_path):
    kept = Store(tmp_path)
    kept.put("k", {"a": 1})
    (tmp_path / "k.json").rename(tmp_path / "l.json")

    assert (kept.get("k"), kept.get("l")) == (None, None)


def aged(tmp_path, *names):
    """Give the entries ages, the first one the oldest."""
    for place, name in enumerate(names):
        os.utime(tmp_path / f"{name}.json", (1_000 + place, 1_000 + place))


def test_what_is_out_of_use_for_longest_goes_first(tmp_path):
    kept = Store(tmp_path, entries=3)
    for name in "abc":
        kept.put(name, {"name": name})
    aged(tmp_path, *"abc")
    kept.get("a")  # now b is the oldest
    kept.put("d", {"name": "d"})

    assert entries(tmp_path) == ["a.json", "c.json", "d.json"]


def test_the_bytes_are_bounded_too(tmp_path):
    kept = Store(tmp_path, size=2_500)
    for name in "abc":
        kept.put(name, {"name": name * 1_000})
        aged(tmp_path, *(path.removesuffix(".json") for path in entries(tmp_path)))

    assert entries(tmp_path) == ["b.json", "c.json"]


def test_a_half_written_file_of_a_process_that_was_killed_is_cleared_away(tmp_path):
    for name, age in (("old.part", 2 * store._ABANDONED), ("new.part", 0)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    Store(tmp_path).put("k", {})

    assert entries(tmp_path) == ["k.json", "new.part"]


@pytest.mark.parametrize("trouble", ["a file is in the way", "nothing may be written", "no home"])
def test_a_folder_that_cannot_be_used_costs_only_time(trouble, asked, monkeypatch, tmp_path):
    _, priced = asked
    place = tmp_path / "cache"
    monkeypatch.setenv("TOKENSIEVE_CACHE", str(place / "below"))
    if trouble == "a file is in the way":
        place.touch()
    elif trouble == "nothing may be written":
        place.mkdir()
        monkeypatch.setattr(store.tempfile, "mkstemp", lambda **_: (_ for _ in ()).throw(PermissionError()))
    else:
        monkeypatch.delenv("TOKENSIEVE_CACHE")
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError()))
    first, again = (reference_result(MACHINE, WORK, store=Store()) for _ in range(2))

    assert first == again
    assert len(priced) == 2


def test_the_store_lies_in_the_cache_folder_of_the_project(monkeypatch, tmp_path):
    monkeypatch.setenv("TOKENSIEVE_CACHE", str(tmp_path / "mine"))
    Store().put("k", {"a": 1})

    assert entries(tmp_path / "mine" / "references") == ["k.json"]


WRITES_MANY = """
import sys
from pathlib import Path
from tokensieve.sim.reference.store import Store

kept = Store(Path(sys.argv[1]), entries=4)
for turn in range(60):
    key = f"k{(turn + int(sys.argv[2])) % 6}"
    content = {"key": key, "text": "x" * 500}
    found = kept.get(key)
    assert found in (None, content), found
    kept.put(key, content)
"""


def test_two_processes_at_once_see_whole_entries_or_none(tmp_path):
    workers = [subprocess.Popen([sys.executable, "-c", WRITES_MANY, str(tmp_path), str(number)]) for number in range(2)]

    assert [worker.wait() for worker in workers] == [0, 0]
    assert 1 <= len(entries(tmp_path)) <= 4
    for name in entries(tmp_path):
        assert json.loads((tmp_path / name).read_text())["content"]["text"] == "x" * 500


def test_a_result_with_everything_in_it_comes_back_as_it_was():
    result = reference_result(MACHINE, WORK)
    there_and_back = price._restored(json.loads(json.dumps(price.asdict(replace(result, bottleneck="DRAM")))))

    assert there_and_back == replace(result, bottleneck="DRAM")
