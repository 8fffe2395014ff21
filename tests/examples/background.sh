#!/bin/sh
# Are frames drawn while jobs compute, on any number of processors, and are the
# results of the jobs right whatever interrupts them?
# Usage: background.sh BACKGROUND
#
# SPDX-License-Identifier: BSD-2-Clause
set -u
background=$1
printed=$(mktemp) || exit 1
trap 'rm -f "$printed"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILED: $*" >&2
	cat "$printed" >&2
	exit 1
}

# says PATTERN: a line of the output matches
says() {
	grep -qE "$1" "$printed" || fail "no line matches $1"
}

# What is right however fast the machine is.
look() {
	says '^[0-9]+ frames drawn, [0-9]+ dropped; late by .* ms at the least, .* at the most$'
	awk '/frames drawn/ {
		exit !($1 > 0 && $1 + $4 == 60 && 0 <= $8 && $8 <= $13 && $13 <= $17)
	}' "$printed" || fail "frames do not add up"
	awk '/^( *[0-9]+\.[0-9][0-9][0-9])+$/ { n += NF } /frames drawn/ { exit n != $1 }' "$printed" ||
		fail "not each frame was printed"
	says '^[1-9][0-9]* maps baked meanwhile, 0 of them unlike the first$'
}

for processors in 1 2; do
	VCORE_PROCESSORS=$processors "$background" >"$printed" || fail "exit status $?"
	look
	if grep -q '^no preemption (' "$printed"; then
		continue
	fi
	says '^[1-9][0-9]* preemptions, ([0-9]+ of them LIGHT|none of them LIGHT \(.* is in the way\))$'
done
VCORE_PROCESSORS=1 VCORE_QUANTUM=off "$background" >"$printed" || fail "exit status $? without"
look
says '^no preemption \('
