/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cryptoki_numbers: the types, calls and return values of PKCS#11 by p11-kit's header, with the five return values that it has wrong (p11-kit 0.24 counts them from
 * 0x1c0). The numbers are those of PKCS#11 2.40, errata 01, pkcs11t.h, which is what modules return.
 */
#ifndef MOKHOA_CRYPTOKI_NUMBERS_H
#define MOKHOA_CRYPTOKI_NUMBERS_H

#include <p11-kit/pkcs11.h>

#undef CKR_EXCEEDED_MAX_ITERATIONS
#undef CKR_FIPS_SELF_TEST_FAILED
#undef CKR_LIBRARY_LOAD_FAILED
#undef CKR_PIN_TOO_WEAK
#undef CKR_PUBLIC_KEY_INVALID

#define CKR_EXCEEDED_MAX_ITERATIONS 0x1b5UL
#define CKR_FIPS_SELF_TEST_FAILED   0x1b6UL
#define CKR_LIBRARY_LOAD_FAILED	    0x1b7UL
#define CKR_PIN_TOO_WEAK	    0x1b8UL
#define CKR_PUBLIC_KEY_INVALID	    0x1b9UL

#endif
