"""The API of a running daemon, from outside: Python's gRPC, stubs made from our .proto files, raw bytes.

    /usr/bin/python3 Tests/API/run.py --sluice BINARY [--filter WORD...] [--long]

Every test starts daemons of its own (`sluice run`) on sockets of its own. Exit status 1 when one fails.
"""

import argparse
import importlib
import os
import re
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "Interop")]

# The library tells on standard error what hostile peers do, which is what the tests make them do.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

MODULES = (
    "requests_checked", "requests_next_hops", "additions", "duplicates", "replacements", "identities",
    "lists", "pages", "golden_bytes", "streams", "traffic", "actions_changed", "closing", "closed_sessions",
    "watching", "reflected", "listening", "encrypted", "stalled", "vanished", "garbage", "unread",
    "client_commands", "worker_threads", "warm_restart", "capturing", "tracing", "trace_commands",
    "reloading", "model_sequences", "demo_capture",
)
LONG_MODULES = ("full_speed",)


def tests(names, words):
    """(module, function, generation or None) of all tests whose name has one of the words."""
    from table import BOTH
    for name in names:
        module = importlib.import_module(name)
        for function in list(vars(module).values()):
            if getattr(function, "__module__", None) != name or not re.match("test_", function.__name__):
                continue
            if words and not any(word in f"{name}.{function.__name__}" for word in words):
                continue
            for generation in BOTH if getattr(function, "generations", False) else (None,):
                yield name, function, generation


def title(module, function, generation):
    words = function.__name__.removeprefix("test_").replace("_", " ")
    return f"{module}: {words}" + (f" ({generation.package})" if generation else "")


def main(modules=MODULES, long_modules=LONG_MODULES, description=__doc__):
    """Runs the tests of these modules as the command line asks; ends the process."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True, help="the binary under test")
    parser.add_argument("--filter", nargs="*", default=[], help="only tests whose MODULE.NAME has a word")
    parser.add_argument("--long", action="store_true", help="also those that take a minute or more")
    options = parser.parse_args()
    # Ended by a signal, we still end what we started, and remove what we made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    from suite import run
    sluice, passed, failed = os.path.abspath(options.sluice), 0, 0
    for module, function, generation in tests(
            modules + (long_modules if options.long else ()), options.filter):
        took, problem = run(function, sluice, generation)
        verdict = "FAIL" if problem else "ok  "
        print(f"{verdict} {took:5.1f} s  {title(module, function, generation)}", flush=True)
        if problem:
            print("\n".join(f"        {line}" for line in problem.splitlines()), flush=True)
        passed, failed = passed + (not problem), failed + bool(problem)
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 and passed else 1)


if __name__ == "__main__":
    main()
