#!/bin/sh
# Before removing. dpkg says "remove" or "upgrade"; rpm says how many versions
# will be left.
set -e

case "${1:-}" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl --no-reload disable --now convened.service 'convened@*.service' || true
	fi
	;;
esac
