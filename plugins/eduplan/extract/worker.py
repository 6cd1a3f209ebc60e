"""A pool of light reader processes: ``python -m eduplan.extract.worker`` each.

Own processes instead of multiprocessing: a spawned child would import the caller's main module
(Airflow's takes seconds), and a workbook that brings down its reader must not bring down ours.
"""

import os
import pickle
import queue
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from eduplan.extract.reading import FileRows, read_file
from eduplan.extract.shape import Shape

_LENGTH = struct.Struct("<Q")
_MEMORY = 6 << 30
_AHEAD = 8
# A second process starts slower than so many bytes of small workbooks are read.
_WORTH_A_WORKER = 4 << 20

Job = tuple[Path, str, str]
"""Path of the bytes, delivered name, kind."""


def cores() -> int:
    """Number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_files(jobs: Sequence[Job], shape: Shape) -> Generator[FileRows, None, None]:
    """Yield what each job gave, in their order, reading ahead in worker processes."""
    size = sum(path.stat().st_size for path, _, _ in jobs)
    workers = max(1, min(cores(), len(jobs), 1 + size // _WORTH_A_WORKER))
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
    for _ in range(workers):
        idle.put(_Worker(shape))
    pending: deque[Future[FileRows]] = deque()

    def run(job: Job) -> FileRows:
        worker = idle.get()
        try:
            return worker.read(job)
        finally:
            idle.put(worker)

    try:
        with ThreadPoolExecutor(workers) as threads:
            try:
                for job in jobs:
                    pending.append(threads.submit(run, job))
                    if len(pending) >= _AHEAD * workers:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                for future in pending:
                    future.cancel()
    finally:
        for _ in range(workers):
            idle.get().close()


class _Worker:
    """One reader process; started when first used, started again after it died."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, job: Job) -> FileRows:
        if self.process is None:
            self.process = self._start()
        process = self.process
        try:
            _send(_pipe(process.stdin), job)
            result: FileRows = _receive(_pipe(process.stdout))
        except (EOFError, BrokenPipeError):
            self.close()
            return FileRows(
                job[2],
                error_code="LND-016",
                error=f"{job[1]}：读取时内存超限或读取程序崩溃，未读入。"
                " The reader ran out of memory or crashed.",
                hint="请删去空白行列后重新报送 / remove blank rows and columns",
            )
        return result

    def _start(self) -> subprocess.Popen[bytes]:
        package = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(part for part in (package, os.environ.get("PYTHONPATH")) if part)
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "eduplan.extract.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        _send(_pipe(process.stdin), self.shape)
        return process

    def close(self) -> None:
        if self.process is not None:
            process, self.process = self.process, None
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise BrokenPipeError
    return pipe


def _send(pipe: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value, protocol=5)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (size,) = _LENGTH.unpack(head)
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return pickle.loads(data)  # noqa: S301  written by our own process


def main() -> None:
    """Serve the parent until it closes the pipe."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, ValueError, OSError):
        pass  # not on this platform, or a lower limit is set already
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(2, 1)
    shape: Shape = _receive(sys.stdin.buffer)
    while True:
        try:
            path, name, kind = _receive(sys.stdin.buffer)
        except EOFError:
            return
        _send(answers, read_file(path, name, kind, shape))


if __name__ == "__main__":
    main()
