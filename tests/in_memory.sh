#!/usr/bin/env bash
# Runs a command with its temporary files in memory, where there is room: tests wait for disks half of
# their time, and what a power cut does to a disk is played where it is the subject. UNLOST_ON_DISK=1
# leaves them on the disk.
set -euo pipefail
memory=/dev/shm
enough=$((6 * 1024 * 1024)) # KiB; the whole suite takes less than half of it

# Programs are started from there, and some by another user.
serves() {
	printf '#!/bin/sh\n' >"$1/try" && chmod 755 "$1/try" && "$1/try" && rm "$1/try"
}

free=$(df --output=avail -k "$memory" 2>/dev/null | tail -1 || echo 0)
if [ -z "${UNLOST_ON_DISK:-}" ] && [ -w "$memory" ] && [ "$free" -gt "$enough" ]; then
	folder=$(mktemp -d "$memory/unlost-tests.XXXXXX")
	trap 'rm -rf "$folder"' EXIT
	chmod 1777 "$folder"
	if serves "$folder" 2>/dev/null; then
		export TMPDIR="$folder"
	fi
fi
"$@"
