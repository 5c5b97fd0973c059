"""Podman for tests, without a registry of images: all are made of Debian's packages and wheels."""

import os
import shutil
import subprocess

INSTALL = (
    "apt-get install --no-install-recommends podman buildah runc netavark aardvark-dns iptables "
    "mmdebstrap"
)
PROGRAMS = ["podman", "runc", "mmdebstrap"]
BASE = "docker.io/library/python:3.11-slim"

# For sandboxes: no CAP_SYS_RESOURCE, hybrid cgroups, which crun refuses.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
[network]
network_backend = "netavark"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
STORAGE = """\
[storage]
driver = "overlay"
runroot = "{folder}/run"
graphroot = "{folder}/graph"
"""

POSTGRES = """\
FROM {base}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes \
    --no-install-recommends postgresql
COPY start.sh /start.sh
CMD ["bash", "/start.sh"]
"""
START_POSTGRES = """\
set -e
export PATH=$(ls -d /usr/lib/postgresql/*/bin):$PATH PGDATA=/var/lib/postgresql/data/pg
ln -sf $(ls -d /usr/lib/postgresql/*/bin)/pg_isready /usr/local/bin/
mkdir -p /run/postgresql && chown -R postgres: /var/lib/postgresql /run/postgresql
as() { su postgres -c "PATH=$PATH PGDATA=$PGDATA $*"; }
if [ ! -s $PGDATA/PG_VERSION ]; then
  as "initdb -A trust"
  echo "host all all all scram-sha-256" >> $PGDATA/pg_hba.conf
  as "pg_ctl -w start -o '-c listen_addresses='"
  as "psql -c \\"create role $POSTGRES_USER superuser login password '$POSTGRES_PASSWORD'\\""
  as "createdb -O $POSTGRES_USER $POSTGRES_DB"
  as "pg_ctl -w stop"
fi
exec su postgres -c "PATH=$PATH postgres -D $PGDATA -c listen_addresses='*'"
"""
SEAWEEDFS = """\
FROM {base}
COPY weed /usr/local/bin/
"""


def missing():
    """Why there can be no containers here, None when there can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"podman is not installed ({', '.join(lacking)}): {INSTALL}"
    if os.geteuid() != 0:
        return "containers are started by root alone"
    return None


class Podman:
    """Images and containers in a folder of their own.

    Args:
        folder: Kept from session to session, the base image in it takes minutes.
    """

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "containers.conf").write_text(CONFIGURATION)
        (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
        (folder / "registries.conf").write_text('unqualified-search-registries = ["docker.io"]\n')
        self.environment = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
            "BUILDAH_ISOLATION": "oci",
            "BUILDAH_RUNTIME": "runc",
        }

    def run(self, *words, check=True, **options):
        """Runs podman; its output."""
        done = subprocess.run(
            ["podman", *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        assert not check or done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def has(self, image):
        words = ["podman", "image", "exists", image]
        return subprocess.run(words, env=self.environment, check=False).returncode == 0

    def make_base(self):
        """A stand-in for the image that the Dockerfile begins with."""
        if self.has(BASE):
            return
        packages = "python3,python3-pip,python3-venv,ca-certificates,tzdata"
        link = 'ln -s /usr/bin/python3 "$1/usr/local/bin/python"'
        mine = 'cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"'
        theirs = 'rm -f "$1"/usr/lib/python3.11/EXTERNALLY-MANAGED'
        hooks = [f"--customize-hook={hook}" for hook in (link, mine, theirs)]
        chosen = [f"--include={packages}", *hooks]
        tar = self.folder / "base.tar"
        subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--mode=root", *chosen, "bookworm", tar],
            check=True,
            capture_output=True,
        )
        self.run("import", "--change", 'CMD ["python3"]', tar, BASE)
        tar.unlink()

    def build(self, image, context, *options, file="Dockerfile"):
        self.run("build", "--network", "host", *options, "-f", file, "-t", image, context)

    def make_stand_in(self, image, text, **files):
        """An image under the name of one that no registry gives here."""
        context = self.folder / "context"
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir()
        (context / "Dockerfile").write_text(text.format(base=BASE))
        for name, content in files.items():
            target = context / name.replace("_", ".")
            if isinstance(content, str):
                target.write_text(content)
            else:
                shutil.copy(content, target)
        self.build(image, context, file=context / "Dockerfile")
