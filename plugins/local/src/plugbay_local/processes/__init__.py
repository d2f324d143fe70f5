"""Processes that outlive the one that started them, and how any other process tells whether they live.

``detached`` starts one, ``detaching`` is the process in between, ``supervisor`` is what such a process does for a job of a
step operator, and ``following`` reads what one has printed. The last two files need nothing but the standard library.
"""
