#!/usr/bin/env bash
# Without a queue, on a Slurm cluster: sbatch slurm-array.sh. Each task runs a part of the catalogue on one kernel.
# Then: kvm-memtype merge results-*.json
#SBATCH --job-name=kvm-memtype
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=00:30:00
set -u
kvm-memtype run --kernel debian:6.1 --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  --format json --output "results-$SLURM_ARRAY_TASK_ID.json"
status=$?
# A check that fails (1), or nothing that could be checked (4), is a result, not a task that failed.
[ "$status" -eq 1 ] || [ "$status" -eq 4 ] || exit "$status"
