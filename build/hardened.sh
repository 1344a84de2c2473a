#!/bin/sh
# What build/hardening.sh runs in each system that it has booted. /lab has the
# probe, the daemon and the units.
set -eu

version=$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')
etc=/etc/systemd/system
drop=
[ "$version" -ge 253 ] || drop=systemd-252.conf
failed=0

say() { printf '\n== systemd %s: %s\n' "$version" "$*"; }
wrong() {
	printf 'WRONG   %s\n' "$*"
	failed=1
}

# with DROP-IN… installs the unit with these drop-ins.
with() {
	rm -rf $etc/convened.service.d
	mkdir -p $etc/convened.service.d
	cp /lab/units/convened.service /lab/units/convened@.service $etc/
	for file; do cp "/lab/units/convened.service.d/$file" $etc/convened.service.d/; done
	systemctl daemon-reload
	systemctl reset-failed convened 2>/dev/null || true
}

# also NAME adds the drop-in that it reads.
also() {
	cat >"$etc/convened.service.d/zz-$1.conf"
	systemctl daemon-reload
}

# exposure MOST checks the score.
exposure() {
	score=$(systemd-analyze security --offline=true --no-pager $etc/convened.service 2>/dev/null | sed -n 's/.*Overall exposure level for convened.service: \([0-9.]*\).*/\1/p')
	echo "exposure $score, at most $1"
	awk "BEGIN { exit !($score <= $1) }" || wrong "the exposure is $score"
}

# until WHAT COMMAND… waits for the command to succeed, for a while.
until_() {
	what=$1
	shift
	for _ in $(seq 150); do
		if "$@" >/dev/null 2>&1; then
			echo "ok      $what"
			return
		fi
		sleep 0.2
	done
	wrong "$what"
	journalctl -u convened -n 20 --no-pager -o cat
}

mkdir -p /usr/lib/convened/root /etc/convened /etc/credstore
echo secret >/etc/credstore/convened.smtp-password
chmod 0700 /etc/credstore
configure() {
	cat >/etc/convened/convened.yaml <<YAML
database: {url: "postgres:///convened?host=/run/postgresql&sslmode=disable"}
smtp: {host: 127.0.0.1, port: 2525, tls: none, from: Lab <lab@example.org>}
public: {url: "https://events.example.org", listen: "unix:/run/convened/public.sock"}
console: {listen: "unix:/run/convened/console.sock", url: "https://console.example.org"}
YAML
}
configure

# Somebody to look at, somebody to talk to, and something to find.
ip link set lo up multicast on
ip route add 224.0.0.0/4 dev lo
ip route add 255.255.255.255 dev lo
ip -6 route add multicast ff02::/16 dev lo table local
mknod /dev/kmsg c 1 11
mknod /dev/vda b 254 0
mkdir -p /run/postgresql /home/somebody /var/lib/other /srv/site /opt/program
chmod 755 /run/postgresql
for file in /root/.profile /home/somebody/letter /var/lib/other/secret /srv/site/page /opt/program/program /boot/kernel; do
	echo here >$file
	chmod 644 $file
done
systemd-run -q --unit=other sleep infinity
other=$(systemctl show -P MainPID other)
number=0
for socket in /run/postgresql/.s.PGSQL.5432 127.0.0.1:2525 '[::1]:2525'; do
	number=$((number + 1))
	printf '[Socket]\nListenStream=%s\nAccept=yes\n' "$socket" >$etc/answer$number.socket
	printf '[Service]\nExecStart=/bin/echo ready\nStandardOutput=socket\n' >"$etc/answer$number@.service"
	systemctl daemon-reload
	systemctl start answer$number.socket
done

# probe NAME [VARIABLE=VALUE] runs the probe as convened.
probe() {
	also probe <<UNIT
[Service]
Restart=no
Environment=PROBE_OTHER=$other $2
StandardOutput=truncate:/lab/$1.txt
UNIT
	systemctl start convened || true
	while systemctl is-active -q convened; do sleep 0.1; done
	[ -z "${3:-}" ] || return 0
	grep -E '^(BROKEN|LEAK)' "/lab/$1.txt" || true
	tail -n 1 "/lab/$1.txt"
	grep -q '; 0 otherwise$' "/lab/$1.txt" || {
		failed=1
		journalctl -u convened -n 20 --no-pager -o cat
	}
}
cp /lab/probe /usr/bin/convened

say "the probe without limits, as root: what is refused here proves nothing below"
with
cat >$etc/convened.service <<UNIT
[Service]
Type=notify
ExecStart=/usr/bin/convened run
StateDirectory=convened
RuntimeDirectory=convened
LoadCredential=smtp-password:convened.smtp-password
Environment=BOOT_ID=%b
UNIT
probe open "" quiet
grep -E '^(BROKEN|ok      no )' /lab/open.txt | sed 's/^ok      //'
grep -c '^LEAK' /lab/open.txt | sed 's/$/ attempts succeed here/'

say "the unit as it is"
# shellcheck disable=SC2086 # none or one
with $drop
exposure 0.9
probe unit ""

say "the unit with sealed.conf"
# shellcheck disable=SC2086
with $drop sealed.conf
exposure 0.2
probe sealed PROBE_SEALED=1

say "the daemon in the unit"
systemctl stop 'answer1.socket' 'answer*@*.service' # the database is down now
cp /lab/convened /usr/bin/convened
# shellcheck disable=SC2086
with $drop
now() { systemctl show -P "$1" convened; }
rm -f /etc/convened/convened.yaml
systemctl start convened 2>/dev/null && wrong "it started without a configuration"
sleep 2 # time enough for RestartSec=1
[ "$(now ExecMainStatus)/$(now NRestarts)" = 2/0 ] && echo "ok      no configuration: status 2, and not tried again" ||
	wrong "without a configuration: status $(now ExecMainStatus), $(now NRestarts) restarts"
configure
systemctl reset-failed convened
systemctl start convened && echo "ok      it starts while the database is down" || wrong "it does not start while the database is down"
until_ "its status says so" sh -c 'systemctl show -P StatusText convened | grep -q "waiting for the database"'
now StatusText
reloads() { journalctl -u convened -o cat | grep -c 'reloaded templates' || true; }
before=$(reloads)
systemctl reload convened && echo "ok      systemctl reload" || wrong "systemctl reload fails"
until_ "the daemon reloaded" sh -c "[ \$(journalctl -u convened -o cat | grep -c 'reloaded templates') -gt $before ]"
echo 'lease: soon' >>/etc/convened/convened.yaml
systemctl reload convened 2>/dev/null && wrong "a reload with a wrong configuration succeeds" || echo "ok      a wrong configuration fails the reload"
until_ "the log says where" sh -c "journalctl -u convened -o cat | grep -q 'convened.yaml:5:.*lease'"
[ "$(now ActiveState)/$(now NRestarts)" = active/0 ] && echo "ok      and it goes on as it was" || wrong "it is $(now ActiveState) after that"
configure
also watchdog <<UNIT
[Service]
WatchdogSec=3
UNIT
systemctl restart convened
kill -STOP "$(now MainPID)"
until_ "the watchdog starts it again when it hangs" sh -c '[ "$(systemctl show -P NRestarts convened)" = 1 ]'
sleep 7
[ "$(now NRestarts)" = 1 ] && echo "ok      the watchdog is fed while the database is down" || wrong "$(now NRestarts) restarts"
systemctl stop convened && [ "$(now Result)" = success ] && echo "ok      it stops" || wrong "it stops with $(now Result)"

say "two instances of the template"
for name in north south; do
	sed "s,/run/convened/,/run/convened-$name/," /etc/convened/convened.yaml >/etc/convened/$name.yaml
	systemctl start convened@$name || wrong "convened@$name does not start"
	until_ "convened@$name runs" sh -c "systemctl show -P StatusText convened@$name | grep -q waiting"
done
systemctl stop 'convened@*'

say "systemd-analyze verify"
said=$(systemd-analyze verify --man=no convened.service convened@x.service 2>&1 | grep convened || true)
[ "$version" -ge 253 ] || said=$(echo "$said" | grep -v -e 'ignoring: notify-reload' -e FileDescriptorStorePreserve || true) # what the drop-in is for, and what older ones do without
[ -z "$said" ] && echo "ok      it has nothing to say" || wrong "$said"
left=$(find /usr/lib/convened/root -type f -size +0)
[ -z "$left" ] || wrong "left behind: $left"
exit $failed
