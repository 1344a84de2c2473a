#!/bin/sh
# After removing. dpkg says "remove", and later "purge", which leaves nothing of
# the service on this machine; rpm, which knows no purge, how many versions are
# left. The database is somebody else's, and so are the secrets that somebody put
# into /etc/credstore.
set -e

case "${1:-}" in
remove | purge | 0)
	rm -f /etc/systemd/system/convened.service.d/systemd-252.conf /etc/systemd/system/convened@.service.d/systemd-252.conf
	rmdir /etc/systemd/system/convened.service.d /etc/systemd/system/convened@.service.d 2>/dev/null || true
	rm -rf /usr/lib/convened/root # empty places that were mounted at
	rmdir /usr/lib/convened 2>/dev/null || true
	if [ -d /run/systemd/system ]; then
		systemctl daemon-reload
	fi
	;;
esac
if [ "${1:-}" = purge ]; then
	rm -rf /var/lib/convened /var/lib/private/convened /var/lib/convened-* /var/lib/private/convened-*
	rm -f /etc/convened/convened.yaml.dpkg-* /etc/convened/convened.yaml.ucf-*
	rmdir /etc/convened 2>/dev/null || true
fi
