// SPDX-License-Identifier: Apache-2.0
// What went wrong, as the host itself would say it: {code, message, data: {name, message, hint}}.
import { ERRORS } from "./settings.js";

export function errorOf(name) {
	const { code, message, hint } = ERRORS[name];
	return { code, message: message.vi, data: { name, message, hint } };
}

// The cause behind a native port that has closed, from the browser's own words. Firefox has one sentence for a host that is not there and for one
// that does not name this extension.
export function causeOf(words) {
	if (/host not found|No such native application/.test(words))
		return "host_missing";
	if (/is forbidden/.test(words))
		return "host_forbidden";
	if (/disabled by the system administrator/.test(words))
		return "host_blocked";
	return "host_crashed";
}
