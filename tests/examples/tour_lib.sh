# shellcheck shell=sh
#
# What the tests of the tour share: to be sourced with the program in $tour.
# It makes a $directory, which it removes at the end.
#
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # tour
set -u
LC_ALL=C
export LC_ALL
directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# The words of some files and how often each occurs, told by coreutils.  The
# echo ends the last word of a file; the empty word is none.
# shellcheck disable=SC2018,SC2019 # letters are A-Z and a-z
count_words() {
	for file in "$@"; do
		cat "$file"
		echo
	done | tr -cs A-Za-z '\n' | tr A-Z a-z | grep . | sort | uniq -c |
		awk '{ print $1, $2 }' | sort -k1,1nr -k2,2
}

# same_words NAME FILE...: fails unless the tour finds the same words as
# coreutils in the files, whatever the number of processors.
same_words() {
	name=$1
	shift
	count_words "$@" >"$directory/expected"
	for processors in 1 2 8; do
		VCORE_PROCESSORS=$processors "$tour" --all "$@" >"$directory/printed" ||
			fail "$name: exit status $? on $processors processors"
		cmp "$directory/expected" "$directory/printed" ||
			fail "$name: other words on $processors processors"
	done
}
