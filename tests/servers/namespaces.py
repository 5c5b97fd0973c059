"""Machines with a network of their own, on one host: Linux's network namespaces."""

import contextlib
import os
import subprocess


def ip(*words):
    """Runs iproute2's `ip`."""
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


class Network:
    """A bridge on this host, and machines whose cables can be pulled.

    Attributes:
        address: Of this host.
        machines: Their names.
    """

    def __init__(self):
        # Of this process alone; names of interfaces are short.
        self._bridge = f"tf{os.getpid() % 0xFFFF:04x}"
        self._subnet = f"10.{203 + os.getpid() % 50}.{os.getpid() // 50 % 256}"
        self.machines = []
        self.address = f"{self._subnet}.1"

    def build(self, machines):
        """Makes everything.

        Args:
            machines: Their number.

        Raises:
            OSError: There is no `ip` here.
            subprocess.CalledProcessError: This user may not, or this kernel cannot.
        """
        ip("link", "add", self._bridge, "type", "bridge")
        ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
        ip("link", "set", self._bridge, "up")
        for _ in range(machines):
            self._add_machine()

    def _add_machine(self):
        name = f"{self._bridge}-{len(self.machines)}"
        here, there = self._cable(name), f"tv{name[2:]}"
        ip("netns", "add", name)
        self.machines.append(name)
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("link", "set", here, "master", self._bridge, "up")
        address = f"{self._subnet}.{len(self.machines) + 1}/24"
        ip("-n", name, "addr", "add", address, "dev", there)
        ip("-n", name, "link", "set", there, "up")
        ip("-n", name, "link", "set", "lo", "up")

    def pull(self, name):
        """Pulls the machine's cable: nothing is refused, nothing arrives."""
        ip("link", "set", self._cable(name), "down")

    def plug_in(self, name):
        """Puts the cable back."""
        ip("link", "set", self._cable(name), "up")

    def close(self):
        """Takes away what there is; the processes on the machines must have ended."""
        here = [["netns", "del", name] for name in self.machines]
        for words in [*here, ["link", "del", self._bridge]]:
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                ip(*words)

    @staticmethod
    def _cable(name):
        return f"tc{name[2:]}"


def on(machine):
    """The words before a command that run it on that machine, in the same process."""
    return ["ip", "netns", "exec", machine]
