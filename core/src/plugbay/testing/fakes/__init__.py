"""A fake of every component type, one module for each: in memory, true to its type's contract, no tool needed.

With them a pipeline runs with everything but the flavor that is tested faked. What a fake keeps lies in the process that
made it; in other processes of the machine the same fake reaches it there (see :mod:`plugbay.testing.fakes.shared`).
"""
