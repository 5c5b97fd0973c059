"""Machines with a network of their own, on one host: Linux's network namespaces."""

import os
import subprocess


def ip(*words):
    """Runs iproute2's `ip`."""
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


class Network:
    """A bridge on this host, and machines whose cables can be pulled.

    Raises:
        OSError, subprocess.CalledProcessError: The host has none, or this user may not make it.
    """

    def __init__(self):
        self._tag = f"{os.getpid() % 0xFFFF:04x}"
        self._bridge = f"tf{self._tag}"
        self._subnet = f"10.{203 + os.getpid() % 50}.{os.getpid() // 50 % 256}"
        self._machines = []
        self.address = f"{self._subnet}.1"
        ip("link", "add", self._bridge, "type", "bridge")
        try:
            ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
            ip("link", "set", self._bridge, "up")
        except BaseException:
            self.close()
            raise

    def add_machine(self):
        """Makes a machine; answers its name."""
        name = f"{self._bridge}-{len(self._machines)}"
        here, there = self._cable(name), f"tv{name[2:]}"
        ip("netns", "add", name)
        self._machines.append(name)
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("link", "set", here, "master", self._bridge, "up")
        address = f"{self._subnet}.{len(self._machines) + 1}/24"
        ip("-n", name, "addr", "add", address, "dev", there)
        ip("-n", name, "link", "set", there, "up")
        ip("-n", name, "link", "set", "lo", "up")
        return name

    def pull(self, name):
        """Pulls the machine's cable: nothing is refused, nothing arrives."""
        ip("link", "set", self._cable(name), "down")

    def plug_in(self, name):
        """Puts the cable back."""
        ip("link", "set", self._cable(name), "up")

    def close(self):
        """Takes everything away; the processes on the machines must have ended."""
        for name in self._machines:
            ip("netns", "del", name)
        ip("link", "del", self._bridge)

    @staticmethod
    def _cable(name):
        return f"tc{name[2:]}"


def on(machine):
    """The words before a command that run it on that machine, in the same process."""
    return ["ip", "netns", "exec", machine]
