/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs inside the browser's page after page-media.js: keys from end to end, by the module of docs/examples/e2ee as people would use it. */
(() => {
  const rig = window.rig, { pcs, dcs, until } = rig.inside;
  const keyOf = k => ({ ...k, key: Uint8Array.from(k.key.match(/../g), h => parseInt(h, 16)) });
  let module;

  /* source: the text of sframe.mjs. */
  rig.loadSFrame = async source => {
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    module = { url, ...await import(url) };
  };
  /* keys: { send: { audio: { kid, suite, key }, … }, receive: { audio: […], … } }, keys in hex. Before a description is made. */
  rig.protect = (n, keys) => {
    const p = pcs[n];
    p.worker ??= new Worker(module.url, { type: 'module' });
    p.protection ??= new module.Protection(p.worker);
    p.protection.onfailure = () => { p.failures = (p.failures ?? 0) + 1; };
    for (const t of p.pc.getTransceivers()) {
      const { kind } = t.receiver.track;
      if (keys.send?.[kind]) p.protection.send(t.sender, keyOf(keys.send[kind]));
      if (keys.receive?.[kind]) p.protection.receive(t.receiver, keys.receive[kind].map(keyOf));
    }
  };
  rig.ratchet = n => { for (const t of pcs[n].pc.getTransceivers()) pcs[n].protection.ratchet(t.sender); };
  /* Messages of each kind to the peer, which sends them back; what they are then: texts, short ones' bytes, long ones' lengths. */
  rig.sealedEcho = async (i, send, receive) => {
    const { dc } = dcs[i], sealer = new module.Sealer(keyOf(send)), opener = new module.Opener([keyOf(receive)]), got = [];
    const take = async data => { const m = await module.openMessage(opener, data); got.push(typeof m === 'string' ? m : m === null ? null : m.length < 100 ? [...m] : m.length); };
    let last = Promise.resolve(); /* short ones are opened sooner than long ones */
    dc.onmessage = e => { last = last.then(() => take(e.data)); };
    const all = ['Ça marche: ✓', '', Uint8Array.of(1, 2, 3), new Uint8Array(40000)];
    for (const m of all) dc.send(await module.sealMessage(sealer, m));
    await until('messages back', () => got.length === all.length, 10000);
    return got;
  };
  rig.protected = n => ({ ...pcs[n].protection.counters, told: pcs[n].failures ?? 0 });
  rig.unprotect = n => pcs[n].worker?.terminate();
})();
