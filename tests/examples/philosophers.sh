#!/bin/sh
# Is the deadlock found, and reported as the circle it is, and are the other
# dinners eaten, on any number of processors?
# Usage: philosophers.sh PHILOSOPHERS
#
# SPDX-License-Identifier: BSD-2-Clause
set -u
philosophers=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

cat >"$work/expected" <<END
the left fork first: deadlock after 0 meals
the lower fork first: all are full after 1000 meals
four at the table: all are full after 1000 meals
one takes forks at a time: all are full after 1000 meals
END

fail() {
	echo "FAILED: $* on $processors processors" >&2
	cat "$work/printed" "$work/report" >&2
	exit 1
}

for processors in 1 2 8 1 2 8 1 2 8; do
	VCORE_PROCESSORS=$processors "$philosophers" >"$work/printed" 2>"$work/report" ||
		fail "exit status $?"
	diff -u "$work/expected" "$work/printed" >&2 || fail "unlike what is expected"
	for name in Plato Kant Hume Marx Frege; do
		line="^  thread [0-9]+ \"$name\": waiting for lock 0x[0-9a-f]+ of thread [0-9]+, .*, IN A CIRCLE;"
		grep -qE "$line" "$work/report" || fail "$name is not in the circle"
	done
	[ "$(grep -c 'IN A CIRCLE' "$work/report")" -eq 5 ] || fail "not five in the circle"
done
