"""The same with a million sessions, and how long it takes."""

from suite import seconds, true
from killed import restart_amid_transfer


@seconds(600)
def test_a_transfer_survives_sigkill_with_1_000_000_sessions(case):
    back, took = restart_amid_transfer(case, sessions=1_000_000, capacity=1_100_000, megabytes=400, rate=4)
    print(f"      1,000,000 sessions are back after {back} ms, served after {took:.2f} s", flush=True)
    true(back < 300, f"{back} ms for a million sessions, at most 300")
