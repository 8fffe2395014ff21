#!/bin/sh
# Does the tour go on counting beside a client that runs away and readers that
# block in the kernel, and does it say so?
# Usage: tour_preemption.sh TOUR SOURCE_ROOT
#
# SPDX-License-Identifier: BSD-2-Clause
tour=$1
root=$2
# shellcheck source-path=SCRIPTDIR source=tour_lib.sh
. "$(dirname "$0")/tour_lib.sh"

# One processor, so that there is none to spare for those two.
VCORE_PROCESSORS=1
export VCORE_PROCESSORS

# reports PATTERN: a line of the last report matches
reports() {
	grep -qE "$1" "$directory/printed" || {
		cat "$directory/printed" >&2
		fail "no line of the report matches $1"
	}
}

# type_slowly PAUSE: what comes from a person at a keyboard
type_slowly() {
	printf 'begi'
	sleep "$1"
	printf 'n End'
}

# found_slow: the last report says that the input was waited for, and the others counted
found_slow() {
	grep -q '^readers were let go [1-9]' "$directory/printed" &&
		grep -q ' came slowly: [1-9]' "$directory/printed"
}

# How slow the line is beside the others' work depends on the machine, and its load.
for attempt in 1 2 3 4 5; do
	"$tour" >"$directory/printed" || fail "exit status $? at attempt $attempt"
	if found_slow; then
		break
	fi
done
# Nobody but the reader of the slow line got the processor before its end came.
if grep -q '^no preemption (' "$directory/printed"; then
	reports ' came slowly: 0 bytes had been counted when its end came$'
	exit 0
fi

reports '^readers were let go [1-9][0-9]* times?, as they waited in the kernel$'
reports ' came slowly: [1-9][0-9]* bytes had been counted when its end came$'
reports '^a client ran away: preempted [1-9][0-9]* times?, destroyed in its endless loop, its cleanup ran$'

VCORE_QUANTUM=off "$tour" >"$directory/printed" || fail "exit status $? without preemption"
reports '^no preemption \(.*\): no client runs away'
reports ' came slowly: 0 bytes had been counted when its end came$'

# A pause that is long, however slow the machine is.
for pause in 0.3 1 3 10; do
	type_slowly $pause | "$tour" - "$root/COPYING" >"$directory/printed" ||
		fail "standard input: exit status $?"
	if found_slow; then
		break
	fi
done
reports '^readers were let go [1-9][0-9]* times?,'
reports '^standard input came slowly: [1-9][0-9]* bytes had been counted when its end came$'

# The words are the same whatever the quantum.
type_slowly 0 >"$directory/typed"
count_words "$directory/typed" "$root/COPYING" >"$directory/expected"
for quantum in off 100 1000 10000; do
	type_slowly 0.3 | VCORE_QUANTUM=$quantum "$tour" --all - "$root/COPYING" >"$directory/printed" ||
		fail "a quantum of $quantum: exit status $?"
	cmp "$directory/expected" "$directory/printed" || fail "a quantum of $quantum: other words"
done
