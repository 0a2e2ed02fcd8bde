#!/usr/bin/env bash
# npm run test:kube: builds the CRD half of a Kubernetes API server where none is cached, and runs test/kube on it.
# Without Go, or when the build is not done in $KENNEL_KUBE_MINUTES, it says so and ends well; with CI set, badly.
# $KENNEL_KUBE_BIN names a folder that has a crd-server already; then nothing is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${KENNEL_KUBE_BIN:-}" ]; then
  status=0
  KENNEL_KUBE_BIN=$(bash test/kube/toolchain/build.sh) || status=$?
  if [ "$status" -ne 0 ]; then
    echo "SKIPPED: test/kube, because there is no API server to test against (build ended with $status)" >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
  fi
  export KENNEL_KUBE_BIN
fi
exec npx vitest run --project kube "$@"
