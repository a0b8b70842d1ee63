# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Every certificate of a stage, made anew in DIR/pki with openssl. To be sourced.
#
#   pki_up DIR                                  the authorities, the server's certificate, the people at the desk
#   pki_customer DIR NAME ISSUER KEY SUBJECT EMAIL   DIR/pki/NAME.key, NAME.pem, NAME.der; KEY is ec or rsa
#
#   tls-ca       signs tls: the server nginx shows, for localhost and 127.0.0.1
#   admin-ca     signs an, binh (approvers), dung (operator), auditor, stranger (not enrolled)
#   customer-ca  the authority's own for customers' certificates
#   foreign-ca   somebody else's for customers' certificates

pki_new_key() {
	case $2 in
	ec) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ;;
	rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1" 2>/dev/null ;;
	*) echo "pki.sh: no such key: $2" >&2; return 2 ;;
	esac
}

pki_ca() {
	pki_new_key "$1/pki/$2.key" ec &&
		openssl req -x509 -new -key "$1/pki/$2.key" -out "$1/pki/$2.pem" -days 30 -utf8 -subj "$3" \
			-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# pki_sign DIR NAME ISSUER SUBJECT EXTENSIONS
pki_sign() {
	printf '%s\n' "$5" >"$1/pki/$2.ext"
	openssl req -new -key "$1/pki/$2.key" -utf8 -subj "$4" |
		openssl x509 -req -CA "$1/pki/$3.pem" -CAkey "$1/pki/$3.key" -set_serial "0x$(openssl rand -hex 16)" -days 20 \
			-extfile "$1/pki/$2.ext" -out "$1/pki/$2.pem" 2>/dev/null
	rm -f "$1/pki/$2.ext"
}

pki_person() {
	pki_new_key "$1/pki/$2.key" ec && pki_sign "$1" "$2" admin-ca "/O=Mokhoa demo/CN=$3" "extendedKeyUsage=clientAuth"
}

pki_customer() {
	pki_new_key "$1/pki/$2.key" "$4" &&
		pki_sign "$1" "$2" "$3" "$5" "keyUsage=critical,digitalSignature,nonRepudiation
subjectAltName=email:$6" &&
		openssl x509 -in "$1/pki/$2.pem" -outform DER -out "$1/pki/$2.der"
}

pki_up() {
	mkdir -p "$1/pki" || return 1
	pki_ca "$1" tls-ca "/O=Mokhoa demo/CN=Server CA" &&
		pki_ca "$1" admin-ca "/O=Mokhoa demo/CN=Administrators" &&
		pki_ca "$1" customer-ca "/C=VN/O=Mokhoa demo/CN=Chữ ký số" &&
		pki_ca "$1" foreign-ca "/C=VN/O=Somebody else/CN=Another CA" || return 1
	pki_new_key "$1/pki/tls.key" ec &&
		pki_sign "$1" tls tls-ca "/CN=localhost" "subjectAltName=DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth" || return 1
	pki_person "$1" an "Nguyễn Văn An" && pki_person "$1" binh "Trần Thị Bình" &&
		pki_person "$1" dung "Phạm Văn Dũng" && pki_person "$1" auditor "Lê Kiểm Toán" && pki_person "$1" stranger "Người Lạ"
}
