"""The peers' programs, built from Bench/peers with the compiler of this machine for this machine."""

import os
import shutil
import subprocess

FLAGS = ["-O3", "-march=native", "-Wall", "-Wextra", "-Werror"]
# What protoc writes is not ours to correct.
GENERATED_FLAGS = ["-O3", "-march=native", "-std=c++17"]
PROTOS = ["opi/security/firewall/v1/openoffload.proto", "sluice/v1/dataplane.proto"]


class Peers:
    """Builds a peer when it is first asked for."""

    def __init__(self, sources, folder, protos):
        self._sources = sources
        self._folder = folder
        self._protos = protos
        self._built = {}

    def pcap(self):
        """The program that reads captures by libpcap, and probes the core."""
        return self._build("gcc", "pcap_read_bench.c", ["-lpcap"])

    def plain(self, name):
        """A program that needs nothing but the C library and the kernel's headers."""
        return self._build("gcc", name + ".c", [])

    def testpmd(self):
        """DPDK's own forwarder, whose Debian package is installed when it is missing."""
        _need(["dpdk-dev"], lambda: shutil.which("dpdk-testpmd"))
        return shutil.which("dpdk-testpmd")

    def xdp(self, name):
        """A program against libxdp, whose Debian package is installed when it is missing."""
        _need(["libxdp-dev"], lambda: _is_known("libxdp"))
        return self._build("gcc", name + ".c", _flags("libxdp"))

    def dpdk(self, name):
        """A program against DPDK, whose Debian package is installed when it is missing."""
        _need(["libdpdk-dev"], _has_dpdk)
        return self._build("gcc", name + ".c", _flags("libdpdk"))

    def grpc(self, name):
        """A program against gRPC's C++ library, with the code of our .proto files; installed when missing."""
        _need(["libgrpc++-dev", "protobuf-compiler-grpc", "g++"], _has_grpc)
        flags = _flags("grpc++", "protobuf")
        generated = os.path.join(self._folder, "protos")
        objects = self._generate(generated)
        return self._build("g++", name + ".cc", ["-std=c++17", f"-I{generated}", *objects, *flags])

    def _build(self, compiler, source, flags):
        name = os.path.splitext(source)[0]
        if name not in self._built:
            binary = os.path.join(self._folder, name)
            path = os.path.join(self._sources, source)
            subprocess.run([compiler, *FLAGS, path, "-o", binary, *flags], check=True)
            self._built[name] = binary
        return self._built[name]

    def _generate(self, folder):
        """C++ code of the .proto files, compiled; answers the object files."""
        if "protos" in self._built:
            return self._built["protos"]
        os.makedirs(folder, exist_ok=True)
        plugin = shutil.which("grpc_cpp_plugin")
        subprocess.run(["protoc", f"-I{self._protos}", f"--cpp_out={folder}", f"--grpc_out={folder}",
                        f"--plugin=protoc-gen-grpc={plugin}", *PROTOS], check=True)
        objects = []
        for proto in PROTOS:
            for kind in (".pb", ".grpc.pb"):
                base = os.path.join(folder, proto.removesuffix(".proto") + kind)
                subprocess.run(["g++", *GENERATED_FLAGS, f"-I{folder}", "-c", base + ".cc",
                                "-o", base + ".o"], check=True)
                objects.append(base + ".o")
        self._built["protos"] = objects
        return objects


def _flags(*packages):
    return subprocess.run(["pkg-config", "--cflags", "--libs", *packages], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


def _need(packages, are_there):
    if are_there():
        return
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise SystemExit(f"peers need the packages {names}: install them, or name other --rows")
    print(f"installing {names}", flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        ended = subprocess.run(["apt-get", *arguments], env=environment, stdin=subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if ended.returncode != 0:
            raise SystemExit(f"apt-get {arguments[0]} failed:\n" + ended.stdout[-2000:])
    if not are_there():
        raise SystemExit(f"{names}: installed, but not found by pkg-config or in PATH")


def _has_dpdk():
    return _is_known("libdpdk")


def _has_grpc():
    return _is_known("grpc++", "protobuf") and all(
        shutil.which(program) for program in ("protoc", "grpc_cpp_plugin", "g++"))


def _is_known(*packages):
    return subprocess.run(["pkg-config", "--exists", *packages], check=False).returncode == 0
