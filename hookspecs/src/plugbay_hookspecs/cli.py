"""The hook of a plugin that brings a command of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec

if TYPE_CHECKING:
    import argparse


@hookspec
def cli_commands(subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add commands under ``plugbay``.

    Called in the process of the command line, when the command is used that the plugin's entry point (group
    ``plugbay.cli``) is named after.

    :param subcommands: add a parser with ``add_parser``, and a call with ``set_defaults(run=...)`` that takes the
        parsed arguments and returns the exit code.

    .. code-block:: python

        from __future__ import annotations

        import argparse
        import shutil

        from plugbay_hookspecs import component, hookimpl


        def run(arguments: argparse.Namespace) -> int:
            free = shutil.disk_usage(arguments.path).free
            print(f"{free / 2**30:.1f} GiB are free")
            return 0 if free > 2**30 else 1


        @component
        class DiskCommand:
            '''Adds the command plugbay disk, which tells whether there is room for a run.'''

            @hookimpl
            def cli_commands(self, subcommands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
                parser = subcommands.add_parser("disk", help="tell whether there is room for a run")
                parser.add_argument("path", nargs="?", default=".")
                parser.set_defaults(run=run)

    .. versionadded:: 0.1
    """
    raise NotImplementedError
