# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# nginx of its own in a folder, in front of a server that mokhoa-tms init has made in DIR/tms. To be sourced, after service.sh.
#
#   nginx_up DIR      starts it with DIR/tms/nginx.conf, its workers as www-data, and waits until it answers
#   nginx_down DIR    ends it

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
