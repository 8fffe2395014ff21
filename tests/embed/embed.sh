#!/bin/sh
# Uses libvcore as other projects do: from an install prefix, linked in every
# way there is, and as a Meson subproject.
#
#	embed.sh SOURCE_ROOT BUILD_ROOT CC CXX MODE
#
# MODE is one of: shared static static-all cxx ticks ticks-static locks two locals
# load plugin flat subproject heap faults.
#
# SPDX-License-Identifier: BSD-2-Clause
set -eu

source=$1 build=$2 cc=$3 cxx=$4 mode=$5
here=$source/tests/embed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Installs the build into $work, where pkg-config then finds it.
install_library() {
	meson install -C "$build" --no-rebuild --quiet --destdir "$work"
	pc=$(find "$work" -name vcore.pc | head -n 1)
	[ -n "$pc" ] || { echo 'embed: vcore.pc is not installed' >&2; exit 1; }
	PKG_CONFIG_LIBDIR=$(dirname "$pc")
	PKG_CONFIG_SYSROOT_DIR=$work
	LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_LIBDIR")
	archive=$LD_LIBRARY_PATH/libvcore.a
	export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH
}

# The words that pkg-config says, with the archive in the library's place.
static_libs() {
	pkg-config --static --libs vcore | sed "s|-lvcore|$archive|"
}

# The same of libvcore-heap, with its archive too.
static_heap_libs() {
	pkg-config --static --libs vcore-heap |
		sed "s|-lvcore-heap|${archive%.a}-heap.a|; s|-lvcore |$archive |"
}

# compile COMPILER SOURCE LIBRARIES...
compile() {
	compiler=$1 file=$2
	shift 2
	# shellcheck disable=SC2046 # the flags are words
	$compiler -O2 -Wall -Wextra -Werror $(pkg-config --cflags vcore) \
		-o "$work/program" "$here/$file" "$@"
}

# links SHARED|STATIC: whether the program needs the shared library
links() {
	found=STATIC
	! readelf -d "$work/program" | grep -q 'NEEDED.*libvcore' || found=SHARED
	[ "$found" = "$1" ] || { echo "embed: linked $found, not $1" >&2; exit 1; }
}

# expect LINE COMMAND...: the command succeeds and its last line is LINE
expect() {
	line=$1
	shift
	"$@" >"$work/output"
	cat "$work/output"
	[ "$(tail -n 1 "$work/output")" = "$line" ] || {
		echo "embed: the last line is not: $line" >&2
		exit 1
	}
}

# The build tree itself must not be what is tested.
build_subproject() {
	mkdir -p "$work/project/subprojects"
	cp "$here/subproject/meson.build" "$here/hello.c" "$work/project"
	ln -s "$source" "$work/project/subprojects/libvcore"
	CC=$cc CXX=$cxx meson setup "$work/sub-build" "$work/project" --wrap-mode=forcefallback \
		-Dlibvcore:tests=disabled -Dlibvcore:bench=disabled -Dlibvcore:examples=false \
		>"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
	ninja -C "$work/sub-build" hello >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
}

# shellcheck disable=SC2046 # the libraries are words
case $mode in
shared)
	install_library
	compile "$cc" hello.c $(pkg-config --libs vcore)
	links SHARED
	expect 'sum 5050' "$work/program"
	;;
static)
	install_library
	compile "$cc" hello.c $(static_libs)
	links STATIC
	expect 'sum 5050' "$work/program"
	;;
static-all)
	install_library
	compile "$cc" hello.c -static $(static_libs)
	expect 'sum 5050' "$work/program"
	compile "$cc" hello.c -flto -static $(static_libs)
	expect 'sum 5050' "$work/program"
	;;
cxx)
	install_library
	compile "$cxx -std=c++17" exceptions.cpp $(pkg-config --libs vcore)
	expect '8 threads kept their exceptions' "$work/program"
	compile "$cxx -std=c++17" exceptions.cpp $(static_libs)
	expect '8 threads kept their exceptions' "$work/program"
	compile "$cxx -std=c++17" exceptions.cpp -static $(static_libs)
	expect '8 threads kept their exceptions' "$work/program"
	;;
ticks)
	install_library
	compile "$cxx -std=c++17" ticks.cpp $(pkg-config --libs vcore)
	links SHARED
	expect 'preempted and unharmed' "$work/program" light
	compile "$cxx -std=c++17" ticks.cpp $(static_libs)
	links STATIC
	expect 'preempted and unharmed' "$work/program" light
	compile "$cxx -std=c++17" ticks.cpp -no-pie $(static_libs)
	expect 'preempted and unharmed' "$work/program" light
	compile "$cxx -std=c++17" ticks.cpp -O3 -flto $(static_libs)
	expect 'preempted and unharmed' "$work/program" light
	;;
ticks-static) # libc itself is the program's own text
	install_library
	compile "$cxx -std=c++17" ticks.cpp -static $(static_libs)
	expect 'preempted and unharmed' "$work/program" keep
	grep -q '^obstacle: [a-zA-Z_]' "$work/output" # a function is named
	compile "$cxx -std=c++17" ticks.cpp -O3 -flto -static $(static_libs)
	expect 'preempted and unharmed' "$work/program" keep
	compile "$cc" forks.c -static $(static_libs)
	expect '200 forks' "$work/program"
	;;
faults) # not where libc is the program's own
	install_library
	compile "$cc" faults.c $(pkg-config --libs vcore)
	expect 'ended, alone' "$work/program"
	compile "$cc" faults.c $(static_libs)
	expect 'ended, alone' "$work/program"
	compile "$cc" faults.c -static $(static_libs)
	status=0
	"$work/program" || status=$?
	[ "$status" = 139 ] # SIGSEGV
	;;
locks)
	install_library
	compile "$cc" locks.c -pthread $(pkg-config --libs vcore)
	expect '4000 times each' "$work/program"
	compile "$cxx -std=c++17" locks.cpp -pthread $(pkg-config --libs vcore)
	expect '6000 times each' "$work/program"
	;;
two)
	install_library
	compile "$cc" two.c $(pkg-config --libs vcore)
	expect '1000 each way' "$work/program"
	;;
locals)
	install_library
	compile "$cc" locals.c $(pkg-config --libs vcore)
	expect 'each its own' "$work/program"
	;;
plugin)
	install_library
	compile "$cc" plugin.c -DPLUGIN -shared -fPIC $(static_libs)
	mv "$work/program" "$work/plugin.so"
	compile "$cc" plugin.c -ldl
	expect 'took turns' "$work/program" "$work/plugin.so"
	;;
load)
	install_library
	compile "$cc" load.c -pthread -ldl
	links STATIC
	expect 'ran 3 times' "$work/program" "$LD_LIBRARY_PATH/libvcore.so"
	;;
flat)
	install_library
	compile "$cc" flat.c $(pkg-config --libs vcore)
	expect 'flat and idle' "$work/program"
	;;
heap)
	install_library
	compile "$cc" heap.c $(pkg-config --libs vcore-heap)
	links SHARED
	expect 'sound' "$work/program" foreign
	compile "$cc" heap.c $(static_heap_libs)
	links STATIC
	expect 'sound' "$work/program" foreign
	compile "$cc" heap.c -no-pie $(static_heap_libs)
	expect 'sound' "$work/program" foreign
	compile "$cc" heap.c -flto $(static_heap_libs)
	expect 'sound' "$work/program" foreign
	compile "$cc" heap.c $(static_heap_libs | sed 's|-ljemalloc|-l:libjemalloc.a -lm|')
	expect 'sound' "$work/program" own
	grep -q '^obstacle: malloc' "$work/output"
	;;
subproject)
	build_subproject
	expect 'sum 5050' "$work/sub-build/hello"
	;;
*)
	echo "embed: no mode $mode" >&2
	exit 2
	;;
esac
