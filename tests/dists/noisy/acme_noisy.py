"""An observer that raises in every hook it can."""

from importlib import import_module

from plugbay_hookspecs import component, hookimpl

EVENTS = [
    name for name, value in vars(import_module("plugbay_hookspecs.run")).items() if hasattr(value, "plugbay_spec")
]


def _raising(name):
    def hook(self):
        msg = f"{name} is too much"
        raise RuntimeError(msg)

    hook.__name__ = name
    return hookimpl(hook)


Observer = component(type("Observer", (), {name: _raising(name) for name in EVENTS}))
