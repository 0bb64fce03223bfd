"""The scripted server: what it is asked to do, and what it says it did."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import build
from .processes import Server, listening

WITHIN = 30.0


@dataclass
class Truth:
    server: Server
    #: Known once it has ended: see benches/yardstick/truth.c.
    did: dict = field(default_factory=dict)


@contextlib.contextmanager
def truth(transport: str, *kind: str, under: tuple[str, ...] = ()) -> Iterator[Truth]:
    """A server that does `kind` for the length of a `with`; afterwards `did` has what it recorded."""
    command = [*under, build.yardstick("truth"), transport, *kind]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        port = int(listening(process, command, rf"listening on {transport} 0\.0\.0\.0:(\d+)\n")[1])
        told = Truth(Server("truth", process.pid, port))
        yield told
        out, _ = process.communicate(timeout=WITHIN)
        told.did = json.loads(out)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
