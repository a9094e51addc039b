"""The peers' programs, built from Bench/peers with the compiler of this machine for this machine."""

import os
import shutil
import subprocess

FLAGS = ["-O3", "-march=native", "-Wall", "-Wextra", "-Werror"]


class Peers:
    """Builds a peer when it is first asked for."""

    def __init__(self, sources, folder):
        self._sources = sources
        self._folder = folder
        self._built = {}

    def pcap(self):
        """The program that reads captures by libpcap, and probes the core."""
        return self._build("pcap_read_bench", ["-lpcap"])

    def dpdk(self, name):
        """A program against DPDK, whose Debian package is installed when it is missing."""
        _need_dpdk()
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libdpdk"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.split()
        return self._build(name, flags)

    def _build(self, name, flags):
        if name not in self._built:
            binary = os.path.join(self._folder, name)
            source = os.path.join(self._sources, name + ".c")
            subprocess.run(["gcc", *FLAGS, source, "-o", binary, *flags], check=True)
            self._built[name] = binary
        return self._built[name]


def _need_dpdk():
    if _has_dpdk():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SystemExit("the DPDK peers need the package libdpdk-dev: install it, or name other --rows")
    print("installing libdpdk-dev", flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "libdpdk-dev"]):
        ended = subprocess.run(["apt-get", *arguments], env=environment, stdin=subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if ended.returncode != 0:
            raise SystemExit(f"apt-get {arguments[0]} failed:\n" + ended.stdout[-2000:])
    if not _has_dpdk():
        raise SystemExit("libdpdk-dev is installed but pkg-config does not find libdpdk")


def _has_dpdk():
    return subprocess.run(["pkg-config", "--exists", "libdpdk"], check=False).returncode == 0
