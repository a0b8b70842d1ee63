// SPDX-License-Identifier: Apache-2.0
// Judges what a page has sent, before anything of it reaches the host: its form, its id, its method, and whether the host could read it. What
// the parameters mean is the host's to judge.
import { DEADLINES } from "./settings.js";

const KEYS = ["jsonrpc", "id", "method", "params"];
const DEPTH_MAX = 12; // the host reads 16 levels, of which the envelope is two
const FRAME_MAX = 8192;

function idOf(message) {
	const id = message.id;
	if (typeof id === "string" ? /^[\x20-\x7e]{1,64}$/.test(id) : Number.isSafeInteger(id))
		return id;
	return null;
}

function isObject(value) {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function depth(value) {
	let most = 0;
	if (typeof value === "object" && value !== null)
		for (const inner of Object.values(value))
			most = Math.max(most, 1 + depth(inner));
	return most;
}

// The same value as JSON has it, or undefined where it is none: Firefox hands over whatever can be cloned.
function asJson(value) {
	try {
		return JSON.parse(JSON.stringify(value));
	} catch {
		return undefined;
	}
}

// {id, method, params}, or {id, error} with the name of the first thing that is wrong.
export function judge(raw) {
	const message = asJson(raw);
	if (!isObject(message))
		return { id: null, error: "invalid_request" };
	const id = idOf(message);
	if (id === null || message.jsonrpc !== "2.0" || typeof message.method !== "string" || Object.keys(message).some((key) => !KEYS.includes(key)))
		return { id, error: "invalid_request" };
	if (!Object.hasOwn(DEADLINES, message.method))
		return { id, error: "method_not_found" };
	const params = Object.hasOwn(message, "params") ? message.params : {};
	// NUL and halves of surrogate pairs: the host could not read the frame, and could not say whose it was
	if (!isObject(params) || depth(params) > DEPTH_MAX || /\\u(0000|d[89a-f])/i.test(JSON.stringify(params)))
		return { id, error: "invalid_params" };
	return { id, method: message.method, params };
}

// Whether the browser's frame of this envelope is one that the host reads: a longer one ends the connection of every tab. Browsers write
// some characters as \uXXXX, which is six bytes.
export function fits(envelope) {
	const text = JSON.stringify(envelope).replace(/[<>&\u2028\u2029\u007f]/g, "\\uXXXX");
	return new TextEncoder().encode(text).length <= FRAME_MAX;
}
