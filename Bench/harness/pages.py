"""2 MB pages for the peers, reserved for the run; where they cannot be had both sides use 4 KB pages."""

import contextlib
import ctypes

_RESERVED = "/proc/sys/vm/nr_hugepages"
_FREE = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
_TRANSPARENT = "/sys/kernel/mm/transparent_hugepage/enabled"
_PR_SET_THP_DISABLE = 41


@contextlib.contextmanager
def reserved(megabytes):
    """Reserves `megabytes` of 2 MB pages and gives them back at the end. Yields whether there are any.

    Our side takes transparent huge pages by madvise, the peers take reserved ones: only with both there is
    anything to compare.
    """
    try:
        before = _read(_RESERVED)
        with open(_TRANSPARENT, encoding="ascii") as file:
            is_possible = megabytes > 0 and "[never]" not in file.read()
    except OSError:
        is_possible = False
    if not is_possible:
        yield False
        return
    wanted = (megabytes + 1) // 2
    missing = wanted - _read(_FREE)
    try:
        if missing > 0:
            _write(before + missing)
        yield _read(_FREE) >= wanted
    except PermissionError:
        yield False
    finally:
        if missing > 0:
            with contextlib.suppress(OSError):
                _write(before)


def refuse_transparent():
    """Makes the process to be started, and all it starts, do without transparent huge pages."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_THP_DISABLE)")


def _read(path):
    with open(path, encoding="ascii") as file:
        return int(file.read())


def _write(count):
    with open(_RESERVED, "w", encoding="ascii") as file:
        file.write(str(count))
