#!/bin/sh
# After installing or upgrading. dpkg says "configure" and the version before, ""
# for none; rpm says how many versions there are now.
set -e

case "${1:-}:${2:-}" in
configure: | 1:*) fresh=yes ;;
configure:* | [2-9]*:*) fresh= ;;
*) exit 0 ;;
esac

if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers /usr/lib/sysusers.d/convened.conf
fi

# A systemd before 253 needs its drop-in.
version=$(systemctl --version 2>/dev/null | sed -n '1s/systemd \([0-9]*\).*/\1/p')
if [ "${version:-999}" -lt 253 ]; then
	install -D -m 644 /usr/share/convened/systemd-252.conf /etc/systemd/system/convened.service.d/systemd-252.conf
	install -D -m 644 /usr/share/convened/systemd-252@.conf /etc/systemd/system/convened@.service.d/systemd-252.conf
fi

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# Whoever runs gets the new program. Nothing is lost meanwhile: what is to be
	# sent stands in the database.
	[ -n "$fresh" ] || systemctl try-restart 'convened.service' 'convened@*.service' || true
fi

if [ -n "$fresh" ]; then
	cat <<'TEXT'
convened is installed, and not started: it does not know its database yet.
  1. edit /etc/convened/convened.yaml; four keys are required
  2. convened migrate
  3. convened check
  4. systemctl enable --now convened
/usr/share/doc/convened/operations.md has the whole story.
TEXT
fi
