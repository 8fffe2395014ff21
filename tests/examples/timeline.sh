#!/bin/sh
# Do threads that never call the library take turns on one processor, and only
# where there is preemption?  What is looked at is the shape of the timeline.
# Usage: timeline.sh TIMELINE
#
# SPDX-License-Identifier: BSD-2-Clause
set -u
timeline=$1
printed=$(mktemp) || exit 1
trap 'rm -f "$printed"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILED: $*" >&2
	cat "$printed" >&2
	exit 1
}

# rows PATTERN: how many rows match, of those that are as they should be
rows() {
	grep -E '^(red|green|blue) *\|[ #+]{72}\| preemptions: [0-9]+$' "$printed" |
		grep -cE "$1"
}

# Each thread runs, is put off, and runs again.
take_turns() {
	grep -qE '^quantum [0-9.]+ ms, a column is 2\.5 ms$' "$printed" || fail "no heading"
	[ "$(rows '\|.*[#+].*\| preemptions: [1-9]')" -eq 3 ] || fail "not all were preempted"
}

# The first to run keeps the processor to the end.
one_keeps_it() {
	[ "$(rows '\|.*[#+].*\|')" -eq 1 ] || fail "not one thread alone"
	[ "$(rows '\| preemptions: 0')" -eq 3 ] || fail "preempted without preemption"
}

"$timeline" >"$printed" || fail "exit status $?"
if grep -q '^no preemption (' "$printed"; then
	one_keeps_it
else
	take_turns
	[ "$(rows '\|.*[#+] +[#+].*\|')" -eq 3 ] || fail "not all came back"
	VCORE_QUANTUM=1000 "$timeline" >"$printed" || fail "exit status $? with 1 ms"
	take_turns
	VCORE_QUANTUM=off "$timeline" >"$printed" || fail "exit status $? without preemption"
	grep -q '^no preemption (' "$printed" || fail "preemption is not off"
	one_keeps_it
fi
