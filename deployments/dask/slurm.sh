#!/bin/bash
# A search on a SLURM cluster, started from anywhere with
#   sbatch deployments/dask/slurm.sh STUDY [OPTIONS OF trialflow search]
# The first node runs scheduler and search, each node its workers. A job that is pre-empted is queued
# again and goes on; one whose time is up goes on when it is submitted again.
#   RESULTS=DIR      where projects lie (results)
#   INTERFACE=ib0    the network that the scheduler listens on (the one of the node's name)
#   PROTOCOL=tls     with the certificates that Dask's configuration names (tcp)
#SBATCH --job-name=trialflow
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# The search is asked to stop five minutes before the time is up.
#SBATCH --signal=B:TERM@300
set -u
own=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$own"' EXIT

# Jobs may share a node, so the port is this job's own; and the file is written by our scheduler alone,
# once it listens, so that no other job's is ever taken for it.
port=$((20000 + SLURM_JOB_ID % 30000))
if [ -n "${INTERFACE:-}" ]; then where=(--interface "$INTERFACE"); else where=(--host "$(hostname)"); fi
DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=60s dask scheduler "${where[@]}" --port "$port" \
    --protocol "${PROTOCOL:-tcp}" --no-dashboard --scheduler-file "$own/scheduler.json" &
listening=$!
until [ -s "$own/scheduler.json" ]; do
    if ! kill -0 "$listening" 2>/dev/null; then
        echo "Expected port $port of $(hostname) to be free for this job's scheduler. Received: none started." >&2
        exit 1
    fi
    sleep 0.2
done
scheduler=$(sed -n 's/.*"address": "\(.*\)".*/\1/p' "$own/scheduler.json")

srun trialflow worker "$scheduler" --scratch "${TMPDIR:-/tmp}" &
trialflow search "$@" --directory "${RESULTS:-results}" --engine "$scheduler" --grace 120 &
search=$!

told=''
stop() {
    [ -n "$told" ] || kill -TERM "$search" 2>/dev/null
    told=yes
}
trap stop TERM
# Pre-emption ends the workers first, and without them or the scheduler the search would only wait.
wait -n # for the first of the three to end, or for the trap
stop
until wait "$search"; status=$?; ! kill -0 "$search" 2>/dev/null; do :; done
# One that has ended by itself, within the grace of its pre-emption, would not be queued again.
if scontrol show job "$SLURM_JOB_ID" | grep -q 'PreemptTime=[0-9]'; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
