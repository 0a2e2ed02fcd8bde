#!/usr/bin/env bash
# Builds the half of a Kubernetes API server that serves CRDs from the Go module proxy, into a cache outside the repository:
# 550 MB to fetch, 11 CPU-minutes, 1.5 GB of compiled packages. Prints the folder of the binary.
# What is there already is not built again; an interrupted build goes on where it was.
#
#   XDG_CACHE_HOME           cache (default ~/.cache); keep $XDG_CACHE_HOME/kennel/kube between CI runs
#   KENNEL_KUBE_JOBS         compilers at once (default: all cores)
#   KENNEL_KUBE_MINUTES      give up after so long, leaving what was compiled in the cache (default: never)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kennel/kube
version=$(sed -n 's/^require k8s.io\/kubernetes //p; s/^\tk8s.io\/kubernetes \(v[^ ]*\).*/\1/p' "$here/go.mod" | head -1)
bin=$cache/$version
if [ -x "$bin/crd-server" ]; then
  echo "$bin"
  exit 0
fi
PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || { echo 'go was not found; it is needed to build an API server of Kubernetes' >&2; exit 3; }
mkdir -p "$bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/go.mod" "$here/go.sum" "$work/"
cd "$work"

export CGO_ENABLED=0 GOFLAGS=-mod=mod GOTOOLCHAIN=local
export GOMODCACHE=$cache/mod GOCACHE=$cache/build
component=k8s.io/component-base/version
minor=$(cut -d. -f2 <<<"$version")
flags="-s -w -X $component.gitVersion=$version -X $component.gitMajor=1 -X $component.gitMinor=$minor"
flags+=" -X $component.gitTreeState=archive -X k8s.io/client-go/pkg/version.gitVersion=$version"
limit=()
[ -z "${KENNEL_KUBE_MINUTES:-}" ] || limit=(timeout "$((KENNEL_KUBE_MINUTES * 60))")

echo "building an API server of Kubernetes $version from the Go module proxy" >&2
"${limit[@]}" go build -trimpath -pgo=off -p "${KENNEL_KUBE_JOBS:-$(nproc)}" \
  -ldflags "$flags" -o "$work/crd-server" k8s.io/apiextensions-apiserver
mv "$work/crd-server" "$bin/crd-server"
echo "$bin"
