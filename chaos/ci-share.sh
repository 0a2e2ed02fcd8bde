#!/usr/bin/env bash
# The share of the chaos harness that every change must pass: seeds, every planted bug, and scenarios and
# a drawn campaign on a lab. Minutes on two quiet cores.
#
# The seeds are always the same, so that a change is judged by itself and not by its luck. Others are
# run by whoever looks for bugs: KENNEL_CHAOS_FROM=SEED KENNEL_CHAOS_SEEDS=N npm run chaos:ci
set -euo pipefail
cd "$(dirname "$0")/.."

from=${KENNEL_CHAOS_FROM:-1}

node bin/kennel.mjs chaos sim --seeds "${KENNEL_CHAOS_SEEDS:-800}" --from "$from"
node bin/kennel.mjs chaos mutants
node_modules/.bin/vitest run --project chaos
