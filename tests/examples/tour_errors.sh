#!/bin/sh
# Does the tour say what went wrong, count what it can, and end with the right
# status?
# Usage: tour_errors.sh TOUR
#
# SPDX-License-Identifier: BSD-2-Clause
tour=$1
# shellcheck source-path=SCRIPTDIR source=tour_lib.sh
. "$(dirname "$0")/tour_lib.sh"

echo 'one Two two' >"$directory/good"
printf '2 two\n1 one\n' >"$directory/expected"

# ends STATUS ARGUMENT...: the tour ends with the status.
ends() {
	status=$1
	shift
	"$tour" "$@" >"$directory/printed" 2>"$directory/said" </dev/null
	printed=$?
	[ $printed -eq "$status" ] || fail "tour $*: exit status $printed, not $status"
}

# says MESSAGE: it said so on standard error.
says() {
	grep -qF -- "$1" "$directory/said" ||
		fail "it says \"$(cat "$directory/said")\", not \"$1\""
}

# A file that cannot be opened, or opened and not read: others are counted.
for case in "missing:No such file or directory" ".:Is a directory" "good/file:Not a directory"; do
	file=$directory/${case%%:*}
	ends 1 --all "$file" "$directory/good"
	says "${tour##*/}: $file: ${case#*:}"
	cmp "$directory/expected" "$directory/printed" || fail "$file stops the others"
done
ends 1 --all "$directory/good" /proc/self/mem
says "${tour##*/}: /proc/self/mem: Input/output error"
cmp "$directory/expected" "$directory/printed" || fail "/proc/self/mem stops the others"
ends 1 "$directory/missing"
grep -q '^0 files, 0 bytes, 0 words' "$directory/printed" || fail "nothing is not reported"

# Arguments that make no sense.
ends 2 --no-such-option
says "Usage: tour"
ends 2 - -
says "named twice"

# No memory to be had: files may not be as large as the one that blocks lie in.
(
	# shellcheck disable=SC3045 # of dash, bash and busybox
	ulimit -f 1000
	exec "$tour" --all "$directory/good"
) >"$directory/printed" 2>"$directory/said"
[ $? -eq 2 ] || fail "no memory is not noticed"
says "${tour##*/}: vcore_block_allocate: Cannot allocate memory"
[ ! -s "$directory/printed" ] || fail "prints words without memory"

# Output that cannot be written.
"$tour" --all "$directory/good" >/dev/full 2>"$directory/said"
[ $? -eq 2 ] || fail "a full device is not noticed"
grep -q 'standard output: No space left' "$directory/said" || fail "a full device is not reported"

# No trouble at all.
ends 0 --help
grep -q '^Usage: tour' "$directory/printed" || fail "--help does not help"
ends 0 -- "$directory/good"
grep -q '^ *2  two$' "$directory/printed" || fail "the top list lacks its first word"
grep -q '^1 file, 12 bytes, 3 words, 2 of them distinct$' "$directory/printed" ||
	fail "the totals are not reported"
grep -q '^[0-9.]* s, [0-9.]* MB/s$' "$directory/printed" || fail "the speed is not reported"
grep -q '^[0-9]* processors*, [0-9]* threads: 1 to read, ' "$directory/printed" ||
	fail "the threads are not reported"
grep -q '^[0-9]* messages .* [0-9]* switches, [0-9]* steals$' "$directory/printed" ||
	fail "the switches are not reported"
! grep -q "^${tour##*/}: " "$directory/said" || fail "says $(cat "$directory/said") when all is well"
