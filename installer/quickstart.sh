#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/quickstart.sh [--serve]
#
# The whole unlock on this machine, from nothing: installs what it needs (as root on Debian 12), builds, and plays every part with the real
# programs: a virtual card that really locks its PIN, pcscd and OpenSC, the token management server behind nginx with its vault, an administrator
# with a client certificate, Postfix, and the host through native messaging frames as a browser speaks them. Ends in UNLOCKED.
#
# All of it runs on a stage of its own (namespaces): /etc/mokhoa, /run and what was started are gone when it ends. With --serve the
# servers stay up until Ctrl-C, for a person to try.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

PIN=123456 WRONG_PIN=999999 NEW_PIN=73910284
SO_PIN=3537363231383830
SERIAL=MKT0000001
EMAIL=mkt0000001@khach.example # what the card's certificate says: by it the server knows the customer

number=0
step() {
	number=$((number + 1))
	printf '\n%2d. %s\n    %s\n' "$number" "$1" "$2"
}

show() {
	sed 's/^/      /'
}

fail() {
	printf '\nKHÔNG THÀNH CÔNG / FAILED: %s\n' "$*" >&2
	exit 1
}

opensc() {
	pkcs11-tool --module "$module" "$@" 2>&1
}

# One request to the host by native messaging, as a browser's extension sends it. The answer is shown and left in $answer.
host() {
	answer=$(/usr/bin/python3 tests/stage/native.py "$MOKHOA_BIN/mokhoa-host" "$@" 2>"$DIR/progress") || {
		cat "$DIR/progress" "$DIR/client.log" 2>/dev/null
		fail "$1: $answer"
	}
	show <"$DIR/progress"
	echo "$answer" | show
}

# The value of a key in the JSON of $answer: value request, value tokens.0.pin
value() {
	printf %s "$answer" | /usr/bin/python3 -c '
import json, sys
v = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    v = v[int(key)] if isinstance(v, list) else v[key]
print(v if isinstance(v, str) else json.dumps(v, ensure_ascii=False))' "$1"
}

# The administrator's call over mutual TLS; the answer in $answer.
desk() {
	method=$1 path=$2
	shift 2
	answer=$(curl -sS --fail-with-body --max-time 20 --cacert "$DIR/pki/tls-ca.pem" --cert "$DIR/pki/an.pem" --key "$DIR/pki/an.key" -X "$method" \
		"$@" "https://localhost:$ADMIN_PORT/v1/admin/$path") || fail "$path: $answer"
}

play() {
	# shellcheck source=tests/stage/world.sh
	. tests/stage/world.sh
	export HOME="$DIR/home"
	mkdir -m 700 "$HOME"
	trap 'world_down "$DIR" >/dev/null 2>&1' EXIT
	trap 'exit 130' INT TERM
	for module in /usr/lib/*/opensc-pkcs11.so /usr/lib/opensc-pkcs11.so; do
		[ ! -f "$module" ] || break
	done

	step "Dựng máy chủ: kho khóa, mokhoa-tms, nginx, Postfix, đầu đọc ảo" "Servers: vault, mokhoa-tms, nginx, Postfix, a virtual reader"
	world_up "$DIR"
	# shellcheck disable=SC2046 # three numbers
	set -- $(tms_ports "$DIR")
	PUBLIC_PORT=$1 ADMIN_PORT=$2
	world_card "$DIR" 0 $SERIAL $SO_PIN $PIN ec customer-ca
	world_import "$DIR" $SERIAL $SO_PIN $EMAIL | show
	card_insert "$DIR" 0

	step "Nhập sai PIN ba lần: thẻ khóa thật" "Three wrong PINs: the card really locks"
	for _ in 1 2 3; do
		opensc --login --pin $WRONG_PIN -O | grep -o 'CKR_PIN_[A-Z]*' | head -n 1 | show
	done
	opensc --login --pin $PIN -O | grep -q CKR_PIN_LOCKED || fail "the card is not locked"

	step "Trang web hỏi host: có token nào?" "The page asks the host: which tokens?"
	host token.info
	[ "$(value tokens.0.pin)" = locked ] || fail "the host does not see that the token is locked"
	token=$(printf '{"manufacturer": "%s", "model": "%s", "serial": "%s"}' "$(value tokens.0.manufacturer)" "$(value tokens.0.model)" "$(value tokens.0.serial)")

	step "Khách hàng gửi yêu cầu mở khóa" "The customer asks for the unlock"
	host unlock.request "{\"token\": $token, \"reason\": \"locked\", \"language\": \"vi\"}"
	request=$(value request) phrase=$(value phrase)

	step "Người duyệt gọi lại khách hàng, đối chiếu cụm từ $phrase, chấp thuận bằng chứng thư của mình" \
		"An administrator calls back, compares the phrase and approves with his certificate"
	desk GET "requests?limit=1"
	request_number=$(value requests.0.number)
	desk GET me
	desk POST "requests/$request_number/approve" -H 'Content-Type: application/json' -H "Origin: https://localhost:$ADMIN_PORT" -H "X-Mokhoa-CSRF: $(value csrf)" \
		-d "{\"how\": \"call_back\", \"reference\": \"\", \"phrase\": \"$phrase\"}"
	[ "$(value state)" = approved ] || fail "not approved: $answer"
	echo "$request_number: $(value state), $(value decided_by)" | show

	step "Mã xác nhận đến qua thư điện tử" "The code comes by mail"
	tries=100
	until code=$(mail_code "$DIR" $EMAIL 2>/dev/null) && [ -n "$code" ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "no mail came"
		sleep 0.2
	done
	echo "$EMAIL: $code" | show

	step "Khách hàng nhập mã và PIN mới vào cửa sổ của host; thẻ được mở khóa" \
		"The customer types code and new PIN into the host's own window; the card is unlocked"
	printf 'type %s\ntype %s\n' "$code" $NEW_PIN >"$WORLD_PROMPT/pinentry.answers"
	host unlock "{\"request\": \"$request\"}"
	[ "$(value state) $(value rotated) $(value proof)" = "completed true verified" ] || fail "the unlock is not whole"

	step "Kiểm tra: PIN mới đăng nhập được" "Check: a login with the new PIN"
	opensc --login --pin $NEW_PIN -O | grep -E 'Private Key|label' | head -n 2 | show
	opensc --login --pin $NEW_PIN -O >/dev/null || fail "the new PIN does not log in"

	step "Kiểm tra: SO PIN cũ bị từ chối, SO PIN trong kho đúng với thẻ" "Check: the old SO PIN is refused, the vault's one works"
	old=$(opensc --login --login-type so --so-pin $SO_PIN --init-pin --new-pin $NEW_PIN) && fail "the old SO PIN still works"
	echo "$old" | grep -o 'CKR_PIN_INCORRECT' | head -n 1 | show
	vault_so_pin=$(/usr/bin/python3 tests/stage/open_escrow.py "$DIR/tms" $SERIAL)
	opensc --login --login-type so --so-pin "$vault_so_pin" --init-pin --new-pin $NEW_PIN | grep -i 'initialized' | show
	opensc --login --pin $NEW_PIN -O >/dev/null || fail "the vault's SO PIN does not work"

	step "Kiểm tra: máy chủ đã kiểm chữ ký của chính token" "Check: the server has verified the token's own signature"
	desk GET "requests/$request_number"
	[ "$(value state)" = completed ] || fail "the server says: $(value state)"
	printf %s "$answer" | /usr/bin/python3 -c '
import json, sys
for row in json.load(sys.stdin)["history"]:
    print(row["event"], row["actor"], row["detail"])' | show
	printf %s "$answer" | grep -q 'proof=verified' || fail "the server has verified no proof"

	[ "$serve" = no ] || stay
	printf '\nUNLOCKED\n'
}

stay() {
	# as browsers import it
	openssl pkcs12 -export -in "$DIR/pki/an.pem" -inkey "$DIR/pki/an.key" -out "$DIR/pki/an.p12" -passout pass:mokhoa
	cat <<-END

		Máy chủ đang chạy; Ctrl-C để dừng. / The servers are up; Ctrl-C ends them.
		  portal           https://localhost:$PUBLIC_PORT/
		  an agency's page $(cat "$DIR/agency/origin")/
		  console          https://localhost:$ADMIN_PORT/   (import $DIR/pki/an.p12, password mokhoa, and trust $DIR/pki/tls-ca.pem)
		  TMS              https://localhost:$PUBLIC_PORT/v1/requests
		  administrator    curl --cacert $DIR/pki/tls-ca.pem --cert $DIR/pki/an.pem --key $DIR/pki/an.key https://localhost:$ADMIN_PORT/v1/admin/requests
		  mailbox          $DIR/mail
		  the page's calls, on the stage:
		    nsenter --mount --pid --wd="$root" -t "\$(pgrep -of $DIR/tms/tms.json)" /usr/bin/python3 tests/stage/native.py $MOKHOA_BIN/mokhoa-host token.info
	END
	while :; do
		sleep 3600 &
		wait $!
	done
}

serve=no
[ "${1:-}" != --serve ] || serve=yes
if [ "${MOKHOA_STAGE:-}" != 1 ]; then
	# shellcheck source=installer/packages.sh
	. installer/packages.sh
	if [ "$(id -u)" != 0 ]; then
		echo "Chạy với quyền root: sudo sh installer/quickstart.sh / run it as root, please" >&2
		exit 77
	fi
	packages_install build stage
	echo "Đang dựng chương trình / building"
	mkdir -p build
	if ! { cmake --preset quickstart && cmake --build --preset quickstart; } >build/quickstart.log 2>&1; then
		tail -n 40 build/quickstart.log >&2
		fail "the build: build/quickstart.log"
	fi
	# outside of the stage, so that a person can look into it, and so that it goes however the stage ends
	DIR=$(mktemp -d /tmp/mokhoa-quickstart.XXXXXX)
	chmod 755 "$DIR"
	export DIR
	trap 'rm -rf "$DIR"' EXIT
	trap 'exit 130' INT TERM
	case " $* " in
	*" --serve "*) export MOKHOA_STAGE_NETWORK=machine ;; # a person's browser is to reach it
	esac
	sh tests/stage/enter.sh sh "$root/installer/quickstart.sh" "$@"
	exit
fi
export MOKHOA_BIN="$root/build/quickstart/bin" MOKHOA_CARD="$root/build/quickstart/bin/mokhoa-card" STAGE_TESTS="$root/tests"
play
