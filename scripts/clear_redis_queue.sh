#!/usr/bin/env bash
# The queue, by the name that scripts of the Go version call. Without a word it asks
# before it clears, --show-only clears nothing, --force does not ask.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  "") target=redis-queue-clear ;;
  --show-only) target=redis-queue-status ;;
  --force) target=redis-queue-clear-force ;;
  *)
    echo "usage: scripts/clear_redis_queue.sh [--show-only | --force]" >&2
    exit 2
    ;;
esac
exec make --no-print-directory "$target"
