"""Runs one bad-input case and judges how it ended."""

import json
import os
import re
import subprocess

TIME_LIMIT_SECONDS = 120
SHOWN = 12


class Bench:
    """A directory for the cases of one group, and what went wrong in them."""

    def __init__(self, sluice, directory):
        self.sluice = sluice
        self.directory = directory
        self.cases = 0
        self.problems = []
        self.notes = []

    def write(self, name, content):
        """A file of this group; its path."""
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def start(self, *arguments, **options):
        """`sluice replay` with these arguments, not waited for."""
        return subprocess.Popen([self.sluice, "replay", *arguments], stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, **options)

    def run(self, name, *arguments, status=(0,), **expected):
        """Runs a case to its end; `expected` is what ``judge`` takes."""
        process = self.start(*arguments, "--json", stdout=subprocess.PIPE)
        self.finish(name, process, status, **expected)

    def finish(self, name, process, status, **expected):
        """Waits for a case and judges it: (exit status, standard output, standard error)."""
        self.cases += 1
        try:
            output, errors = process.communicate(timeout=TIME_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.problems.append(f"{name}: still running after {TIME_LIMIT_SECONDS} s")
            return None, "", ""
        for problem in judge(process.returncode, output or "", errors, status, **expected):
            self.problems.append(f"{name}: {problem}")
        return process.returncode, output or "", errors

    def report(self, group):
        """Prints the group's result; whether it was good."""
        print(f"{'FAIL' if self.problems else 'ok  '}  {group}: {self.cases} cases")
        for line in self.notes:
            print(f"        note: {line}")
        for line in self.problems[:SHOWN]:
            print(f"        {line}")
        if len(self.problems) > SHOWN:
            print(f"        and {len(self.problems) - SHOWN} more")
        return not self.problems


def judge(returned, output, errors, status, packets=None, other=None, names=(), offsets=(), says=()):
    """What is wrong with how a run ended.

    `packets` and `other` are the summary's; `names` must all be in the error text when it failed,
    one of `offsets` (a list or a range) must be a number in it beside those of the names, and every
    expression of `says` must match standard error once, failed or not.
    """
    if returned < 0:
        yield f"ended by signal {-returned}"
        return
    text = errors.strip().replace("\n", " | ")
    if returned not in status:
        yield f"exit status {returned} instead of {' or '.join(map(str, status))}: {text[:300]}"
        return
    if returned != 0:
        for word in names:
            if word not in errors:
                yield f"the error does not name {word}: {text[:300]}"
        without_names = errors
        for word in names:
            without_names = without_names.replace(word, "")
        numbers = {int(number) for number in re.findall(r"\d+", without_names)}
        if offsets and not any(number in offsets for number in numbers):
            yield f"the error names no offset of {offsets}: {text[:300]}"
    for expression in says:
        if len(re.findall(expression, errors)) != 1:
            yield f"'{expression}' is not once on standard error: {text[:300]}"
    yield from _judge_summary(returned, output, packets, other)


def _judge_summary(returned, output, packets, other):
    """The summary must be there after success, and what was good must be in it after an error."""
    if packets is None and other is None:
        return
    try:
        summary = json.loads(output)
    except ValueError:
        yield f"no summary on standard output (exit status {returned}): {output[:80]!r}"
        return
    for field, wanted in (("packets", packets), ("other", other)):
        if wanted is not None and summary.get(field) != wanted:
            yield f"{field} {summary.get(field)} instead of {wanted}"
    verdicts, drops = summary["verdicts"], summary["drops"]
    if summary["packets"] != sum(verdicts.values()) or verdicts["drop"] != sum(drops.values()):
        yield f"packets {summary['packets']}, verdicts {verdicts}, drops {drops} do not add up"
