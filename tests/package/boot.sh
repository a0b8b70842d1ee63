#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh tests/package/boot.sh ROOT DEB
#
# The server's package under a systemd that really runs: ROOT is a Debian 12 of its own, whose copy in memory is booted by systemd-nspawn in a network of its own; DEB is
# mokhoa-tms_VERSION_amd64.deb. Does what installer/guides/server.en.md says, then what goes wrong: a roll of the vault's keys, both programs killed, a server that hangs, an escrow log
# whose device is gone. By hand, as root, about five minutes (a hung server is waited for); exits 77 and says why where the machine lacks something.
#
#   apt-get install --no-install-recommends systemd-container debootstrap
#   debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,nginx-light,openssl,curl,ca-certificates bookworm ROOT
#   sh installer/linux/package.sh OUT
set -eu
root=$1 deb=$2
for program in systemd-nspawn nsenter; do
	command -v $program >/dev/null || {
		echo "boot.sh: $program is missing: apt-get install --no-install-recommends systemd-container" >&2
		exit 77
	}
done
for needed in lib/systemd/systemd usr/sbin/nginx usr/bin/curl; do
	[ -e "$root/$needed" ] || {
		echo "boot.sh: $root has no $needed" >&2
		exit 77
	}
done

made=$(mktemp -d)
nspawn=
end() {
	if [ -n "$nspawn" ]; then
		kill "$nspawn" 2>/dev/null || true
		wait "$nspawn" 2>/dev/null || true
	fi
	umount "$made/root" 2>/dev/null || true
	umount "$made" 2>/dev/null || true
	rmdir "$made"
}
trap end EXIT
mount -t tmpfs tmpfs "$made"
mkdir "$made/upper" "$made/work" "$made/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$made/upper,workdir=$made/work" "$made/root"
cp "$deb" "$made/root/root/mokhoa-tms.deb"
chroot "$made/root" sh -c 'apt-get update && apt-get install -y --no-install-recommends /root/mokhoa-tms.deb' >"$made/install.log" 2>&1 || {
	tail -n 20 "$made/install.log" >&2
	exit 1
}

systemd-nspawn --quiet --directory "$made/root" --boot --register=no --keep-unit --private-network --machine "mokhoa-$$" </dev/null >"$made/console" 2>&1 &
nspawn=$!
inside() {
	nsenter -t "$(pgrep -P "$nspawn" | head -n 1)" -m -u -i -n -p sh -euc "cd /root; $1"
}
tries=0
until inside '[ "$(systemctl is-system-running)" = running ] || [ "$(systemctl is-system-running)" = degraded ]' 2>/dev/null; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || {
		tail -n 30 "$made/console" >&2
		exit 1
	}
	sleep 1
done

step() {
	echo "== $1"
	inside "$2" || {
		echo "boot.sh: $1: failed" >&2
		inside 'journalctl --no-pager -u mokhoa-tms -u mokhoa-vault | tail -n 30' >&2
		exit 1
	}
}
config=/var/lib/mokhoa-tms/tms.json
pid='systemctl show -p MainPID --value'

step "made as the guide says" "
	mkdir -p /etc/ssl/mokhoa && cd /etc/ssl/mokhoa
	for name in admin-ca issuers tms; do
		openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=\$name -keyout \$name.key -out \$name.pem -addext subjectAltName=DNS:tms.ca.example 2>/dev/null
	done
	openssl req -newkey rsa:2048 -nodes -subj /CN=An -keyout an.key 2>/dev/null | openssl x509 -req -CA admin-ca.pem -CAkey admin-ca.key -CAcreateserial -days 90 -out an.pem 2>/dev/null
	mokhoa-tms init --dir /var/lib/mokhoa-tms --host tms.ca.example --admin-port 8443 --tls-certificate /etc/ssl/mokhoa/tms.pem --tls-key /etc/ssl/mokhoa/tms.key \\
		--admin-ca /etc/ssl/mokhoa/admin-ca.pem --issuers /etc/ssl/mokhoa/issuers.pem --authority CA --hotline 19000000 --from no-reply@ca.example --smtp smtp://127.0.0.1:25 --smtp-tls none \\
		--escrow-log-same-device --portal-files /usr/share/mokhoa-tms/portal --tms-user mokhoa-tms --vault-user mokhoa-vault --nginx-group mokhoa-nginx >/dev/null
	sed -i 's/^user .*/user mokhoa-nginx;/' /etc/nginx/nginx.conf
	ln -s /var/lib/mokhoa-tms/nginx.conf /etc/nginx/conf.d/mokhoa.conf
	nginx -t 2>/dev/null
	mokhoa-tms person add --config $config --certificate an.pem --name An --role operator >/dev/null
	systemctl enable --now mokhoa-vault mokhoa-tms mokhoa-check.timer 2>/dev/null
	systemctl restart nginx
	mokhoa-tms check --config $config | tail -n 1"
step "an operator comes in through nginx" "
	curl -sSk --resolve tms.ca.example:8443:127.0.0.1 --cert /etc/ssl/mokhoa/an.pem --key /etc/ssl/mokhoa/an.key https://tms.ca.example:8443/v1/admin/me | grep -q '\"role\":\"operator\"'"
step "the vault's keys are rolled, and the server never sees them" "
	printf 'manufacturer,model,serial,so_pin,customer,email,certificate_serial\\na,b,S1,12345678,An,an@khach.example,560A\\n' | mokhoa-tms seal --vault-key /var/lib/mokhoa-tms/vault.pub |
		mokhoa-tms import --config $config >/dev/null
	sees() { nsenter -t \$($pid mokhoa-tms) -m ls /var/lib/mokhoa-tms/vault /var/lib/mokhoa-tms/vault/keys | grep -c 'vault\\.key' || true; }
	[ \$(sees) = 0 ]
	mokhoa-tms keys new --config $config >/dev/null && systemctl restart mokhoa-vault
	mokhoa-tms keys reseal --config $config && mokhoa-tms keys retire --config $config >/dev/null && systemctl restart mokhoa-vault
	[ \$(sees) = 0 ] && [ -e /var/lib/mokhoa-tms/vault/keys/vault.key.retired ]"
step "the nightly check runs in its sandbox, and finds nothing but what this machine lacks" "
	systemctl start mokhoa-check.service 2>/dev/null || true
	said=\$(journalctl --no-pager -o cat -u mokhoa-check -t mokhoa-tms)
	echo \"\$said\" | grep -q '^ok  *vault ' && ! echo \"\$said\" | grep '^FAIL'"
step "both are killed, and are back" "
	kill -9 \$($pid mokhoa-vault) \$($pid mokhoa-tms)
	sleep 8
	systemctl is-active mokhoa-vault mokhoa-tms >/dev/null
	systemctl reload mokhoa-tms && mokhoa-tms check --config $config | tail -n 1"
step "an escrow log that is gone stops the server, until it is back" "
	mv /var/lib/mokhoa-tms/escrow/escrow.log /root/
	systemctl restart mokhoa-tms 2>/dev/null && exit 1
	mv /root/escrow.log /var/lib/mokhoa-tms/escrow/
	sleep 8
	systemctl is-active mokhoa-tms >/dev/null"
step "a server that hangs is ended, and begun anew" "
	hung=\$($pid mokhoa-tms)
	kill -STOP \$hung
	n=0
	until [ \$($pid mokhoa-tms) != \$hung ] && systemctl is-active mokhoa-tms >/dev/null; do
		n=\$((n + 1))
		[ \$n -lt 240 ]
		sleep 1
	done"
step "stopped well, and restored" "
	mokhoa-tms backup /var/lib/mokhoa-tms/b.db --config $config >/dev/null
	systemctl stop mokhoa-tms mokhoa-vault
	[ \"\$(systemctl show -p Result --value mokhoa-tms)\" = success ]
	mokhoa-tms restore /var/lib/mokhoa-tms/b.db --config $config | grep -q '^restored '
	systemctl start mokhoa-vault mokhoa-tms
	! journalctl --no-pager -o cat | grep -iE 'seccomp|SIGSYS'"
echo "all well"
