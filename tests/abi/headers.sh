#!/bin/sh
# Every public header compiles alone, twice over, as C11 and as C++17, and
# the layout of public structures is what layout.c says.
#
#   headers.sh SOURCE_ROOT CC CXX
#
# SPDX-License-Identifier: BSD-2-Clause
set -u

root=$1 cc=$2 cxx=$3
strict='-pedantic -Wall -Wextra -Werror -fsyntax-only'
failed=0

# compile WHAT COMPILER ARGUMENT...: of what comes on standard input
compile() {
	what=$1
	shift
	# shellcheck disable=SC2068,SC2086 # the compiler and its options are words
	if ! $@ $strict -I "$root/include" -; then
		echo "headers: $what failed" >&2
		failed=1
	fi
}

for path in "$root"/include/vcore/*.h; do
	name=vcore/$(basename "$path")
	text="#include <$name>
#include <$name>
extern int not_empty;"
	echo "$text" | compile "$name as C11" "$cc" -std=c11 -x c
	echo "$text" | compile "$name as C++17" "$cxx" -std=c++17 -x c++
done
compile 'the layout as C11' "$cc" -std=c11 -x c <"$root/tests/abi/layout.c"
compile 'the layout as C++17' "$cxx" -std=c++17 -x c++ <"$root/tests/abi/layout.c"
exit $failed
