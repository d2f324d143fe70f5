"""Steps that read where they are, in a module that a worker can import."""

from plugbay import current, step


@step
def told() -> str:
    return current().step


def two():
    told(id="here")
    told(id="there")
