#!/bin/sh
# Do two clients of the tour end of their faults, with the reports of them and
# nothing else on standard error, while the words are counted as without them?
# Usage: tour_spaces.sh TOUR SOURCE_ROOT caught|uncaught: what becomes of faults
#
# SPDX-License-Identifier: BSD-2-Clause
tour=$1
root=$2
faults=$3
# shellcheck source-path=SCRIPTDIR source=tour_lib.sh
. "$(dirname "$0")/tour_lib.sh"

number='[0-9][0-9]*'
address='0x[0-9a-f]*'
place="  at $address in ${tour##*/} + $address"

# reports PATTERN: a line of the last report matches
reports() {
	grep -q "$1" "$directory/printed" || {
		cat "$directory/printed" >&2
		fail "no line of the report matches $1"
	}
}

# says NAME PATTERN...: standard error has the report of the thread of that name:
# its lines match, one after the other.
says() {
	thread=$1
	shift
	grep -A $# "^vcore: thread $number \"$thread\" has faulted, and was ended\$" \
		"$directory/said" | tail -n +2 >"$directory/report"
	line=0
	for pattern in "$@"; do
		line=$((line + 1))
		sed -n ${line}p "$directory/report" | grep -q "^$pattern\$" || {
			cat "$directory/said" >&2
			fail "line $line of the report of $thread is not $pattern"
		}
	done
}

# says_all: standard error has both reports, and nothing else
says_all() {
	if [ "$faults" = uncaught ]; then
		[ ! -s "$directory/said" ] || fail "says $(cat "$directory/said")"
		return
	fi
	says spoiler "  it wrote to $address, which is in another space:" \
		"  space $number, block $number + $address" "$place (rogue_spoil + $address)"
	says overflower "  it [a-z ]* to $address, beyond the end of its stack, in" \
		"  space $number + $address" "$place (rogue_descend + $address)"
	[ "$(wc -l <"$directory/said")" -eq 8 ] || fail "says more: $(cat "$directory/said")"
}

# What happened, told at the end.
"$tour" >"$directory/printed" 2>"$directory/said" || fail "exit status $?"
says_all
if [ "$faults" = caught ]; then
	reports "^a client wrote to the service's memory: ended by the fault, its cleanup ran\$"
	reports "^a client overflowed its stack: ended by the fault, its cleanup ran\$"
else
	reports "^faults end the process here: no client writes to the service's memory, or "
fi
reports "^$number spaces; the service's was opened [1-9][0-9]* times*\$"

# The words are the same, however long a turn is and whoever takes part in it.
set -- "$root"/README.md "$root"/COPYING "$root"/doc/*.md "$root"/include/vcore/*.h
count_words "$@" >"$directory/expected"
for processors in 1 2 4; do
	for quantum in off 1000 10000; do
		case="$processors processors, a quantum of $quantum"
		VCORE_PROCESSORS=$processors VCORE_QUANTUM=$quantum "$tour" --all "$@" \
			>"$directory/printed" 2>"$directory/said" || fail "$case: exit status $?"
		cmp "$directory/expected" "$directory/printed" || fail "$case: other words"
		says_all
	done
done
