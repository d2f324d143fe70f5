"""Commands that plugins bring: looked up only when a word is no command of Plugbay's own."""

from __future__ import annotations

from plugbay.cli.commands import COMMANDS
from plugbay.cli.parsing import Parser, add_verbose
from plugbay.cli.reporting import log_messages
from plugbay.errors import PlugbayError, PluginError, did_you_mean
from plugbay.host.discovery import Provider, installed_plugins
from plugbay.host.host import Component, Host
from plugbay_hookspecs.catalogue import COMMAND_GROUP
from plugbay_hookspecs.types import ComponentInfo


def run_plugin_command(words: list[str], *, verbose: bool) -> int:
    """Run the command that an installed plugin brings. Raises :class:`PlugbayError` when none does."""
    name = words[0]
    index = installed_plugins()
    if name.startswith("-"):
        near = did_you_mean(name, ("--help", "--version", "--verbose"))
        msg = f"there is no option {name}{near} (see: plugbay --help)"
        raise PlugbayError(msg)
    provider = index.find(COMMAND_GROUP, name)
    if provider is None:
        near = did_you_mean(name, [*COMMANDS, *index.names(COMMAND_GROUP)])
        msg = f"there is no command {name!r}{near} (see: plugbay --help)"
        raise PlugbayError(msg)
    parser = _parser(provider)
    arguments = parser.parse(words)
    run = getattr(arguments, "run", None)
    if run is None:
        msg = f"{provider}: the command {name!r} has no set_defaults(run=...), so there is nothing to call"
        raise PluginError(msg)
    with log_messages(verbose=verbose or getattr(arguments, "verbose", False)):
        try:
            return int(run(arguments) or 0)
        except Exception as error:
            error.add_note(f"in the command {name!r} of {provider}")
            raise


def _parser(provider: Provider) -> Parser:
    """A parser to which the plugin has added its command."""
    plugin = provider.load()
    info = ComponentInfo(
        type="command",
        name=provider.name,
        flavor=provider.name,
        distribution=provider.distribution,
        version=provider.version,
    )
    component = Component(info, plugin() if isinstance(plugin, type) else plugin)
    host = Host([component])
    parser = Parser(prog="plugbay")
    add_verbose(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for _ in host.each("cli_commands", subcommands=commands):
        pass
    if provider.name not in commands.choices:
        msg = f"{component}: its hook cli_commands adds no command {provider.name!r}"
        raise PluginError(msg)
    for subparser in commands.choices.values():
        add_verbose(subparser)
    return parser
