#!/bin/sh
# build/boot.sh ROOT COMMAND [ARGUMENT…] starts the systemd of the system in the
# directory ROOT, waits until it is up, runs the command there, and stops it all.
# Its exit status is the command's.
#
# The system has mounts, processes, control groups, a network (lo alone) and a
# name of its own, so that what happens there happens to nobody else; it shares
# the kernel and the clock. It needs root and a cgroup2 file system.
set -eu

if [ "$1" = --inside ]; then # as process 1 of the new system
	root=$2
	mount --make-rprivate /
	mount --bind "$root" "$root"
	cd "$root"
	mount -t proc proc proc
	mount -t sysfs sysfs sys
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	mount -t tmpfs -o mode=755 tmpfs run
	mount -t tmpfs -o mode=755 tmpfs dev
	mknod -m 666 dev/null c 1 3
	mknod -m 666 dev/zero c 1 5
	mknod -m 666 dev/full c 1 7
	mknod -m 666 dev/random c 1 8
	mknod -m 666 dev/urandom c 1 9
	mknod -m 666 dev/tty c 5 0
	mkdir dev/pts dev/shm dev/mqueue
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
	ln -s pts/ptmx dev/ptmx
	hostname lab
	pivot_root . mnt
	umount -l /mnt
	# As systemd would have it, where it does not take this for a container:
	# credentials are mounted by a child of it, and propagate.
	mount --make-rshared /
	exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init --log-target=journal --show-status=0
fi

root=$1
shift
unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$unified" ] || { echo "build/boot.sh: no cgroup2 file system is mounted" >&2; exit 1; }
group=$unified/convened-lab-$$
mkdir "$group"
unshare=
# shellcheck disable=SC2317 # called by the trap
end() {
	[ -z "$unshare" ] || kill -KILL "$unshare" 2>/dev/null || true
	[ -z "$unshare" ] || wait "$unshare" 2>/dev/null || true
	# What it left is gone in a moment; its groups go from the innermost.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
		sleep 0.2
	done
}
trap end EXIT
trap 'exit 1' HUP INT TERM

sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$group" \
	unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child "$0" --inside "$root" </dev/null &
unshare=$!
init=
for _ in $(seq 300); do
	init=$(cat "/proc/$unshare/task/$unshare/children" 2>/dev/null | tr -d ' ')
	if [ -n "$init" ] && nsenter -t "$init" -a true 2>/dev/null &&
		nsenter -t "$init" -a systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; then
		break
	fi
	kill -0 "$unshare" 2>/dev/null || { echo "build/boot.sh: the system in $root ended while it started" >&2; exit 1; }
	sleep 0.2
done
nsenter -t "$init" -a systemctl is-system-running | grep -qE 'running|degraded' ||
	{ echo "build/boot.sh: the system in $root does not come up" >&2; exit 1; }
status=0
nsenter -t "$init" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@" || status=$?
exit $status
