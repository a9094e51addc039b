"""What a test is: a function that takes a Case, starts daemons by it, and raises when something is wrong."""

import inspect
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

import grpc

from running import Daemon

TIME_LIMIT_SECONDS = 60


class Failure(Exception):
    """Something is not as it should be; what, in words."""


class TooLong(Exception):
    """The test took longer than it may."""


class Case:
    """One run of a test: a directory, the daemons it started, the generation of the API it is for."""

    def __init__(self, sluice, generation=None):
        self.sluice = sluice
        self.generation = generation
        self.directory = tempfile.mkdtemp(prefix="sluice-api-")
        self.daemons = []

    def path(self, name):
        return os.path.join(self.directory, name)

    def daemon(self, settings, **options):
        """A daemon with a configuration, ready to be asked; it is ended with the test."""
        daemon = Daemon(self.sluice, self.directory, settings, len(self.daemons), **options)
        self.daemons.append(daemon)
        daemon.start()
        return daemon

    def table(self, settings, **options):
        """SessionTable of the test's generation, of a new daemon."""
        return self.generation(self.daemon(settings, **options))

    def finish(self):
        """Ends what is still there; what daemons did that they must not."""
        problems = [problem for daemon in self.daemons for problem in daemon.close()]
        shutil.rmtree(self.directory, ignore_errors=True)
        return problems


def equal(found, expected, what):
    if found != expected:
        raise Failure(f"{what}: {_short(found)}, expected {_short(expected)}")


def true(holds, what):
    if not holds:
        raise Failure(what)


def refused(call, code, *words):
    """Runs a call that must end with a gRPC status, and words in its message; the error."""
    try:
        found = call()
    except grpc.RpcError as error:
        equal(error.code(), code, f"status ({error.details()})")
        for word in words:
            true(word in (error.details() or ""), f"{word!r} is not in {error.details()!r}")
        return error
    raise Failure(f"not refused ({code.name} expected), answered {_short(found)}")


def eventually(condition, what, seconds=3.0):
    """Waits until `condition()` holds; its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def _short(value):
    text = repr(value)
    return text if len(text) <= 600 else f"{text[:600]}... ({len(text)} characters)"


def run(function, sluice, generation=None):
    """Runs a test: (seconds, what went wrong, or None)."""
    case, problem, start = Case(sluice, generation), None, time.monotonic()
    limit = getattr(function, "seconds", TIME_LIMIT_SECONDS)

    def expire(*_):
        raise TooLong(f"still running after {limit} s")

    signal.signal(signal.SIGALRM, expire)
    signal.alarm(limit)
    try:
        function(case)
    except (Failure, TooLong) as failure:
        problem = f"{failure} ({_lines(function)})"
    except Exception:    # a defect of the test, or an answer it could not read: shown as it is
        problem = traceback.format_exc()
    except BaseException:    # the tests are to end
        case.finish()
        raise
    finally:
        signal.alarm(0)
    problems = ([problem] if problem else []) + case.finish()
    return time.monotonic() - start, "\n".join(problems)


def _lines(function):
    """Where in the test's own file the exception under way came through, the test itself first."""
    own = inspect.getsourcefile(function)
    found = [str(frame.lineno) for frame in traceback.extract_tb(sys.exc_info()[2]) if frame.filename == own]
    return f"{os.path.basename(own)}:{' > '.join(found)}"


def seconds(limit):
    """How long a test may take."""
    def mark(function):
        function.seconds = limit
        return function
    return mark


def both(function):
    """Marks a test that runs for both generations of SessionTable."""
    function.generations = True
    return function
