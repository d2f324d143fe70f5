"""The way in: which command is meant, and what happens to whatever it raises."""

import os
import sys

from plugbay.cli.commands import COMMANDS, overview

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = 2
INTERRUPTED = 130
_BROKEN_PIPE = 141  # what a shell reports of a program that SIGPIPE ended


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run the command line and return the exit code.

    0 is success, 1 a run that failed, 2 a wrong command line or configuration, 70 a bug, 130 an interruption.
    """
    if sys.stdout is None or sys.stderr is None or sys.stdin is None:
        from plugbay.missing_streams import print_nowhere

        print_nowhere()
    words = list(sys.argv[1:] if argv is None else argv)
    verbose = elsewhere = False
    try:
        while words and words[0] in ("-v", "--verbose", "-C", "--config"):
            option = words.pop(0)
            if option == "-C":
                elsewhere = _go_to(words.pop(0) if words else "")
            elif option == "--config":
                from plugbay.cli.parsing import choose_config

                choose_config(words.pop(0) if words else "")
            else:
                verbose = True
        code = _dispatch(words, verbose=verbose, elsewhere=elsewhere)
        sys.stdout.flush()
        return code
    except SystemExit as error:  # argparse has said what it had to say
        return error.code if isinstance(error.code, int) else 0 if error.code is None else USAGE
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes standard output once more when it ends, and must not find the closed pipe there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  the last place that can turn an error into a message
        from plugbay.cli.reporting import report

        return report(error, verbose=verbose or _asks_for_more(words))


def _go_to(directory: str) -> bool:
    try:
        os.chdir(os.path.expanduser(directory))  # noqa: PTH111  pathlib is not loaded yet
    except OSError as error:
        sys.stderr.write(f"error: -C {directory}: {error.strerror}; name a directory\n")
        raise SystemExit(USAGE) from error
    return True


def _dispatch(words: list[str], *, verbose: bool, elsewhere: bool) -> int:
    if not words:
        sys.stderr.write(f"{overview()}\n")
        return USAGE
    first = words[0]
    if first in ("-h", "--help") or words == ["help"]:
        sys.stdout.write(f"{overview()}\n")
        return 0
    if first == "--version":
        from plugbay import __version__

        sys.stdout.write(f"plugbay {__version__}\n")
        return 0
    if first == "help":
        words = [words[1], "--help"]
    if words[0] in COMMANDS:
        from plugbay.cli.parsing import run_builtin

        return run_builtin(words[0], words[1:], verbose=verbose, elsewhere=elsewhere)
    from plugbay.cli.plugin_commands import run_plugin_command

    return run_plugin_command(words, verbose=verbose)


def _asks_for_more(words: list[str]) -> bool:
    return bool({"-v", "--verbose"} & set(words))
