# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The whole world of an unlock on one stage: readers and cards, the servers, and this machine as a customer's. To be sourced; STAGE_TESTS is the
# folder "tests" of the source tree, MOKHOA_BIN that of the programs, MOKHOA_CARD the card's program.
#
#   world_up DIR                     readers, servers, prompt and profile
#   world_down DIR
#   world_profile DIR                the client's profile as it was at the beginning
#   world_card DIR READER SERIAL SO_PIN PIN KEY ISSUER   a customer's card with a certificate of that issuer (pki.sh); not yet inserted
#   world_import DIR SERIAL SO_PIN EMAIL                 makes it known to the authority
#
# The prompt is DIR-independent: /etc/mokhoa/prompt/pinentry, because the client runs only what nobody but root can have written.

for world_part in pcsc service pki nginx postfix tms; do
	# shellcheck source=/dev/null
	. "$STAGE_TESTS/stage/$world_part.sh"
done

WORLD_PROMPT=/etc/mokhoa/prompt

world_module() {
	for world_path in /usr/lib/*/opensc-pkcs11.so /usr/lib/opensc-pkcs11.so; do
		if [ -f "$world_path" ]; then
			echo "$world_path"
			return
		fi
	done
	echo "opensc-pkcs11.so is missing (package opensc)" >&2
	return 77
}

world_profile() {
	world_found=$(world_module) || return
	stage_profile "$1" "$world_found" "$WORLD_PROMPT/pinentry"
}

world_up() {
	mkdir -p "$WORLD_PROMPT" && install -m 755 "$STAGE_TESTS/stage/pinentry" "$WORLD_PROMPT/pinentry" || return
	tms_up "$1" && pcsc_up "$1" && world_profile "$1"
}

world_down() {
	card_end "$1" 0 2>/dev/null
	card_end "$1" 1 2>/dev/null
	pcsc_down "$1"
	tms_down "$1"
}

world_card() {
	world_dir=$1 world_reader=$2
	card_end "$1" "$2" 2>/dev/null || true
	rm -f "$1/card$2.state"
	pki_customer "$1" "card$2" "$7" "$6" "/C=VN/O=CÔNG TY CỔ PHẦN THỬ NGHIỆM/CN=Khách $3" "$(world_email "$3")" || return
	"$MOKHOA_CARD" init --state "$world_dir/card$world_reader.state" --serial "$3" --so-pin "$4" --pin "$5" --key "$6" \
		--cert "$1/pki/card$2.der" --private-key "$1/pki/card$2.key"
}

world_email() {
	printf '%s@khach.example\n' "$1" | tr '[:upper:]' '[:lower:]'
}

# What OpenSC says of the card is what the authority has on record.
world_import() {
	printf 'manufacturer,model,serial,so_pin,customer,email\n%s,%s,%s,%s,%s,%s\n' "Mokhoa test card" "PKCS#15 emulated" "$2" "$3" \
		"CÔNG TY CỔ PHẦN THỬ NGHIỆM" "$4" | tms_import "$1"
}
