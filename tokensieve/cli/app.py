"""The frame of the command line: the table of commands, and how errors leave the process.

A command is one line of `COMMANDS` and one module with ``app: typer.Typer`` in it. The module is imported only when its
command is called, so that ``tokensieve --help`` stays fast. For the same reason nothing heavy is imported here.
"""

import errno
import gc
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args, get_type_hints

import typer
from typer.core import TyperGroup

from tokensieve import __version__

COMMANDS = {
    "run": ("tokensieve.cli.run", "Simulate an accelerator on a workload or a trace."),
    "ladder": ("tokensieve.cli.ladder", "Price one text on a row of machines and prunings."),
    "sweep": ("tokensieve.cli.sweep", "Price many designs, and say which one to take."),
    "search": ("tokensieve.cli.search", "Look for the best designs of a space too large to price whole."),
    "replay": ("tokensieve.cli.replay", "Play a CSV trace on a model of the RTL that SpAtten's authors released."),
    "presets": ("tokensieve.cli.presets", "List and show the architectures that ship with the package."),
    "workloads": ("tokensieve.cli.workloads", "List and show the named workloads."),
    "capture": ("tokensieve.cli.capture", "Run a real transformer on a text and write its pruning decisions."),
    "compare": ("tokensieve.cli.compare", "Compare a machine with A3, MNNFast, its dense self, CPUs and GPUs."),
    "baseline": ("tokensieve.cli.baseline", "Measure PyTorch's attention on this host, beside a machine."),
    "store": ("tokensieve.cli.store", "Show, export and merge stores of design points."),
    "pareto": ("tokensieve.cli.pareto", "Show the designs of a store that no other one beats."),
    "best": ("tokensieve.cli.best", "Say which design of a store is best under constraints."),
    "sensitivity": ("tokensieve.cli.sensitivity", "Say which fields matter: one at a time, or by Sobol indices."),
    "diff": ("tokensieve.cli.diff", "Say what makes two results, or two designs of a store, differ."),
    "dram": ("tokensieve.cli.dram", "Drive the DRAM model alone."),
    "validate": ("tokensieve.cli.validate", "Compare what is modelled with what others published."),
    "emit": ("tokensieve.cli.emit", "Write the Verilog of a hardware unit."),
    "cosim": ("tokensieve.cli.cosim", "Run a hardware unit against golden answers, cycle law and twin."),
    "fpga": ("tokensieve.cli.fpga", "Put a hardware unit on an FPGA: a bitstream for a board."),
    "prove": ("tokensieve.cli.prove", "Prove what is claimed of a hardware unit."),
    "schema": ("tokensieve.cli.schema", "Print the JSON Schema of an architecture, a workload, a sweep or a result."),
    "doctor": ("tokensieve.cli.doctor", "Say what is installed, what is missing and how to get it."),
}

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""What a device says that takes no more of what is printed."""

_UNUSABLE = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS}
"""What is wrong with a path that cannot even be looked for."""

USER_ERROR, TOOL_ERROR, INTERNAL_ERROR, INTERRUPTED, BROKEN_PIPE, TERMINATED = 2, 3, 70, 130, 141, 143


COMPLETION = "_TOKENSIEVE_COMPLETE"
"""Environment variable by which a shell asks for completions."""


class LazyGroup(TyperGroup):
    """Lists the commands of `COMMANDS` without importing them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, n=1)
            ctx.fail(f"no such command {cmd_name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return _load(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands and their summaries into a help text."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _load(name: str) -> Any:
    module, summary = COMMANDS[name]
    app: typer.Typer = import_module(module).app
    app.rich_markup_mode = None
    command = typer.main.get_command(app)
    command.name = name
    command.help = command.help or summary
    command.params = [p for p in command.params if p.name not in ("install_completion", "show_completion")]
    for one in (command, *getattr(command, "commands", {}).values()):
        one.collect_usage_pieces = partial(_usage, one)
        _take_integral_floats(one)
    return command


def _take_integral_floats(command: Any) -> None:
    """Let the whole numbers of a command's options be written as `1e4` and `8.0`, too."""
    kinds = get_type_hints(command.callback) if command.callback else {}
    for parameter in command.params:
        kind = kinds.get(parameter.name)
        if int in (kind, *get_args(kind)):
            parameter.process_value = partial(_whole_value, parameter)


def _whole_value(parameter: Any, context: Any, value: Any) -> Any:
    if isinstance(value, str) and not value.isdigit():
        from tokensieve.arch.errors import TokensieveError
        from tokensieve.arch.wholes import whole_number

        found = whole_number(value)
        if found is None and "_" in value:  # which Python takes for a mark between digits
            raise TokensieveError(f"{max(parameter.opts, key=len)} must be a whole number, got {value!r}")
        value = value if found is None else str(found)
    return type(parameter).process_value(parameter, context, value)


def _usage(command: Any, context: Any) -> list[str]:
    """Return the parts of a usage line; typer's own have braces around what has to be given."""
    return [part.replace("{", "").replace("}", "") for part in type(command).collect_usage_pieces(command, context)]


program = typer.Typer(
    cls=LazyGroup,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@program.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print a traceback with an error. Goes anywhere.")] = False,
) -> None:
    """Simulate, verify and build accelerators that prune the tokens of a transformer's attention."""
    if version:
        print(f"tokensieve {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(USER_ERROR)


_OBJECTS = 100_000
"""New objects after which garbage is looked for: imports make many, and hardly any garbage."""


def main() -> NoReturn:
    """Run the command line of this process and leave with its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (for the rest of the process)
        getattr(sys, name).reconfigure(errors="backslashreplace")  # an output of ASCII alone takes any name
    gc.set_threshold(_OBJECTS)
    signal.signal(signal.SIGTERM, partial(_terminate, os.getpid()))
    if COMPLETION in os.environ:  # a shell asks what could stand next
        _complete()
    sys.exit(call(sys.argv[1:]))


def _complete() -> None:
    """Answer a shell that asks what could stand next, and leave; without a question, leave with an error."""
    try:
        typer.main.get_command(program).main(prog_name="tokensieve")
    except (KeyError, ValueError):
        _complain(f"error: {COMPLETION} is for shells, which set COMP_WORDS and COMP_CWORD with it; unset it")
        sys.exit(USER_ERROR)


class _Terminated(BaseException):
    """SIGTERM: what is half done is taken away on the way out, as after Ctrl-C."""


def _terminate(owner: int, number: int, frame: object) -> NoReturn:
    """End what we started, such as compilers, and leave."""
    if os.getpid() != owner:  # a process that was forked off
        os._exit(TERMINATED)
    for process in _descendants(owner):
        with suppress(OSError):
            os.kill(process, signal.SIGTERM)
    raise _Terminated


def _descendants(process: int) -> list[int]:
    """Return the processes that `process` started, and those that they did, as far as the system tells."""
    found: list[int] = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listed.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def call(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: 0 where all went well."""
    debug = "--debug" in arguments
    try:
        code = _invoke([a for a in arguments if a != "--debug"])
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except _Terminated:
        return TERMINATED
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        return INTERRUPTED
    except Exception as problem:
        if debug:
            traceback.print_exception(problem)
        message, code = _explain(problem)
        _complain(message)
    return code


def _complain(message: str) -> None:
    """Print `message` on standard error, as far as that takes it."""
    from tokensieve.arch.letters import escaped, shortened

    with suppress(OSError):
        print(escaped(shortened(message)), file=sys.stderr, flush=True)


def _invoke(arguments: list[str]) -> int:
    command = typer.main.get_command(program)
    try:
        with command.make_context("tokensieve", arguments) as context:
            command.invoke(context)
    except typer.Exit as leave:
        return leave.exit_code
    except BaseException:  # looked at by `call`
        _pass_over_unused()
        raise
    return 0


def _pass_over_unused() -> None:
    """Keep Amaranth from warning of units that an error left unused, as it does itself where Python ends by one."""
    hdl = sys.modules.get("amaranth.hdl")
    if hdl is not None:
        warnings.filterwarnings("ignore", category=hdl.UnusedElaboratable)


def _explain(problem: Exception) -> tuple[str, int]:
    """Return the message and the exit code that an exception ends in."""
    if isinstance(problem, typer.TyperException):
        return _usage_error(problem), USER_ERROR
    if isinstance(problem, ModuleNotFoundError) and (hint := _missing_package(problem)):
        return f"error: {hint}", TOOL_ERROR
    from tokensieve.arch.errors import TokensieveError

    if isinstance(problem, TokensieveError):
        return f"error: {problem}", problem.exit_code
    if isinstance(problem, OSError) and problem.errno in _FULL and problem.filename is None:
        _silence_stdout()
        return f"error: the output cannot be written: {problem.strerror}", USER_ERROR
    if isinstance(problem, OSError) and problem.errno in _UNUSABLE and problem.filename is not None:
        path = str(problem.filename)
        return f"error: {path if len(path) <= 100 else path[:100] + ' ...'}: {problem.strerror}", USER_ERROR
    if isinstance(problem, FileNotFoundError) and not _is_somewhere():
        return "error: the working folder does not exist any more: change to another", USER_ERROR
    if isinstance(problem, MemoryError):
        return "error: this machine has too little memory for that", USER_ERROR
    what = f"{type(problem).__name__}: {problem}".splitlines()[0]
    return f"internal error: {what}; run again with --debug for the traceback", INTERNAL_ERROR


def _is_somewhere() -> bool:
    """Return whether the folder that this process works in is still there."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _usage_error(problem: typer.TyperException) -> str:
    from tokensieve.cli.refused import meant_field, refused

    context: typer.Context | None = getattr(problem, "ctx", None)
    listed = getattr(problem, "possibilities", None)
    if context is not None and listed:
        hidden = {name for one in context.command.params if getattr(one, "hidden", False) for name in one.opts}
        vars(problem)["possibilities"] = [name for name in listed if name not in hidden]
    text = refused(problem) or problem.format_message().rstrip(".")
    text += meant_field(problem)
    hint = f"\ntry '{context.command_path} --help'" if context else ""
    return f"error: {text[:1].lower()}{text[1:]}{hint}"


def _missing_package(problem: ModuleNotFoundError) -> str | None:
    from tokensieve.cli.packages import provider

    package = provider((problem.name or "").partition(".")[0])
    return f"{package.name} is missing: {package.hint}" if package and not package.version else None


def _silence_stdout() -> None:
    """Point standard output at nothing, so that the interpreter's own flush at exit stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
