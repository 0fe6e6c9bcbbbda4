#!/bin/bash
# A pix2pix command as the tasks of a Slurm array, in a folder with node_modules:
#   sbatch --array=0-3 slurm.sh translate --name facades --input labels --out pictures --skip-existing
#   sbatch --array=0-11 slurm.sh sweep grid.yaml
#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=pix2pix-%A_%a.log

node_modules/.bin/pix2pix "$@" --threads "${SLURM_CPUS_PER_TASK:-1}" &
pid=$!
# Slurm signals this shell two minutes before the time is up. The program saves and asks for a requeue by exit code 99.
trap 'kill -USR1 "$pid"' USR1 TERM
# A signal ends `wait` early.
while wait "$pid"; code=$?; kill -0 "$pid" 2>/dev/null; do :; done
if [ "$code" -gt 128 ]; then wait "$pid"; code=$?; fi
# A signal during the start of the program ends it with exit code 128 + the number of the signal.
case "$code" in 99 | 138 | 143) scontrol requeue "$SLURM_JOB_ID" ;; esac
exit "$code"
