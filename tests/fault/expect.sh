#!/bin/sh
#
# expect.sh pattern command...
#
# Runs a command that must fail with a report that matches the pattern, or,
# with the pattern "", succeed with no report at all.  Exits with 77 if the
# command does.
#
# SPDX-License-Identifier: BSD-2-Clause

pattern=$1
shift
output=$("$@" 2>&1)
status=$?

if [ "$status" -eq 77 ]; then
	exit 77
fi
printf '%s\n' "$output"
if [ -z "$pattern" ]; then
	if [ "$status" -eq 0 ] && [ -z "$output" ]; then
		exit 0
	fi
	echo "expect.sh: expected silence and success, got status $status"
	exit 1
fi
if [ "$status" -eq 0 ]; then
	echo "expect.sh: the bug was not noticed"
	exit 1
fi
if ! printf '%s\n' "$output" | grep -q -e "$pattern"; then
	echo "expect.sh: no report of '$pattern' (status $status)"
	exit 1
fi
