"""The installed command without its start: forked, each time anew, from a process that has it loaded and did nothing.

To start Python and to import the program takes most of a short command's time, and the tests run a thousand of them.
Each command still is a process of its own, with its own arguments, environment, folder and output; it runs the function
that the installed command runs, to the end and through the same exit. Tests of starting, killing and measuring a
command start the installed one themselves.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

_SECONDS_MAX = 120.0
_REQUEST_MAX = 1 << 20
_OF_THE_INTERPRETER = ("PYTHON", "LANG", "LC_")


class Done(NamedTuple):
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: bytes
    stderr: bytes


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> Done | None:
    """Run a command; None where its environment asks for an interpreter of its own."""
    if any(
        environment.get(name) != os.environ.get(name)
        for name in {*environment, *os.environ}
        if name.startswith(_OF_THE_INTERPRETER)
    ):
        return None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        asked = json.dumps({"arguments": list(arguments), "environment": dict(environment), "folder": str(Path.cwd())})
        channel = _loaded()
        socket.send_fds(channel, [asked.encode()], [out.fileno(), err.fileno()])
        said = channel.recv(_REQUEST_MAX)
        assert said, "the process that forks the commands is gone"
        out.seek(0)
        err.seek(0)
        return Done(int(said), out.read(), err.read())


@cache
def _loaded() -> socket.socket:
    """The channel to the process of this worker that has the command loaded; it ends with the worker."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = f"from tests.forked import serve; serve({theirs.fileno()})"
    root = Path(__file__).parents[1]
    child = subprocess.Popen([sys.executable, "-c", program], pass_fds=[theirs.fileno()], cwd=root)
    theirs.close()
    ours.settimeout(_SECONDS_MAX)

    @atexit.register
    def end() -> None:
        ours.close()
        child.wait(_SECONDS_MAX)

    return ours


def serve(descriptor: int) -> None:
    """Fork a command for each request, one after the other, until nobody asks any more."""
    for page in sorted((Path(__file__).parents[1] / "api" / "cli").glob("*.py")):
        if not page.stem.startswith(("demo", "_")):
            import_module(f"api.cli.{page.stem}")
    gc.freeze()
    with socket.socket(fileno=descriptor) as channel:
        while True:
            said, descriptors, _, _ = socket.recv_fds(channel, _REQUEST_MAX, 2)
            if not said:
                return
            child = os.fork()
            if not child:
                channel.close()
                _become(json.loads(said), *descriptors)
            for one in descriptors:
                os.close(one)
            channel.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _become(asked: dict[str, object], out: int, err: int) -> None:
    """The command itself, in the child: it ends here, as the interpreter ends it."""
    arguments, environment = asked["arguments"], asked["environment"]
    assert isinstance(arguments, list)
    assert isinstance(environment, dict)
    os.chdir(str(asked["folder"]))
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, place in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    sys.argv[:] = ["pension-ledger", *arguments]
    code: object = 1
    try:
        import_module("api.cli.main").main()
        code = 0
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)
