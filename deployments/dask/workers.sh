#!/bin/sh
# A host of a cluster with the Dask command line alone: one worker for each GPU.
#   SCHEDULER=tcp://scheduler:8786 deployments/dask/workers.sh 0 1 2 3
# `trialflow worker $SCHEDULER` does the same, and divides the processors.
set -u
trap 'trap - TERM; kill 0' INT TERM
for gpu in "$@"; do
    (
        export CUDA_VISIBLE_DEVICES="$gpu" CUDA_DEVICE_ORDER=PCI_BUS_ID
        # A worker ends when it loses its scheduler.
        while :; do
            dask worker "$SCHEDULER" --name "$(hostname)-gpu$gpu" --nthreads 1 --nworkers 1 \
                --resources GPU=1 --memory-limit 0 --no-dashboard --death-timeout 60
            sleep 5
        done
    ) &
done
wait
