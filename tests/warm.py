"""The command ``unlost`` without the second that a new process takes to import it.

``python warm.py SOCKET`` imports the program once and makes the socket. With ``WARM=SOCKET`` then
``python warm.py WORDS…`` does what ``unlost WORDS…`` does: a fork of the first process runs it, with
the caller's folder, environment and files. The entry point itself is started by other tests.
"""

# The caller starts for each command: it imports as little as it can.
import atexit
import gc
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType

MOST = 1 << 20  # bytes of words and environment
MODULES = (
    "unlost.app.compose",
    "unlost.catalog.schema",
    "unlost.connectors.salesforce.connector",
    "unlost.engine.backup.backup",
    "unlost.engine.restore.running.execute",
    "unlost.vault.vault",
)


def serve(path: str) -> None:
    """Import everything, then fork for each caller; ends as a fork of itself."""
    main = import_module("unlost.cli.main").main
    verbs = import_module("unlost.cli.verb_list")
    for verb in verbs.VERBS:
        verbs.load_verb(verb.name)
    for name in MODULES:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{path}.new")
        door.listen()
        Path(f"{path}.new").rename(path)
        while True:
            caller, _ = door.accept()
            if os.fork() == 0:
                break
            caller.close()
    words, codes = _become(caller), list[int]()
    # What is registered first runs last: then the command has ended in all its threads.
    atexit.register(lambda: _tell(caller, codes))
    atexit.register(gc.freeze)  # as the program does
    codes.append(main(words))
    sys.exit(codes[0])


def _become(caller: socket.socket) -> list[str]:
    """Take over the files, the folder and the environment of a caller; the words of its command."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    text, files, _, _ = socket.recv_fds(caller, MOST, 3)
    for at, file in enumerate(files):
        os.dup2(file, at)
        os.close(file)
    folder, words, environment = json.loads(text)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["unlost", *words]
    caller.sendall(f"{os.getpid()}\n".encode())
    return list(words)


def _tell(caller: socket.socket, codes: list[int]) -> None:
    with suppress(OSError):
        caller.sendall(f"{codes[0] if codes else 1}\n".encode())


def call(path: str, words: list[str]) -> int:
    """Have a fork run a command; its exit code."""
    environment = {name: value for name, value in os.environ.items() if name != "WARM"}
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        request = json.dumps([str(Path.cwd()), words, environment]).encode()
        socket.send_fds(server, [request], [0, 1, 2])
        with server.makefile() as answers:
            runs = int(answers.readline())

            def pass_on(number: int, _frame: FrameType | None) -> None:
                os.kill(runs, number)

            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, pass_on)
            return int(answers.readline() or 128 + signal.SIGKILL)


if __name__ == "__main__":
    if "WARM" in os.environ:
        sys.exit(call(os.environ["WARM"], sys.argv[1:]))
    serve(sys.argv[1])
