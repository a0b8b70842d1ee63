// SPDX-License-Identifier: Apache-2.0
// Written by make_types.py from protocol/*.def: change those. Deadlines are the host's own, in seconds.
export const DEADLINES = {"hello": 2, "token.info": 30, "token.watch": 300, "token.unwatch": 2, "unlock.request": 60, "unlock.status": 60, "unlock.resend": 30, "unlock.cancel": 30, "unlock": 900, "doctor": 90};
export const FINAL = ["refused", "completed", "failed", "expired", "cancelled", "locked_out"];
export const PORTS = [21703, 24691, 28517];
