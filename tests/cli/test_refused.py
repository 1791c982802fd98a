"""An option's value that is not of its kind is refused in one sentence: the option, the rule, the value."""

import gc

import pytest

from tokensieve.arch import ToolError, load_arch
from tokensieve.cli.app import call


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--seed", "-1"], "--seed must be 0 or more, got '-1'"),
        (["run", "--seed", "nan"], "--seed must be a whole number, got 'nan'"),
        (["capture", "--seed", str(1 << 64)], "--seed must be 4294967295 at most, got '18446744073709551616'"),
        (["dram", "--requests", "0"], "--requests must be 1 or more, got '0'"),
        (["dram", "--pattern", "strid"], "got 'strid'; did you mean 'stride'?"),
        (["schema", "archs"], "kind must be one of arch, workload, sweep, result, got 'archs'; did you mean 'arch'?"),
        (["schema", "x" * 5_000], f"got '{'x' * 61}...'"),
        (["run", "--fc-bits", "9"], "--fc-bits needs --end-to-end"),
    ],
)
def test_option_rule_and_value_are_named(arguments, message, capsys):
    assert call(arguments) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert message in err
    assert "Input should" not in err
    assert "Value error" not in err


@pytest.mark.parametrize(("problem", "code"), [(ToolError, 3), (KeyboardInterrupt, 130)])
def test_an_error_is_not_followed_by_a_word_on_the_units_that_it_left_unused(
    problem, code, monkeypatch, capsys, recwarn
):
    from amaranth.hdl import Fragment

    from tokensieve.rtl.zero_eliminator import ZeroEliminator

    def emitted(*_):
        Fragment.get(ZeroEliminator(load_arch().topk), None)  # from then on Amaranth warns
        unit = ZeroEliminator(load_arch().topk)
        raise problem(f"no compiler for {unit.signature}")

    monkeypatch.setattr("tokensieve.verify.verilog.emitted", emitted)

    assert call(["emit", "zero-eliminator"]) == code
    gc.collect()
    assert [str(one.message) for one in recwarn] == []
    assert capsys.readouterr().err.startswith(("error: no compiler", "interrupted"))
