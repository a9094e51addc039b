"""Two hosts joined by TUN devices: packets without any link header.

    tun_relay.py LEFT-NAMESPACE RIGHT-NAMESPACE

Makes a device `tun` in each namespace and carries packets between the two until SIGTERM; the
devices vanish with this process.
"""

import fcntl
import os
import select
import signal
import struct
import sys

from netns import namespace

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000


def open_tun(host):
    with namespace(host):
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH14x", b"tun", IFF_TUN_NO_PI))
    return descriptor


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    left, right = (open_tun(name) for name in sys.argv[1:])
    other = {left: right, right: left}
    print("relaying", flush=True)
    while True:
        for descriptor in select.select([left, right], [], [])[0]:
            packet = os.read(descriptor, 65536)
            try:
                os.write(other[descriptor], packet)
            except OSError:
                pass      # the other device is not up yet


if __name__ == "__main__":
    main()
