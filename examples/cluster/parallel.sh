#!/bin/bash
# The pictures of a folder in N parts, JOBS of them at a time, by GNU parallel; with --sshlogin also on other machines.
# A part that was interrupted is tried again; it skips the pictures that are done.
#   N=16 JOBS=4 ./parallel.sh --name facades --input labels --out pictures
set -euo pipefail
N=${N:-16}
JOBS=${JOBS:-2}
seq "$N" | parallel --jobs "$JOBS" --retries 3 --joblog pix2pix.log --line-buffer --quote \
  node_modules/.bin/pix2pix translate "$@" --skip-existing --threads 1 --shard "{}/$N"
