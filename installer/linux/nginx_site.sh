#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   nginx_site.sh MOKHOA-TMS FILE
#
# What `mokhoa-tms init` writes for nginx, as an example: of a server in /var/lib/mokhoa-tms with its certificate in /etc/ssl/mokhoa. Made by init itself,
# in a folder that goes again, with a certificate that nobody keeps.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$folder/tms.key" -out "$folder/tms.pem" -subj /CN=tms.ca.example \
	-addext subjectAltName=DNS:tms.ca.example -days 90 2>/dev/null
mkdir "$folder/portal"
cp -R "$(dirname "$0")/../../portal/customer" "$(dirname "$0")/../../portal/console" "$(dirname "$0")/../../portal/sdk" "$(dirname "$0")/../../portal/style" "$folder/portal/"
"$1" init --dir "$folder/made" --host tms.ca.example --tls-certificate "$folder/tms.pem" --tls-key "$folder/tms.key" --admin-ca "$folder/tms.pem" \
	--issuers "$folder/tms.pem" --authority CA --hotline 19000000 --from no-reply@ca.example --smtp smtp://127.0.0.1:25 --smtp-tls none \
	--escrow-log-same-device --portal-files "$folder/portal" >/dev/null
sed "s,$folder/made,/var/lib/mokhoa-tms,g; s,$folder/portal,/usr/share/mokhoa-tms/portal,g; s,$folder/tms,/etc/ssl/mokhoa/tms,g" "$folder/made/nginx.conf" >"$2"
