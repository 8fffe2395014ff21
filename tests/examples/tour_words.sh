#!/bin/sh
# Does the tour count the same words as coreutils?
# Usage: tour_words.sh TOUR SOURCE_ROOT
#
# SPDX-License-Identifier: BSD-2-Clause
tour=$1
root=$2
# shellcheck source-path=SCRIPTDIR source=tour_lib.sh
. "$(dirname "$0")/tour_lib.sh"

piece=65536 # PIECE_BYTES in examples/tour/window.h

# The project's own texts, named and found.
set --
for file in "$root"/README.md "$root"/COPYING "$root"/doc/*.md "$root"/include/vcore/*.h; do
	if [ -f "$file" ]; then
		set -- "$@" "$file"
	fi
done
same_words "own files" "$@"
"$tour" --all >"$directory/printed" || fail "without arguments: exit status $?"
cmp "$directory/expected" "$directory/printed" || fail "without arguments: other words"
same_words "one file twice" "$1" "$1"

# Files that are unlike texts.
: >"$directory/empty"
[ -z "$("$tour" --all "$directory/empty")" ] || fail "an empty file has words"
printf '\n.\0\377 1\303\251' >"$directory/no_words"
[ -z "$("$tour" --all "$directory/no_words")" ] || fail "a file without letters has words"
same_words "no newline at the end" "$1" "$directory/empty" "$directory/no_words" "$0"
same_words "a binary file" "$tour"

# Words of one letter more or less than a piece, at each place near its end,
# and some that are longer than several pieces, and than a whole window.
letters() {
	head -c "$1" /dev/zero | tr '\0' x
}
for n in $((piece - 1)) $piece $((piece + 1)) $((3 * piece)) 1000000 3000000; do
	{
		letters "$n"
		printf ' middle '
		letters "$n"
		printf ' End'
	} >"$directory/long$n"
done
same_words "long words" "$directory"/long*
for n in 1 2 3 4 5 6 7 8; do
	{
		head -c $((piece - n)) /dev/zero
		printf 'across, And Across'
	} >"$directory/border$n"
done
same_words "words across a border" "$directory"/border*

# The standard input, which comes in small portions.
{ printf 'begi'; sleep 0.1; printf 'n End'; } | "$tour" --all - >"$directory/printed" ||
	fail "standard input: exit status $?"
printf '1 begin\n1 end\n' | cmp - "$directory/printed" || fail "standard input: other words"
