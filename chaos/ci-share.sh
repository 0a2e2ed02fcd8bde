#!/usr/bin/env bash
# The share of the chaos harness that every change must pass: seeds that nobody has run before,
# every planted bug, and scenarios and a drawn campaign on a lab. Minutes on two quiet cores.
#
# The first seed comes from the commit and the day; KENNEL_CHAOS_FROM sets it, to run a share again.
set -euo pipefail
cd "$(dirname "$0")/.."

commit=$(git rev-parse --short=6 HEAD 2>/dev/null || echo 0)
from=${KENNEL_CHAOS_FROM:-$(( (16#$commit % 100000) * 100000 + ($(date -u +%s) / 86400 % 10000) * 10 ))}

echo "chaos: seeds from $from; again with: KENNEL_CHAOS_FROM=$from npm run chaos:ci"
node bin/kennel.mjs chaos sim --seeds "${KENNEL_CHAOS_SEEDS:-1200}" --from "$from"
node bin/kennel.mjs chaos mutants
node_modules/.bin/vitest run --project chaos
