"""A real SLURM of one node for tests: Debian's slurm-wlm and munge, started without systemd.

Two device files stand in for GPUs. There is one SLURM on a machine, since its files lie in /etc.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

INSTALL = "apt-get install --no-install-recommends slurm-wlm slurmd slurmctld munge"
PROGRAMS = ["slurmctld", "slurmd", "munged", "sbatch", "squeue"]

CONFIGURATION = """\
ClusterName=trialflow
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
JobacctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort=26817
SlurmdPort=26818
ReturnToService=2
MpiDefault=none
KillWait=30
GresTypes=gpu
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 \
ThreadsPerCore=1 RealMemory=2000 Gres=gpu:2 State=UNKNOWN
PartitionName=low Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 \
PreemptMode=REQUEUE GraceTime=60
PartitionName=high Nodes={host} Default=NO MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing():
    """Why there can be no SLURM here, None when there can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"SLURM is not installed ({', '.join(lacking)}): {INSTALL}"
    if os.geteuid() != 0:
        return "SLURM is started by root alone"
    if Path("/etc/slurm/slurm.conf").exists() and "trialflow" not in conf().read_text():
        return "there is a SLURM of this machine's own"
    if os.cpu_count() < 2:
        return "SLURM's node has two processors here"
    return None


def conf():
    return Path("/etc/slurm/slurm.conf")


class Slurm:
    """Starts with the session, ends with it.

    Args:
        folder: For its state and its logs.
    """

    def __init__(self, folder):
        self._folder = folder
        self._munge = None

    def start(self):
        for name in ("state", "spool"):
            (self._folder / name).mkdir()
        self._start_munge()
        host = socket.gethostname().split(".")[0]
        Path("/etc/slurm").mkdir(exist_ok=True)
        conf().write_text(CONFIGURATION.format(host=host, folder=self._folder))
        for number in range(2):
            os.mknod(self._folder / f"gpu{number}", 0o20666, os.makedev(1, 3))
        gres = f"NodeName={host} Name=gpu File={self._folder}/gpu[0-1]\n"
        conf().with_name("gres.conf").write_text(gres)
        cgroup = "CgroupPlugin=cgroup/v1\nConstrainDevices=no\n"
        conf().with_name("cgroup.conf").write_text(cgroup)
        subprocess.run(["slurmctld"], check=True)
        subprocess.run(["slurmd", "-c"], check=True)
        while "idle" not in self.run("sinfo", "--noheader", "--format=%T"):
            time.sleep(0.5)

    def _start_munge(self):
        """Its key and socket are the machine's; one that runs already will do."""
        if subprocess.run(["munge", "-n"], check=False, capture_output=True).returncode == 0:
            return
        key = Path("/etc/munge/munge.key")
        if not key.exists():
            key.write_bytes(os.urandom(1024))
            key.chmod(0o400)
            shutil.chown(key, "munge")
        Path("/run/munge").mkdir(exist_ok=True)
        shutil.chown("/run/munge", "munge")
        subprocess.run(["su", "-s", "/bin/sh", "munge", "-c", "munged"], check=True)
        self._munge = int(Path("/run/munge/munged.pid").read_text())

    def run(self, *words, **options):
        done = subprocess.run(
            list(map(str, words)), check=True, capture_output=True, text=True, **options
        )
        return done.stdout.strip()

    def submit(self, *words, **options):
        """Submits a job; its id."""
        return self.run("sbatch", "--parsable", *words, **options)

    def state(self, job):
        """The state of a job, such as RUNNING; empty for one that is forgotten."""
        found = subprocess.run(
            ["scontrol", "show", "job", job], check=False, capture_output=True, text=True
        ).stdout
        words = dict(word.partition("=")[::2] for word in found.split())
        return words.get("JobState", "")

    def stop(self):
        subprocess.run(["scancel", "--user", "root", "--full"], check=False)
        for name in ("slurmd", "slurmctld"):
            path = self._folder / f"{name}.pid"
            if path.exists():
                pid = int(path.read_text())
                os.kill(pid, signal.SIGTERM)
                while Path(f"/proc/{pid}").exists():  # it holds the port of the next one
                    time.sleep(0.1)
        if self._munge is not None:
            os.kill(self._munge, signal.SIGTERM)
        for name in ("slurm.conf", "gres.conf", "cgroup.conf"):
            conf().with_name(name).unlink(missing_ok=True)
