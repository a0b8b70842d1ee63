// SPDX-License-Identifier: Apache-2.0
// What has happened, for the hotline: which page asked what, how it ended, how long it took. It outlives the background script in IndexedDB, which
// needs no permission. No parameter, no result and no id of a request is ever given to it.
const STORE = "lines";
const LINES_MAX = 500;

function open() {
	return new Promise((resolve, reject) => {
		const asked = indexedDB.open("mokhoa-log", 1);
		asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { autoIncrement: true });
		asked.onsuccess = () => resolve(asked.result);
		asked.onerror = () => reject(asked.error);
	});
}

async function transact(mode, work) {
	const db = await open();
	try {
		return await new Promise((resolve, reject) => {
			const transaction = db.transaction(STORE, mode);
			const asked = work(transaction.objectStore(STORE));
			transaction.oncomplete = () => resolve(asked.result);
			transaction.onerror = transaction.onabort = () => reject(transaction.error);
		});
	} finally {
		db.close();
	}
}

// A log that cannot be written stops no request.
export function note(line) {
	return transact("readwrite", (store) => {
		const added = store.add({ at: new Date().toISOString(), ...line });
		added.onsuccess = () => store.delete(IDBKeyRange.upperBound(added.result - LINES_MAX));
		return added;
	}).catch((error) => console.warn("mokhoa: the log cannot be written:", error));
}

export function lines() {
	return transact("readonly", (store) => store.getAll());
}
