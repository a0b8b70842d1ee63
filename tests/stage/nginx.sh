# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# nginx of its own in a folder, in front of a server that mokhoa-tms init has made in DIR/tms. To be sourced, after service.sh.
#
#   nginx_up DIR      starts it with DIR/tms/nginx.conf, its workers as www-data, and waits until it answers
#   nginx_down DIR    ends it
#   nginx_agency DIR NAME PORT PORTAL AGENCY [PAGE...]   before nginx_up: the demo site of an agency (portal/embed/demo) at https://localhost:PORT, which
#                     embeds the portal at that origin as that agency, under a strict policy. PAGE: more files of that site.

nginx_conf() {
	cat <<-CONF
		user www-data;
		worker_processes 1;
		pid $1/nginx/pid;
		error_log $1/nginx/error.log info;
		daemon off;
		events { worker_connections 256; }
		http {
		    access_log $1/nginx/access.log;
		    client_body_temp_path $1/nginx/body;
		    proxy_temp_path $1/nginx/proxy;
		    fastcgi_temp_path $1/nginx/fastcgi;
		    uwsgi_temp_path $1/nginx/uwsgi;
		    scgi_temp_path $1/nginx/scgi;
		    include $1/tms/nginx.conf;
		    include $1/agency/*.conf;
		}
	CONF
}

nginx_agency() {
	nginx_dir=$1/agency/$2 nginx_name=$2 nginx_port=$3 nginx_portal=$4 nginx_id=$5
	mkdir -p "$nginx_dir" || return 1
	nginx_file=$1/agency/$nginx_name.conf nginx_pki=$1/pki
	shift 5
	for nginx_page in "$STAGE_TESTS"/../portal/embed/demo/* "$@"; do
		sed "s,@PORTAL@,$nginx_portal,g; s,@AGENCY@,$nginx_id,g" "$nginx_page" >"$nginx_dir/$(basename "$nginx_page")" || return 1
	done
	chmod -R a+rX "$nginx_dir/.."
	cat >"$nginx_file" <<-CONF
		server {
		    listen 127.0.0.1:$nginx_port ssl;
		    server_name localhost;
		    ssl_certificate $nginx_pki/tls.pem;
		    ssl_certificate_key $nginx_pki/tls.key;
		    root $nginx_dir;
		    types { text/html html; text/css css; text/javascript js; }
		    charset utf-8;
		    add_header Content-Security-Policy "default-src 'none'; script-src 'self' $nginx_portal; style-src 'self'; frame-src $nginx_portal; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'" always;
		    add_header X-Content-Type-Options nosniff always;
		}
	CONF
}

nginx_answers() {
	curl -sS -o "$1/nginx/answer" --max-time 2 --cacert "$1/pki/tls-ca.pem" "https://localhost:$2/" 2>/dev/null
}

nginx_up() {
	command -v nginx >/dev/null || { service_missing nginx; return 77; }
	command -v curl >/dev/null || { service_missing curl; return 77; }
	mkdir -p "$1/nginx" || return 1
	nginx_conf "$1" >"$1/nginx/nginx.conf"
	nginx -t -q -e "$1/nginx/error.log" -c "$1/nginx/nginx.conf" || return 1
	service_start "$1" nginx nginx -e "$1/nginx/error.log" -c "$1/nginx/nginx.conf"
	nginx_port=$(cut -d ' ' -f 1 "$1/ports") || return 1
	service_wait "$1" nginx nginx_answers "$1" "$nginx_port"
}

nginx_down() {
	service_end "$1" nginx
}
