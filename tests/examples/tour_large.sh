#!/bin/sh
# Does the tour count the same words as coreutils when there are many of them,
# and in a large file, with less memory than it would fill?
# Usage: tour_large.sh TOUR [unlimited]: it may have as much memory as it likes
#
# SPDX-License-Identifier: BSD-2-Clause
tour=$1
limit=${2-}
# shellcheck source-path=SCRIPTDIR source=tour_lib.sh
. "$(dirname "$0")/tour_lib.sh"

repetitions=200

# write_text WORDS VOCABULARY: prints random words, numbers in base 26
#, ten to a line.
write_text() {
	awk -v words="$1" -v vocabulary="$2" 'BEGIN {
		srand(1)
		for (n = 0; n < words; n++) {
			word = ""
			for (i = int(rand() * vocabulary) + 1; i > 0; i = int(i / 26)) {
				word = word sprintf("%c", (rand() < 0.1 ? 65 : 97) + i % 26)
			}
			printf "%s%s", word, n % 10 == 9 ? ".\n" : " "
		}
	}'
}

# More distinct words than a counter keeps to itself (TABLE_WORDS in
# examples/tour/tour.h).
write_text 200000 1000000 >"$directory/text"
same_words "many words" "$directory/text"

# A large file made by repetition, so that its counts are known.
write_text 100000 5000 >"$directory/text"
count_words "$directory/text" | awk -v n=$repetitions '{ print $1 * n, $2 }' >"$directory/expected"
n=0
while [ $n -lt $repetitions ]; do
	cat "$directory/text" || fail "no room for a large file"
	n=$((n + 1))
done >"$directory/large"
size=$(wc -c <"$directory/large")
for processors in 1 2 8; do
	(
		# shellcheck disable=SC3045 # of dash, bash and busybox
		ulimit -d "${limit:-$((size / 1024))}" || exit
		VCORE_PROCESSORS=$processors exec "$tour" --all "$directory/large"
	) >"$directory/printed" || fail "a large file: exit status $? on $processors processors"
	cmp "$directory/expected" "$directory/printed" ||
		fail "a large file: other words on $processors processors"
done
