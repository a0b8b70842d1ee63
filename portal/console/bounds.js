// SPDX-License-Identifier: Apache-2.0
// Written by portal/sdk/make_types.py from protocol/tms.openapi.json: change that. The most bytes of what the list is asked for.
export const BOUNDS = {"customer": 128, "email": 254, "token_serial": 16, "certificate_serial": 128, "agency": 32};
