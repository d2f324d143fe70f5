"""``detaching.py PID_FILE COMMAND...``: replace this process by a command that no longer belongs to whoever started it."""

import os
import sys


def main() -> None:
    """Write the id of the command's process to a file and end."""
    pid_file, *command = sys.argv[1:]
    pid = os.fork()
    if not pid:
        os.execv(command[0], command)  # noqa: S606  no shell is wanted
    with open(f"{pid_file}.new", "w", encoding="utf-8") as file:  # noqa: PTH123  pathlib doubles the start-up
        file.write(str(pid))
    os.replace(f"{pid_file}.new", pid_file)
    os._exit(0)


if __name__ == "__main__":
    main()
