"""What the two hosts say to each other, one scenario per recording.

    traffic.py SCENARIO LEFT-NAMESPACE RIGHT-NAMESPACE

Ports are fixed, so that a new recording has the same conversations as the one before. Prints
"done" and then waits to be ended by SIGTERM, so that what is still open at the end of the
recording stays open until the recorder has stopped.
"""

import signal
import sys
import threading
import time

import conversations as say
from conversations import Hosts


class Timeline:
    """Runs conversations side by side, each from its own second on."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.threads = []
        self.failures = []
        self.left_open = []
        self.started = time.monotonic()

    def at(self, second, conversation, *arguments, **options):
        thread = threading.Thread(target=self._run, args=(second, conversation, arguments, options))
        self.threads.append(thread)
        thread.start()

    def finish(self):
        """Waits for all of them; a conversation that failed spoils the recording."""
        for thread in self.threads:
            thread.join()
        for failure in self.failures:
            print(failure, file=sys.stderr)
        if self.failures:
            sys.exit(1)
        return self.left_open

    def _run(self, second, conversation, arguments, options):
        time.sleep(max(0, self.started + second - time.monotonic()))
        try:
            self.left_open.append(conversation(self.hosts, *arguments, **options))
        except OSError as error:
            self.failures.append(f"{conversation.__name__}{arguments}: {error}")


def demo(hosts):
    """Every kind of conversation and of end, in about 15 seconds."""
    line = Timeline(hosts)
    # Silent for longer than a session with a short timeout lives, then heard again.
    line.at(0.0, say.udp_exchange, "plain", 4, 41001, 5300, [0.1, 0.4, 0.8, 6.0, 6.3])
    line.at(0.1, say.udp_exchange, "plain", 6, 41002, 5300, [0.1, 0.5, 7.0])
    line.at(0.1, say.chat, "plain", 4, 42001, 7001, [0.1, 0.5, 0.9, 6.5, 6.8])
    line.at(0.2, say.udp_one_way, "plain", 4, 41003, 5140, 12, 300)
    line.at(0.2, say.chat, "plain", 4, 42003, 7003, [0.2], close=False)
    line.at(0.3, say.ping, "plain", 4, 3)
    line.at(0.4, say.ping, "plain", 6, 3)
    # HTTP in four sizes, over IPv4, IPv6, one tag and two tags.
    line.at(1.0, say.http, "plain", 4, 40001, "1k")
    line.at(1.1, say.http, "plain", 4, 40002, "10k")
    line.at(1.2, say.http, "plain", 4, 40003, "50k")
    line.at(1.4, say.http, "plain", 4, 40004, "200k")
    line.at(1.8, say.http, "plain", 4, 40005, "1k", "10k", "1k", "missing")
    line.at(2.0, say.http, "plain", 4, 40006, "150k", rate="40K")
    line.at(2.2, say.http, "plain", 6, 40007, "1k")
    line.at(2.3, say.http, "plain", 6, 40008, "100k")
    line.at(2.4, say.http, "plain", 6, 40009, "10k", "10k")
    line.at(2.6, say.http, "vlan", 4, 40010, "10k")
    line.at(2.7, say.http, "vlan", 4, 40011, "100k")
    line.at(2.8, say.http, "vlan", 6, 40012, "50k")
    line.at(3.0, say.http, "qinq", 4, 40013, "50k")
    line.at(3.1, say.http, "qinq", 6, 40014, "10k")
    # Resets.
    line.at(3.5, say.refused, "plain", 4, 43001, 81)
    line.at(3.6, say.refused, "plain", 6, 43002, 81)
    line.at(3.7, say.refused, "vlan", 4, 43003, 81)
    line.at(3.8, say.reset_in_transfer, "plain", 4, 43004, 7104)
    line.at(4.0, say.reset_in_transfer, "plain", 6, 43005, 7105, by_initiator=False)
    line.at(4.2, say.reset_in_transfer, "vlan", 4, 43006, 7106)
    line.at(4.4, say.reset_after_fin, "plain", 4, 43007, 7107)
    line.at(4.6, say.reset_after_fin, "plain", 6, 43008, 7108)
    line.at(3.0, say.unanswered, 43009, 80, 9)
    # Half-closes and simultaneous closes.
    line.at(5.0, say.half_close, "plain", 4, 44001, 7201)
    line.at(5.1, say.half_close, "plain", 6, 44002, 7202)
    line.at(5.2, say.half_close, "vlan", 4, 44003, 7203)
    line.at(5.3, say.half_close_by_responder, "plain", 4, 44004, 7204)
    line.at(5.4, say.half_close_by_responder, "qinq", 4, 44005, 7205)
    line.at(5.6, say.simultaneous_close, "plain", 4, 44006, 7206)
    line.at(5.8, say.simultaneous_close, "plain", 6, 44007, 7207)
    line.at(6.0, say.simultaneous_close, "vlan", 4, 44008, 7208)
    # UDP, and echo inside the tags.
    line.at(7.0, say.udp_exchange, "vlan", 4, 41004, 5300, [0.0, 0.2, 0.4, 0.6])
    line.at(7.2, say.udp_exchange, "vlan", 6, 41005, 5300, [0.0, 0.2, 0.4], answer_bytes=1200)
    line.at(7.4, say.udp_exchange, "qinq", 4, 41006, 5300, [0.0, 0.3])
    line.at(7.5, say.udp_one_way, "plain", 6, 41007, 5140, 15, 1000)
    line.at(7.6, say.udp_one_way, "vlan", 4, 41008, 5140, 10, 400)
    line.at(7.8, say.udp_refused, "plain", 4, 41009, 5999)
    line.at(7.9, say.udp_refused, "plain", 6, 41010, 5999)
    line.at(8.0, say.ping, "vlan", 4, 2)
    line.at(8.2, say.ping, "qinq", 6, 2)
    # Open when the recording ends.
    line.at(9.0, say.chat, "plain", 4, 42004, 7004, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], close=False)
    line.at(9.2, say.chat, "plain", 6, 42005, 7005, [0.0, 1.5], close=False)
    line.at(9.4, say.chat, "vlan", 4, 42006, 7006, [0.0, 1.5, 3.0], close=False)
    return line.finish()


def mixed(hosts, links=("plain", "vlan", "qinq"), versions=(4, 6)):
    """A little of everything, for other link types, formats and snap lengths; about three seconds."""
    line = Timeline(hosts)
    port = 50000
    for link in links:
        for version in versions:
            port += 10
            line.at(0.0, say.http, link, version, port, "10k")
            line.at(0.2, say.chat, link, version, port + 1, port + 1001, [0.1, 0.3, 0.6])
            line.at(0.3, say.half_close, link, version, port + 2, port + 1002, chunks=3, pause=0.4)
            line.at(0.4, say.simultaneous_close, link, version, port + 3, port + 1003)
            line.at(0.5, say.refused, link, version, port + 4, 81)
            line.at(0.6, say.reset_after_fin, link, version, port + 5, port + 1005)
            line.at(0.7, say.udp_exchange, link, version, port + 6, 5300, [0.0, 0.4, 1.4])
            line.at(0.8, say.udp_one_way, link, version, port + 7, 5140, 5, 200)
            line.at(0.9, say.udp_refused, link, version, port + 8, 5999)
            line.at(1.0, say.ping, link, version, 2)
            line.at(1.1, say.chat, link, version, port + 9, port + 1009, [0.0, 0.5], close=False)
    return line.finish()


def tunnel(hosts):
    """`mixed` between TUN devices."""
    return mixed(hosts, links=["tun"])


def one_link(hosts):
    """`mixed` without tags."""
    return mixed(hosts, links=["plain"])


def ipv4(hosts):
    """`mixed` without IPv6 and without a second tag, whose TCP headers do not fit into 60 bytes."""
    return mixed(hosts, links=["plain", "vlan"], versions=[4])


def short_connections(hosts):
    """Many connections, some of them again and again from the same port."""
    closers = ["initiator", "responder", "nobody"]
    for number in range(105):
        say.short_connection(hosts, 6 if number % 7 == 0 else 4, 51000 + number, 7300, closers[number % 3])
    for number in range(20):
        say.refused(hosts, "plain", 4, 52000 + number, 81)
    for _ in range(30):
        say.short_connection(hosts, 4, 53000, 7301, "responder")
    for _ in range(15):
        say.short_connection(hosts, 6, 53001, 7301, "nobody")
        say.refused(hosts, "plain", 4, 53002, 81)
    for number in range(3):
        say.forgotten(hosts, 4, 53100 + number, 7302 + number, after_fin=number > 0)
        say.simultaneous_open(hosts, "plain", 4, 53200 + number, 53300 + number)
        say.simultaneous_open(hosts, "plain", 6, 53200 + number, 53300 + number)


def loss(hosts):
    """Transfers and closes while packets are lost: everything is sent again now and then."""
    line = Timeline(hosts)
    for number, version in enumerate((4, 6, 4)):
        link = "vlan" if number == 2 else "plain"
        line.at(0.1 * number, say.http, link, version, 54000 + number, "10k" if number else "50k")
        for repeat in range(4):
            port = 54100 + 10 * number + repeat
            line.at(0.3 * repeat, say.chat, link, version, port, port, [0.1, 0.2])
            line.at(0.3 * repeat, say.half_close, link, version, port + 100, port + 100, chunks=2)
            line.at(0.3 * repeat, say.simultaneous_close, link, version, port + 200, port + 200)
    return line.finish()


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (demo, mixed, tunnel, one_link, ipv4, short_connections, loss)
}


def main():
    scenario, left, right = sys.argv[1:]
    open_connections = SCENARIOS[scenario](Hosts(left, right))
    print("done", flush=True)
    signal.pause()
    del open_connections


if __name__ == "__main__":
    main()
