"""Which commands there are: the one place that names them all, so that help need import none of them."""

COMMANDS = {
    "run": "run a pipeline, or go on with a run",
    "runs": "list runs, newest first",
    "show": "show a run: its steps, outputs and metrics",
    "logs": "print what a step has printed",
    "cancel": "stop a run",
    "artifacts": "write an output to a file",
    "stack": "list, show, check, create and destroy stacks",
    "flavors": "list the installed flavors by component type",
    "plugins": "list every installed plugin and whether it can be used",
    "hooks": "list the hooks that plugins implement",
    "init": "write a plugbay.toml to start from",
    "new-plugin": "write a plugin distribution to start from",
    "gc": "delete old runs and what nothing refers to",
}
"""By name; :func:`module_of` tells where each is."""

_GROUPS = (
    ("Runs", ("run", "runs", "show", "logs", "cancel", "artifacts", "gc")),
    ("Stacks and plugins", ("init", "stack", "flavors", "plugins", "hooks", "new-plugin")),
)


def module_of(name: str) -> str:
    """The module of a command, which has an underscore where the command has a hyphen."""
    return f"plugbay.cli.{name.replace('-', '_')}"


def overview() -> str:
    """The text of ``plugbay --help``."""
    lines = [
        "usage: plugbay [-v] [-C DIR] [--config FILE] COMMAND ...",
        "",
        "Machine-learning pipelines on a stack of plugins.",
    ]
    for title, names in _GROUPS:
        lines += ["", f"{title}:", *(f"  {name:<11} {COMMANDS[name]}" for name in names)]
    lines += [
        "",
        "Options:",
        "  -h, --help     show this, or with a command its own help",
        "  --version      show the version",
        "  -C DIR         do as if called in DIR, with the configuration that applies there",
        "  --config FILE  read FILE in the place of the project's configuration",
        "  -v, --verbose  show debug messages and the full traceback of an error",
        "",
        "Environment:",
        "  PLUGBAY_HOME   the directory of everything that is kept for a user",
        "  PLUGBAY_TRACE  a file to which every hook call is written",
        "",
        "Plugins may bring further commands: plugbay plugins lists them.",
    ]
    return "\n".join(lines)
