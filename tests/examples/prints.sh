#!/bin/sh
# Does a program print what it should, on any number of processors?
# Usage: prints.sh PROGRAM EXPECTED
#
# SPDX-License-Identifier: BSD-2-Clause
program=$1
expected=$2
printed=$(mktemp) || exit 1
trap 'rm -f "$printed"' EXIT
trap 'exit 1' HUP INT TERM

# Several times: a race may come out right once.
for processors in 1 2 8 1 2 8 1 2 8 1 2 8 1 2 8; do
	VCORE_PROCESSORS=$processors "$program" >"$printed" || {
		echo "exit status $? on $processors processors" >&2
		exit 1
	}
	diff -u "$expected" "$printed" || {
		echo "unlike $expected on $processors processors" >&2
		exit 1
	}
done
