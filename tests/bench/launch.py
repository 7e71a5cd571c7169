"""Runs a command and prints its cost: `python -I -S launch.py OUTPUT COMMAND...`, what it says going to OUTPUT.

A process of its own, and a small one: on Linux, the peak memory of a child begins at that of its parent.
"""

import os
import sys
import time

output, *command = sys.argv[1:]
begun = time.perf_counter()
child = os.posix_spawnp(
    command[0],
    command,
    os.environ,
    file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ],
)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - begun
print(os.waitstatus_to_exitcode(status), wall, used.ru_utime + used.ru_stime, used.ru_maxrss)
