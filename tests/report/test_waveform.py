from xml.etree import ElementTree

import pytest

from tokensieve.report.waveform import Wave, waveform_svg

LEGEND = (
    "yellow: a beat waits for ready; blue: it moves; the number says which beat. Below: what it holds; "
    "grey: lanes without data"
)


def bits(text):
    return [letter == "#" for letter in text]


def words(svg):
    return [element.text for element in ElementTree.fromstring(svg) if element.tag.endswith("text")]


def boxes(svg):
    """Return the boxes, first cycle and length, by colour."""
    found = {}
    for element in ElementTree.fromstring(svg):
        if element.tag.endswith("rect") and element.get("stroke"):
            place = (int(element.get("x")) - 120) // 20, int(element.get("width")) // 20
            found.setdefault(element.get("fill"), []).append(place)
    return found


@pytest.mark.parametrize(
    ("valid", "ready", "beats"),
    [
        ("....", "####", []),
        (".##.", "####", [(1, 1), (2, 2)]),
        ("####", "..##", [(0, 2), (3, 3)]),
        ("##.#", "..#.", [(3, None)]),  # a beat that was withdrawn is none
        ("####", "....", [(0, None)]),
    ],
)
def test_a_beat_lasts_from_its_offer_until_it_is_taken(valid, ready, beats):
    assert Wave(name="i", valid=bits(valid), ready=bits(ready)).beats == beats


def test_a_probe_shows_a_beat_wherever_it_is_valid():
    assert Wave(name="found", valid=bits(".##.")).beats == [(1, 1), (2, 2)]


def test_waiting_and_taken_beats_have_their_colours():
    svg = waveform_svg("t", [Wave(name="i", valid=bits("#####"), ready=bits("..##."))])

    assert boxes(svg) == {"#F0E442": [(0, 2), (4, 1)], "#56B4E9": [(2, 1), (3, 1)]}


def test_names_numbers_and_payloads_stand_in_the_picture():
    wave = Wave(name="o", valid=bits("#.#"), ready=bits("###"), payloads=["a<b", "k & c"])

    assert words(waveform_svg("unit", [wave])) == [
        *("unit", "0", "o.valid", "o.ready", "o", "0", "1"), LEGEND, "o 0: a<b", "o 1: k & c",
    ]  # fmt: skip


def test_a_stream_on_which_nothing_travels_is_grey_and_says_so():
    busy, idle = Wave(name="o", valid=bits("#"), ready=bits("#")), Wave(name="keep", valid=bits("."), ready=bits("#"))
    drawing = ElementTree.fromstring(waveform_svg("t", [busy, idle]))
    grey = [element.text for element in drawing.iter() if element.get("fill") == "#aaaaaa"]

    assert grey == ["keep.valid", "keep.ready", "keep"]
    assert sum(element.get("stroke") == "#aaaaaa" for element in drawing.iter()) == 2
    assert "keep: grey, since nothing travels on it in this run" in words(waveform_svg("t", [busy, idle]))


def test_lanes_without_data_are_grey():
    svg = waveform_svg("t", [Wave(name="o", valid=bits("#"), ready=bits("#"), payloads=["items=(3:9 [0:0]) count=1"])])
    grey = [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("tspan")]

    assert grey == ["[0:0]"]


def test_no_name_reaches_into_a_trace():
    """However long it is: the traces begin to the right of the longest name."""
    name = "a_stream_with_a_very_long_name"
    drawing = ElementTree.fromstring(waveform_svg("t", [Wave(name=name, valid=bits("#."), ready=bits("##"))]))
    paths = [element.get("d") for element in drawing.iter() if element.get("fill") == "none"]

    assert all(int(path[1:].split()[0]) >= 10 + 7 * len(f"{name}.valid") for path in paths)


def test_of_many_beats_the_first_and_the_last_are_described():
    wave = Wave(name="o", valid=bits("#" * 9), ready=bits("#" * 9), payloads=[f"beat{n}" for n in range(9)])
    described = [word for word in words(waveform_svg("t", [wave])) if word.startswith("o ")]

    assert described == [*(f"o {n}: beat{n}" for n in range(5)), "o 8: beat8"]


def test_nothing_can_be_drawn_and_any_title():
    assert words(waveform_svg("<\x00&>", [])) == ["<?&>", "0"]
