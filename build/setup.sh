#!/bin/sh
# build/setup.sh NEED… installs what is missing on this machine, and is done at
# once where nothing is. A NEED is
#
#   postgres   the programs of a Postgres server; no server of the system's own
#              is made or started
#   chromium   a browser without a window, for the tests that look at pages
#   cc         a C compiler, for the race detector
#   postfix    the programs of a mail server; none of the system's own is
#              configured or started
#   node       Node.js and npm, for a peer in the benchmark
#   pgbouncer  the pooler before Postgres; the system's own is not started
#   systemd    systemd-analyze, which judges the unit; only where there is systemd
#   debootstrap  makes a small Debian in a folder, with which the packages and
#              the unit are tried; only on Debian and its relatives
#   prometheus  promtool, which tests the alert rules; no server is started
#
# It works as root, as somebody whom sudo obeys, or with Homebrew. Else it says
# what an administrator would have to install.
set -eu

fail() {
	printf '%s\n' "$@" >&2
	exit 1
}

# has NEED says whether it is there already.
has() {
	case $1 in
	postgres)
		# Where internal/lab looks for them.
		for dir in $(echo "$PATH" | tr : ' ') $(pg_config --bindir 2>/dev/null) \
			/usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* \
			/opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin \
			/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin /opt/local/lib/postgresql*/bin \
			/Applications/Postgres.app/Contents/Versions/*/bin /usr/local/pgsql/bin; do
			if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then return 0; fi
		done
		return 1
		;;
	chromium)
		for name in chromium chromium-browser google-chrome google-chrome-stable; do
			if command -v "$name" >/dev/null; then return 0; fi
		done
		[ -d /Applications/Chromium.app ] || [ -d "/Applications/Google Chrome.app" ]
		;;
	cc) command -v gcc >/dev/null || command -v clang >/dev/null ;;
	postfix) command -v postconf >/dev/null || [ -x /usr/sbin/postconf ] ;;
	node) command -v node >/dev/null && command -v npm >/dev/null ;;
	pgbouncer) command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] ;;
	systemd) command -v systemd-analyze >/dev/null || [ "$(uname)" != Linux ] ;;
	debootstrap) command -v debootstrap >/dev/null ;;
	prometheus) command -v promtool >/dev/null ;;
	*) fail "build/setup.sh does not know $1: postgres, chromium, cc, postfix, node, pgbouncer, systemd, debootstrap or prometheus" ;;
	esac
}

# packages MANAGER NEED names what to install for it.
packages() {
	case $1:$2 in
	apt:postgres) echo postgresql ;;
	apt:cc) echo gcc libc6-dev ;;
	apt:node | dnf:node) echo nodejs npm ;;
	dnf:postgres) echo postgresql-server ;;
	dnf:cc) echo gcc ;;
	brew:postgres) echo postgresql@17 ;;
	brew:cc) fail "xcode-select --install gives you a C compiler" ;;
	brew:debootstrap | brew:systemd) fail "$2 is for Linux" ;;
	brew:postfix) fail "macOS has a Postfix of its own; where is its postconf?" ;;
	*:chromium) echo chromium ;;
	*:postfix) echo postfix ;;
	*:systemd) echo systemd ;;
	*:debootstrap) echo debootstrap ;;
	*:prometheus) echo prometheus ;;
	*:pgbouncer) echo pgbouncer ;;
	esac
}

# install MANAGER PACKAGE… runs with the rights that the manager wants.
install() {
	manager=$1
	shift
	case $manager in
	apt)
		# Debian's server package makes a cluster and starts it, unless told not to.
		# We tell it for as long as we install, and leave the machine's own settings be.
		dir=/etc/postgresql-common/createcluster.d
		policy=
		trap 'rm -f $dir/convened.conf $policy; rmdir $dir 2>/dev/null || true' EXIT
		trap 'exit 1' HUP INT TERM
		mkdir -p $dir
		echo "create_main_cluster = false" >$dir/convened.conf
		case " $* " in
		*" postfix "* | *" pgbouncer "* | *" prometheus "*)
			# Nor does the machine become a mail server: it is not configured as
			# one, and what the packages would start is not started.
			echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
			if [ ! -e /usr/sbin/policy-rc.d ]; then
				policy=/usr/sbin/policy-rc.d
				printf '#!/bin/sh\nexit 101\n' >$policy
				chmod +x $policy
			fi
			;;
		esac
		# The lists of packages may be missing or too old: then once more with new ones.
		apt_get install "$@" || { apt_get update && apt_get install "$@"; }
		;;
	dnf) dnf install -y -q "$@" ;;
	brew) HOMEBREW_NO_AUTO_UPDATE=1 brew install --quiet "$@" ;;
	esac
}

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 -o APT::Install-Recommends=false "$@"
}

if [ "${1:-}" = --install ]; then # as root: see below
	shift
	install "$@"
	exit
fi

missing=
for need; do
	has "$need" || missing="$missing $need"
done
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null; then
	manager=apt say="apt-get install"
elif command -v dnf >/dev/null; then
	manager=dnf say="dnf install"
elif command -v brew >/dev/null; then
	manager=brew say="brew install"
else
	fail "This machine lacks$missing, and has none of apt-get, dnf and brew to install it with." \
		"Install it in your system's own way and try again."
fi
list=
for need in $missing; do
	list="$list $(packages $manager "$need")"
done

# What runs the installation with the rights that it wants.
if [ $manager = brew ] || [ "$(id -u)" = 0 ]; then
	root=
elif sudo -n true 2>/dev/null; then
	root="sudo -n"
elif command -v sudo >/dev/null && [ -t 0 ]; then
	root=sudo
	echo "What convened needs here has to be installed; sudo may ask for your password." >&2
else
	fail "convened needs something here that an administrator has to install:" "" "    $say$list" ""
fi

echo "Installing, once:$list" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # lists of words
$root sh "$0" --install $manager $list >"$log" 2>&1 || fail "$(cat "$log")" "" "That did not work: $say$list"
for need in $missing; do
	has "$need" || fail "$(cat "$log")" "" "$say$list went through, and yet there is no $need."
done
