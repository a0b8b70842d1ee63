# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What every server of a stage needs: to be started, waited for, and ended by its own process id and nothing else. To be sourced.
#
#   service_start DIR NAME COMMAND...   in the background; its words go to DIR/NAME.log, its process id to DIR/NAME.pid
#   service_wait DIR NAME COMMAND...    until the command succeeds, 10 s at most; says DIR/NAME.log where the server has died or never answers
#   service_end DIR NAME                and waits until it has ended
#   service_port COUNT                  so many free loopback ports, below those that the system gives to others

service_missing() {
	echo "this machine lacks $*" >&2
}

service_start() {
	service_dir=$1 service_name=$2
	shift 2
	"$@" >>"$service_dir/$service_name.log" 2>&1 </dev/null &
	echo $! >"$service_dir/$service_name.pid"
}

# It runs, and has not ended without anybody having waited for it.
service_runs() {
	kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

service_wait() {
	service_dir=$1 service_name=$2 service_rounds=200
	shift 2
	until "$@"; do
		service_rounds=$((service_rounds - 1))
		if [ $service_rounds -le 0 ] || ! service_runs "$(cat "$service_dir/$service_name.pid")"; then
			echo "$service_name does not come up:" >&2
			tail -n 20 "$service_dir/$service_name.log" >&2
			return 1
		fi
		sleep 0.05
	done
}

service_end() {
	[ -f "$1/$2.pid" ] || return 0
	service_pid=$(cat "$1/$2.pid")
	rm -f "$1/$2.pid"
	kill "$service_pid" 2>/dev/null || return 0
	service_rounds=300
	while service_runs "$service_pid"; do
		service_rounds=$((service_rounds - 1))
		if [ $service_rounds -le 0 ]; then
			echo "$2 had to be killed" >&2
			kill -KILL "$service_pid" 2>/dev/null
			return 1
		fi
		sleep 0.05
	done
}

service_port() {
	/usr/bin/python3 - "$1" <<-'PY'
		import random, socket, sys
		held = []
		while len(held) < int(sys.argv[1]):
		    s = socket.socket()
		    try:
		        s.bind(("127.0.0.1", random.randint(20000, 29999)))
		        held.append(s)
		    except OSError:
		        s.close()
		print(*(s.getsockname()[1] for s in held))
	PY
}
