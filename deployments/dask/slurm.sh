#!/bin/bash
# A search on a SLURM cluster, started from anywhere with `sbatch deployments/dask/slurm.sh STUDY`:
# the first node runs scheduler and search, each node its workers. Submit it again to go on.
#SBATCH --job-name=trialflow
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=12:00:00
# The search is asked to stop five minutes before the time is up.
#SBATCH --signal=B:TERM@300
set -u
scheduler=tcp://$(hostname):8786
DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL=60s dask scheduler --port 8786 --no-dashboard &
srun trialflow worker "$scheduler" --scratch "${TMPDIR:-/tmp}" &
trialflow search "$1" --directory "${RESULTS:-results}" --engine "$scheduler" --grace 120 &
search=$!
trap 'kill -TERM $search' TERM
wait $search
wait $search # the trap ends the first one
