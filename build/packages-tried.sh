#!/bin/sh
# What build/packages-try.sh runs in each system that it has booted. /lab has the
# packages and the scripted mail server.
set -eu

failed=0
ok() { printf 'ok      %s\n' "$*"; }
wrong() {
	printf 'WRONG   %s\n' "$*"
	failed=1
}
# try WHAT COMMAND… wants the command to succeed.
try() {
	what=$1
	shift
	if out=$("$@" 2>&1); then ok "$what"; else wrong "$what: $out"; fi
}
# until_ WHAT COMMAND… waits for that, for a while.
until_() {
	what=$1
	shift
	for _ in $(seq 150); do
		if "$@" >/dev/null 2>&1; then
			ok "$what"
			return
		fi
		sleep 0.2
	done
	wrong "$what"
	journalctl -u convened -n 20 --no-pager -o cat
}
as() { runuser -u "$@"; }
letters() { grep -c '"message_id"' /lab/letters.txt || true; }
letter() { until_ "the mail server has letter $1" sh -c "[ \$(grep -c '\"message_id\"' /lab/letters.txt) -ge $1 ]"; }
register() { as postgres -- psql -qd convened -c "INSERT INTO convened.registrations (event, email, name) VALUES ('webinar', '$1@example.org', 'Ana')"; }

. /etc/os-release
printf '\n== %s, %s\n' "$PRETTY_NAME" "$(systemctl --version | head -n 1)"
ip link set lo up

try "install" dpkg -i /lab/old/*.deb
[ "$(systemctl is-active convened)" = inactive ] && ok "it is not started before it is configured" || wrong "it is $(systemctl is-active convened)"
for page in "1 convened" "1 convened-event" "5 convened.yaml"; do
	# shellcheck disable=SC2086
	try "man $page" man -P cat $page
done
try "bash completes" bash -c '. /usr/share/bash-completion/completions/convened; COMP_WORDS=(convened event a); COMP_CWORD=2; _convened; [ "${COMPREPLY[*]}" = apply ]'
try "zsh takes its completion" zsh -n /usr/share/zsh/vendor-completions/_convened
try "fish completes" fish -c 'complete -C "convened event a" | grep -q "^apply"'
try "the user is there" getent passwd convened
runuser -u convened -- convened check >/lab/check.txt 2>&1 && wrong "check passes without a configuration" || ok "check says what is missing: $(grep -c required /lab/check.txt) keys"

until_ "Postgres is up" as postgres -- psql -c 'SELECT 1'
as postgres -- createdb convened
cat >/etc/convened/convened.yaml <<'YAML'
database: {url: "postgres:///convened?host=/run/postgresql&sslmode=disable"}
smtp: {host: 127.0.0.1, port: 2525, tls: none, from: Lab <lab@example.org>}
public: {url: "https://events.example.org"}
YAML
# Its standard input is where scripts come from, and its end is the end.
systemd-run -q --unit=sinkd --property=StandardOutput=truncate:/lab/letters.txt sh -c 'sleep infinity | /lab/sinkd -listen 127.0.0.1:2525'
until_ "the mail server listens" grep -q listening /lab/letters.txt
try "migrate" as postgres -- convened migrate
systemctl enable -q --now convened && ok "start" || wrong "start"
until_ "the daemon runs" sh -c 'systemctl show -P StatusText convened | grep -q "^running"'
try "check" as convened -- convened check
cat >/lab/webinar.yaml <<YAML
event: webinar
title: Webinar
starts: $(date -u -d '+10 days' +%Y-%m-%d) 16:00
ends: $(date -u -d '+10 days' +%Y-%m-%d) 17:00
zone: Europe/Brussels
language: en
join_url: https://example.org/join
organizer: {name: Lab, email: lab@example.org}
YAML
try "event apply" as convened -- convened event apply /lab/webinar.yaml --yes
register ana
letter 1
systemctl status convened --no-pager -n 0 | sed 's/^/        /'

echo '# my own' >>/etc/convened/convened.yaml
before=$(systemctl show -P MainPID convened)
try "upgrade" dpkg -i /lab/new/*.deb
grep -q '# my own' /etc/convened/convened.yaml && ok "the configuration is kept" || wrong "the configuration was replaced"
[ "$(systemctl show -P MainPID convened)" != "$before" ] && ok "the new program runs" || wrong "the old program still runs"
register ben
letter 2
[ "$(letters)" = 2 ] && ok "two registrations, two letters" || wrong "$(letters) letters"

try "remove" dpkg -r convened
[ -e /etc/convened/convened.yaml ] && [ ! -e /usr/bin/convened ] && ok "the configuration is left, the program is not" || wrong "after removing"
systemctl is-active -q convened && wrong "it still runs" || ok "it does not run"
try "purge" dpkg -P convened
left=$(find / -xdev \( -path /lab -o -path /proc -o -path /sys -o -path /run/systemd -o -path /var/lib/postgresql -o -path /var/cache \) -prune -o -name '*convened*' -print)
[ -z "$left" ] && ok "nothing is left" || wrong "left behind: $left"
exit $failed
