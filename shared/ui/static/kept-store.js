// What waits on this device to be sent, and what became of it: the service worker puts it here, the pages send and tell it.
// One entry per form, by the id that was made with the form: { id, path, body, account, act, at, state, told, parts }.
// state: waiting | sent | partly | refused | unclear. A form that is sent again replaces what waited of it.

const keptStore = (() => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const records = async (mode) => {
    const open = indexedDB.open("kept", 1);
    open.onupgradeneeded = () => open.result.createObjectStore("records", { keyPath: "id" });
    return (await done(open)).transaction("records", mode).objectStore("records");
  };
  return {
    all: async () => (await done((await records("readonly")).getAll())).sort((one, other) => (one.at ?? 0) - (other.at ?? 0)),
    put: async (entry) => done((await records("readwrite")).put(entry)),
    // What became of an entry, unless its form was sent anew meanwhile.
    settle: async (entry, changes) => {
      const kept = await records("readwrite");
      const now = await done(kept.get(entry.id));
      if (now?.at === entry.at) await done(kept.put({ ...now, ...changes }));
    },
    remove: async (id) => done((await records("readwrite")).delete(id)),
  };
})();
