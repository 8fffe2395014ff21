#!/bin/sh
# Does the stack of the textbook read a cell that was freed, each time?
# Usage: treiber_malloc.sh PROGRAM, compiled with AddressSanitizer
#
# SPDX-License-Identifier: BSD-2-Clause
set -u
program=$1
report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILED: $* in try $try" >&2
	cat "$report" >&2
	exit 1
}

for try in 1 2 3 4 5; do
	"$program" >/dev/null 2>"$report" && fail "nothing was found"
	grep -q 'AddressSanitizer: heap-use-after-free' "$report" || fail "no use after free"
	grep -q '^READ of size 8' "$report" || fail "not the read of the link"
done
