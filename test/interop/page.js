/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs inside the browser's page: a small remote control over RTCPeerConnection. Every function is called by name from lib.mjs. */
(() => {
  const pcs = [], dcs = [];
  const rig = (window.rig = {});
  const sleep = ms => new Promise(done => setTimeout(done, ms));

  /* Order and length of messages count too: peer.c computes the same. */
  function hashMessage(h, u8) {
    h = Math.imul(h ^ u8.length, 16777619);
    const words = u8.length >> 2, view = new DataView(u8.buffer, u8.byteOffset, u8.length);
    let i = 0;
    for (; i < words; i++) h = Math.imul(h ^ view.getUint32(4 * i, true), 16777619);
    for (i = words * 4; i < u8.length; i++) h = Math.imul(h ^ u8[i], 16777619);
    return h >>> 0;
  }
  const bytes = data => (typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data));

  function track(dc) {
    const c = { dc, messages: 0, bytes: 0, hash: 0, inbox: [], echoing: false, keep: true };
    dc.binaryType = 'arraybuffer';
    dc.onmessage = e => {
      const u8 = bytes(e.data);
      c.messages++;
      c.bytes += u8.length;
      c.hash = hashMessage(c.hash, u8);
      if (c.keep) c.inbox.push({ text: typeof e.data === 'string', length: u8.length, hash: hashMessage(0, u8) });
    };
    dcs.push(c);
    return dcs.length - 1;
  }

  async function until(what, test, ms = 60000) {
    const end = performance.now() + ms;
    while (!test()) {
      if (performance.now() > end) throw new Error('not in time: ' + what);
      await sleep(5);
    }
  }

  rig.inside = { pcs, dcs, track, until };
  rig.make = (trickle, config) => {
    const p = { pc: new RTCPeerConnection(config), trickle, out: [], channels: [] };
    p.pc.onicecandidate = ({ candidate: c }) => p.out.push(c ? { line: c.candidate, mid: c.sdpMid, ufrag: c.usernameFragment } : { line: '', mid: '0' });
    p.pc.ondatachannel = e => p.channels.push(track(e.channel));
    pcs.push(p);
    return pcs.length - 1;
  };
  async function described(p) {
    if (!p.trickle) await until('gathering', () => p.pc.iceGatheringState === 'complete');
    return p.pc.localDescription.sdp;
  }
  rig.offer = async n => {
    const p = pcs[n];
    const offer = await p.pc.createOffer();
    const first = offer.sdp;
    await p.pc.setLocalDescription(offer);
    return p.trickle ? first : described(p);
  };
  rig.answer = async (n, sdp) => {
    const p = pcs[n];
    await p.pc.setRemoteDescription({ type: 'offer', sdp });
    const answer = await p.pc.createAnswer();
    const first = answer.sdp;
    await p.pc.setLocalDescription(answer);
    return p.trickle ? first : described(p);
  };
  rig.accept = (n, sdp) => pcs[n].pc.setRemoteDescription({ type: 'answer', sdp });
  rig.add = (n, line, mid, ufrag) => pcs[n].pc.addIceCandidate(line ? { candidate: line, sdpMid: mid, usernameFragment: ufrag } : undefined);
  rig.candidates = async n => {
    const p = pcs[n];
    for (let i = 0; i < 40 && p.out.length === 0; i++) await sleep(25);
    return p.out.splice(0);
  };
  rig.state = n => pcs[n].pc.connectionState;
  rig.maxMessageSize = n => pcs[n].pc.sctp.maxMessageSize;
  rig.connected = (n, ms) => until('connected (is ' + pcs[n].pc.connectionState + ')', () => pcs[n].pc.connectionState === 'connected', ms);
  rig.close = n => pcs[n].pc.close();

  rig.open = (n, label, options) => track(pcs[n].pc.createDataChannel(label, options));
  rig.opened = (i, ms) => until('open (is ' + dcs[i].dc.readyState + ')', () => dcs[i].dc.readyState === 'open', ms);
  rig.channel = async (n, label) => {
    let found;
    await until('channel ' + label, () => (found = pcs[n].channels.find(i => dcs[i].dc.label === label)) !== undefined);
    await rig.opened(found);
    return found;
  };
  rig.describe = i => ({ label: dcs[i].dc.label, protocol: dcs[i].dc.protocol, ordered: dcs[i].dc.ordered, rtx: dcs[i].dc.maxRetransmits, life: dcs[i].dc.maxPacketLifeTime, id: dcs[i].dc.id });
  rig.closeChannel = i => dcs[i].dc.close();
  rig.closed = (i, ms) => until('closed (is ' + dcs[i].dc.readyState + ')', () => dcs[i].dc.readyState === 'closed', ms);
  rig.count = i => ({ messages: dcs[i].messages, bytes: dcs[i].bytes, hash: dcs[i].hash });
  rig.received = (i, count, ms) => until('messages (' + dcs[i].messages + ' of ' + count + ')', () => dcs[i].messages >= count, ms);
  rig.keep = (i, on) => { dcs[i].keep = on; };

  /* Sends one message and waits until the same comes back. */
  rig.roundTrip = async (i, text, size) => {
    await rig.opened(i);
    const c = dcs[i], before = c.messages;
    const data = text ? 'é'.repeat(size >> 1) + (size & 1 ? 'x' : '') : Uint8Array.from({ length: size }, (_, k) => k * 11 + size);
    const want = hashMessage(0, bytes(data));
    c.inbox.length = 0;
    c.dc.send(data);
    await until('echo of ' + size + ' bytes', () => c.messages > before);
    const got = c.inbox[0];
    if (got.text !== text || got.length !== size || got.hash !== want) throw new Error('echo differs: ' + JSON.stringify(got) + ' for ' + size);
  };
  rig.refuses = (i, size) => {
    try { dcs[i].dc.send(new Uint8Array(size)); } catch (e) { return e.name; }
    return '';
  };

  /* Sends `count` messages, or for `ms` milliseconds, never more than `high` bytes ahead. */
  rig.sendMany = async (i, size, count, ms = 1e9, high = 4 << 20) => {
    const { dc } = dcs[i], data = new Uint8Array(size), view = new DataView(data.buffer), end = performance.now() + ms, start = performance.now();
    for (let k = 4; k < size; k++) data[k] = k * 7;
    let h = 0, sent = 0;
    await rig.opened(i);
    dc.bufferedAmountLowThreshold = high >> 1;
    while (sent < count && performance.now() < end) {
      if (dc.readyState !== 'open') throw new Error('channel is ' + dc.readyState);
      for (let k = 0; k < 16 && sent < count && dc.bufferedAmount < high; k++) {
        if (size >= 4) view.setUint32(0, sent, true);
        dc.send(data);
        h = hashMessage(h, data);
        sent++;
      }
      if (dc.bufferedAmount >= high)
        await new Promise(done => { dc.onbufferedamountlow = done; setTimeout(done, 100); });
      else await new Promise(done => { const m = new MessageChannel(); m.port1.onmessage = done; m.port2.postMessage(0); });
    }
    return { sent, hash: h >>> 0, seconds: (performance.now() - start) / 1e3 };
  };
  rig.drained = i => until('buffer drained', () => dcs[i].dc.bufferedAmount === 0, 60000);

  /* Opens `count` channels in turns of `width`, one round trip on each, and closes them. */
  rig.manyChannels = async (n, count, width) => {
    let done = 0;
    while (done < count) {
      const turn = [];
      for (let k = 0; k < width && done + k < count; k++) turn.push(rig.open(n, 'many-' + (done + k)));
      for (const i of turn) await rig.opened(i);
      for (const i of turn) await rig.roundTrip(i, true, 20);
      for (const i of turn) rig.closeChannel(i);
      for (const i of turn) await rig.closed(i);
      done += turn.length;
    }
    return done;
  };
})();
