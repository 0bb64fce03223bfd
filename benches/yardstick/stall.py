"""stall.py PID FIRST EVERY LENGTH COUNT: stops one process for LENGTH seconds, COUNT times, EVERY seconds apart.

The first stop comes after FIRST seconds. The process is always left running, also when this one is interrupted.
"""

import os
import signal
import sys
import time


def stall(pid: int, first: float, every: float, length: float, count: int) -> None:
    start = time.monotonic()
    for turn in range(count):
        time.sleep(max(0.0, start + first + turn * every - time.monotonic()))
        stopped_at = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(max(0.0, stopped_at + length - time.monotonic()))
        finally:
            os.kill(pid, signal.SIGCONT)


def main() -> None:
    pid, first, every, length, count = sys.argv[1:6]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        stall(int(pid), float(first), float(every), float(length), int(count))
    except ProcessLookupError:
        sys.exit("stall: the process has ended")


if __name__ == "__main__":
    main()
