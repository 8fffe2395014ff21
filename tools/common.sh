# What tools/ have in common; sourced by them, with `tools` set to this directory.
#
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh

# shellcheck disable=SC2154 # set by who sources this
root=$(cd "$tools/.." && pwd)
# shellcheck disable=SC2034 # used by who sources this
release=$root/build/release

# The Debian packages that something needs: the one place where they are named.
packages_for() {
	case $1 in
	build) echo gcc libc6-dev binutils meson ninja-build pkg-config liburcu-dev ;;
	tests) echo g++ libcriterion-dev libjemalloc-dev python3 ;;
	clang) echo clang libclang-rt-dev lld llvm ;;
	tidy) echo clang clang-tidy clang-format-16 ;;
	valgrind) echo valgrind ;;
	models) echo spin gcc libc6-dev ;;
	aarch64) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user ;;
	bench)
		echo g++ python3 golang-go libatomic-queue-dev libboost-context-dev \
			libboost-dev libboost-fiber-dev libck-dev libconcurrentqueue-dev \
			libgoogle-perftools-dev libjemalloc-dev libnsync-dev \
			libreaderwriterqueue-dev libtbb-dev liburcu-dev libxenium-dev
		;;
	*)
		echo "packages_for: nothing is known of '$1'" >&2
		return 1
		;;
	esac
}

say() {
	echo "${0##*/}: $*"
}

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "there is no sudo, and this is not root" >&2
		return 1
	fi
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# missing PURPOSE...: the packages that these still need
missing() {
	for purpose in "$@"; do
		for package in $(packages_for "$purpose"); do
			is_installed "$package" || echo "$package"
		done
	done | sort -u
}

# apt_get ARGUMENT...: what it says is shown only if it fails
apt_get() {
	apt_log=$(mktemp)
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$apt_log" 2>&1 || {
		cat "$apt_log" >&2
		rm -f "$apt_log"
		return 1
	}
	rm -f "$apt_log"
}

# install_for PURPOSE...: installs what these need and is not there
install_for() {
	packages=$(missing "$@" | tr '\n' ' ')
	[ -n "$packages" ] || return 0
	command -v apt-get >/dev/null || die "there is no apt-get to install: $packages"
	say "installing $packages"
	apt_get update || die "apt-get update failed"
	# shellcheck disable=SC2086 # they are words
	apt_get install --no-install-recommends $packages || die "apt-get could not install: $packages"
}

# quietly COMMAND...: what it says is shown only if it fails
quietly() {
	quiet_log=$(mktemp)
	"$@" >"$quiet_log" 2>&1 || {
		tail -n 60 "$quiet_log" >&2
		rm -f "$quiet_log"
		return 1
	}
	rm -f "$quiet_log"
}

# set_up DIRECTORY OPTION...: a build directory with these options, new or old;
# of an old one those with -D can change.
set_up() {
	directory=$1
	shift
	if [ -f "$directory/build.ninja" ]; then
		for option in "$@"; do
			shift
			case $option in
			-D*) set -- "$@" "$option" ;;
			esac
		done
		meson configure "$directory" "$@"
	else
		say "setting up ${directory#"$root/"}"
		meson setup "$directory" "$root" "$@"
	fi
}
