/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys from end to end: a browser and the library talk through a forwarding server of our own that keeps all and reads nothing. */
import { randomBytes, webcrypto } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONNECTED, Peer, equal, measure, newPage, sleep, test, trickle } from './lib.mjs';
import { likeness, readable, shared, writeStolen } from './stolen.mjs';

const here = dirname(fileURLToPath(import.meta.url)), fixtures = join(here, '../fixtures');
const MODULE = join(here, '../../docs/examples/e2ee/sframe.mjs');
const script = readFileSync(join(here, 'page-e2ee.js'), 'utf8');
const KINDS = ['audio', 'video'];
const FILES = { VP9: 'vp9.ivf', AV1: 'av1.ivf' }; /* what the tools do not encode themselves */

let kids = 0;
const hex = () => randomBytes(32).toString('hex');
const keysOf = suites => Object.fromEntries(KINDS.map((kind, i) => [kind, { kid: ++kids * 100, suite: suites[i], key: hex() }]));
const lists = keys => Object.fromEntries(KINDS.map(kind => [kind, [keys[kind]]]));
const wrong = keys => Object.fromEntries(KINDS.map(kind => [kind, { ...keys[kind], key: hex() }]));

async function until(what, text, ms = 20000) {
  for (const end = Date.now() + ms; ;) {
    const got = await what();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not in ${ms / 1e3} s: ${typeof text === 'function' ? await text() : text}`);
    await sleep(50);
  }
}

async function protectingPage(browser) {
  const page = await newPage(browser, true);
  await page.raw.evaluate(script);
  await page.loadSFrame(readFileSync(MODULE, 'utf8'));
  return page;
}

async function told(peer, ...fields) {
  peer.tell(...fields);
  const r = await peer.wait([fields[0], fields[1]]);
  if (+r[2] < 0) throw new Error(`${fields.join(' ')}: ${r[2]}`);
}

/* --- a call through the server --------------------------------------------------------------------------------------------- */

/*
 * The page is connection 0 of the server, the library's process connection 1. Transceiver 0 has the sound, 1 the picture, everywhere.
 * page, program: what each of them seals with; pageHas, programHas: what the other one opens with, if it is not that.
 */
class Relayed {
  constructor(page, video) { Object.assign(this, { page, video, server: new Peer(), peer: new Peer(), directory: mkdtempSync(join(tmpdir(), 'sotto-e2ee-')) }); }

  async #program(keys, opens) {
    const { server, peer, video } = this;
    peer.tell('new', 0); server.tell('new', 1);
    KINDS.forEach((kind, i) => { peer.tell('transceiver', 0, kind, 'sendrecv', 'stream=t'); server.tell('track', 1, kind, 'stream=t'); peer.tell('prefs', 0, i, i ? `video/${video}` : 'audio/opus'); });
    for (const [i, kind] of KINDS.entries()) {
      if (!keys) continue;
      await told(peer, 'e2ee', 0, i, 'send', ...Object.values(keys[kind]));
      await told(peer, 'e2ee', 0, i, 'receive', ...Object.values(opens[kind]));
    }
    peer.tell('describe', 0);
    server.tell('D', 1, 'offer', (await peer.description(0)).sdp);
    peer.tell('D', 0, 'answer', (await server.description(1)).sdp);
    await Promise.all([peer.state(0, CONNECTED), server.state(1, CONNECTED)]);
  }

  async #browser(keys, opens) {
    const { page, server, video } = this, p = this.p = await page.make(true, { encodedInsertableStreams: !!keys });
    await page.shape(p, KINDS.map((kind, i) => ({ kind, codec: i ? `video/${video}` : 'audio/opus', stream: 's' })));
    if (keys) await page.protect(p, { send: keys, receive: lists(opens) });
    server.tell('new', 0, 'trickle');
    for (const kind of KINDS) server.tell('track', 0, kind, 'stream=t');
    this.stop = trickle(page, p, server, 0);
    server.tell('D', 0, 'offer', (await page.describe(p)).sdp);
    await page.accept(p, (await server.description(0)).sdp);
    await page.connected(p);
    await server.state(0, CONNECTED);
  }

  async connect({ mine, theirs, pageOpens = theirs, programOpens = mine } = {}) {
    const { server, peer, page, directory } = this, clear = !mine;
    await Promise.all([this.#program(clear ? null : theirs, programOpens), this.#browser(clear ? null : mine, pageOpens)]);
    for (const i of [0, 1]) {
      await told(server, 'forward', 0, i, 1, i, this.stolen(i));
      await told(server, 'forward', 1, i, 0, i, this.stolen(i, true));
    }
    mkdirSync(join(directory, 'in'));
    await told(peer, 'record', 0, join(directory, 'in'));
    await told(peer, 'play', 0, 1, ...(FILES[this.video] ? [join(fixtures, 'media_file', FILES[this.video])] : []));
    await told(peer, 'play', 0, 0);
    await page.play(this.p);
    await peer.ask('key', 0, 1);
  }
  /* What the server kept of the page's sound or picture, or of the program's. */
  stolen(i, back) { return join(this.directory, `${back ? 'program' : 'page'}-${KINDS[i]}`); }

  async frames(kind) {
    const r = await this.peer.ask('frames', 0);
    return +(r.slice(2).map(text => text.split(',')).find(f => f[2].startsWith(kind))?.[3] ?? 0);
  }
  async figures() { return this.page.figures(this.p); }
  /* How the program's opening went. */
  async opened(i) {
    this.peer.tell('sealed', 0, i, 'receive');
    const [cipher, kid, passed, noKey, bad, replayed, old] = (await this.peer.wait(['sealed', 0])).slice(2).map(Number);
    return { cipher, kid, passed, noKey, bad, replayed, old };
  }
  async all() { return JSON.stringify([await this.figures(), await this.page.protected(this.p), await this.opened(0), await this.opened(1)]); }

  /* Both see and hear: so many pictures more. */
  async flows(n = 15) {
    const f = await this.figures(), from = [f.video?.decoded ?? 0, await this.frames('video'), f.audio?.energy ?? 0, await this.frames('audio')];
    await until(async () => {
      const g = await this.figures();
      return g.video?.decoded >= from[0] + n && await this.frames('video') >= from[1] + n && g.audio?.energy > from[2] && await this.frames('audio') >= from[3] + n;
    }, async () => `both see and hear: ${await this.all()}`);
  }

  async end() {
    this.stop?.();
    if (this.p !== undefined) { await this.page.gone(this.p).catch(() => {}); await this.page.unprotect(this.p).catch(() => {}); }
    await Promise.all([this.peer.end(), this.server.end()]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function relayed(page, video, what) {
  const c = new Relayed(page, video);
  try { return await what(c); } finally { await c.end(); }
}

/* --- cases ------------------------------------------------------------------------------------------------------------------ */

/* What the server kept is no picture, and holds nothing of what was said; without keys it is, and does: so the look at it can fail. */
async function stolenFrom(c, clear) {
  const { directory, video } = c, notes = [];
  for (const i of [0, 1]) await c.server.ask('forwarded', 0, i);
  await c.peer.ask('recorded', 0);
  for (const [i, kind] of KINDS.entries()) {
    const name = readdirSync(join(directory, 'in')).find(x => x.includes(kind)), plain = join(directory, 'in', name);
    const bytes = shared(readFileSync(plain), readFileSync(c.stolen(i)), kind, video);
    notes.push(`${kind}: ${bytes.found} of ${bytes.looked}`);
    if (bytes.looked < 50) throw new Error(`${kind}: only ${bytes.looked} places to look for`);
    if (clear ? bytes.found < bytes.looked / 2 : bytes.found > 0) throw new Error(`of ${bytes.looked} pieces of ${kind} as it was meant the server had ${bytes.found}`);
    if (i === 0) continue;
    const said = likeness(plain, writeStolen(readFileSync(c.stolen(1)), video, join(directory, `stolen-${name}`)));
    notes.push(`picture alike: ${said.toFixed(2)}`);
    if (clear ? said < 0.9 : said > 0.5) throw new Error(`what the server has is like the picture: ${said.toFixed(2)}`);
  }
  if (!clear) for (const i of [0, 1]) for (const back of [false, true]) {
    const bits = readable(readFileSync(c.stolen(i, back)));
    if (bits < 7.5) throw new Error(`${c.stolen(i, back)}: ${bits.toFixed(2)} bits of entropy a byte`);
  }
  return notes.join(', ');
}

// proves: S25
async function bothSee(page, video, suites) {
  return relayed(page, video, async c => {
    const mine = keysOf(suites), theirs = keysOf(suites);
    await c.connect({ mine, theirs });
    await c.flows();
    if (!FILES[video] && await page.clock(c.p) === null) throw new Error('no clock in the picture');
    const f = await page.protected(c.p), o = [await c.opened(0), await c.opened(1)];
    if (f.unsealed || f.badTag || f.unknownKey || f.malformed || f.replayed || f.reordered) throw new Error('the page: ' + JSON.stringify(f));
    equal(o.map(x => [x.cipher, x.noKey, x.bad, x.replayed, x.old]), suites.map(s => [s, 0, 0, 0, 0]), 'what the program opened');
    return video === 'VP8' || video === 'H264' ? stolenFrom(c, false) : undefined;
  });
}

/* The same server, and no keys. */
async function control(page) {
  return relayed(page, 'VP8', async c => {
    await c.connect();
    await c.flows(30);
    return stolenFrom(c, true);
  });
}

/* Nothing is shown, nothing heard, and the failures are told at most once a second; then the right keys come. */
// proves: S25 H137
async function wrongKey(page) {
  return relayed(page, 'VP8', async c => {
    const mine = keysOf([4, 4]), theirs = keysOf([4, 4]), start = Date.now();
    await c.connect({ mine, theirs, pageOpens: wrong(theirs), programOpens: wrong(mine) });
    await until(async () => (await page.protected(c.p)).badTag > 60 && (await c.opened(0)).bad > 30 && (await c.opened(1)).bad > 10, () => c.all());
    const f = await c.figures(), s = await page.protected(c.p);
    equal([f.video?.decoded ?? 0, f.audio?.energy ?? 0, s.opened, await c.frames('video'), await c.frames('audio')], [0, 0, 0, 0, 0], 'pictures and sound under a wrong key');
    if (!(s.told >= 1 && s.told <= 4 * (1 + (Date.now() - start) / 1e3))) throw new Error(`the page was told ${s.told} times`);
    await page.protect(c.p, { receive: lists(theirs) });
    for (const [i, kind] of KINDS.entries()) {
      c.peer.tell('e2eeremove', 0, i, 'receive', mine[kind].kid);
      await told(c.peer, 'e2ee', 0, i, 'receive', ...Object.values(mine[kind]));
    }
    await c.flows(5);
    return `${s.badTag} dropped by the page`;
  });
}

/* A server that changes, repeats and swaps frames: each of them is dropped, on both sides, and the call goes on. */
// proves: S25 H137
async function attacked(page) {
  return relayed(page, 'VP8', async c => {
    const mine = keysOf([4, 1]), theirs = keysOf([1, 4]), { server } = c, said = [];
    await c.connect({ mine, theirs });
    await c.flows(5);
    const routes = [[0, 0], [0, 1], [1, 0], [1, 1]];
    const done = async () => { let n = 0; for (const r of routes) n += +(await server.ask('forwarded', r[0], r[1]))[3]; return n; };
    for (const [kind, atPage, here] of [['tamper', 'badTag', 'bad'], ['replay', 'replayed', 'replayed'], ['swap', 'reordered', 'replayed']]) {
      const count = async () => [(await page.protected(c.p))[atPage], (await c.opened(0))[here], (await c.opened(1))[here]], before = await count(), from = await done();
      const more = async () => (await count()).map((n, i) => n - before[i]);
      for (const r of routes) await told(server, 'attack', ...r, kind, 4);
      await until(async () => await done() === from + 16, `${kind}: sixteen frames`);
      await until(async () => { const [x, y, z] = await more(); return x >= 8 && y >= 4 && z >= 1; }, async () => `${kind}: ${await more()}: ${await c.all()}`);
      const [x, y, z] = await more(); /* after one that is missing the program opens no picture before the next key frame */
      if (x !== 8 || y !== 4 || z > 4) throw new Error(`${kind}: dropped by the page ${x}, of sound and picture by the program ${y} and ${z}`);
      said.push(`${kind} ${x}, ${y}, ${z}`);
      await c.flows(5);
    }
    return said.join(', ');
  });
}

/* Each side goes a step on with its keys while the call runs. */
// proves: S25
async function ratcheted(page) {
  return relayed(page, 'VP8', async c => {
    const step = keys => Object.fromEntries(KINDS.map(kind => [kind, { ...keys[kind], ratchetBits: 4, kid: keys[kind].kid << 4 }]));
    const mine = step(keysOf([5, 5])), theirs = step(keysOf([2, 2]));
    await c.connect({ mine, theirs });
    await c.flows(5);
    for (const i of [0, 1]) await told(c.peer, 'ratchet', 0, i);
    await page.ratchet(c.p);
    await c.flows(5);
    equal((await c.opened(1)).kid, mine.video.kid + 1, 'the step that the program follows');
    const f = await page.protected(c.p);
    equal([f.badTag, f.unknownKey], [0, 0], 'dropped by the page');
  });
}

// proves: S25
async function messages(page) {
  const peer = new Peer(), key = [{ kid: 1, suite: 4, key: hex() }, { kid: 2, suite: 1, key: hex() }];
  try {
    const p = await page.make(false), i = await page.open(p, 'sealed', { negotiated: true, id: 4 });
    peer.tell('new', 0);
    const k = await peer.open(0, 'sealed', 'id=4');
    await told(peer, 'e2eedc', k, 'receive', ...Object.values(key[0]));
    await told(peer, 'e2eedc', k, 'send', ...Object.values(key[1]));
    peer.tell('D', 0, 'offer', await page.offer(p));
    await page.accept(p, (await peer.description(0)).sdp);
    await page.opened(i);
    equal(await page.sealedEcho(i, key[0], key[1]), ['Ça marche: ✓', '', [1, 2, 3], 40000], 'what came back');
    await page.close(p);
  } finally { await peer.end(); }
}

/* --- the module in node --------------------------------------------------------------------------------------------------------- */

const bytes = text => new Uint8Array(Buffer.from(text, 'hex'));

// proves: S25
async function vectors() {
  globalThis.crypto ??= webcrypto;
  const m = await import(MODULE), v = JSON.parse(readFileSync(join(fixtures, 'sframe/rfc9605.json')));
  for (const h of v.header) {
    equal(Buffer.from(m.writeHeader(BigInt(h.kid), BigInt(h.ctr))).toString('hex'), h.encoded, `header of ${h.kid} ${h.ctr}`);
    const { kid, ctr, length } = m.readHeader(bytes(h.encoded + '00'));
    equal([String(kid), String(ctr), length], [h.kid, h.ctr, h.encoded.length / 2], 'header ' + h.encoded);
    for (let n = 0; n < length; n++) equal(m.readHeader(bytes(h.encoded).subarray(0, n)), null, `header ${h.encoded} cut to ${n}`);
  }
  for (const x of v.sframe) {
    const key = { kid: x.kid, suite: x.cipher_suite, key: bytes(x.base_key), counter: x.ctr }, metadata = bytes(x.metadata), ct = bytes(x.ct);
    equal(Buffer.from(await new m.Sealer(key).seal(metadata, bytes(x.pt))).toString('hex'), x.ct, `suite ${x.cipher_suite}`);
    for (let i = 0; i < ct.length; i++) { /* no byte can be changed, nor the metadata, nor can it be cut */
      const bad = Uint8Array.from(ct, (b, k) => (k === i ? b ^ 1 : b)), o = new m.Opener([key]);
      equal([await o.open(metadata, bad), await o.open(metadata, ct.subarray(0, i))], [null, null], `suite ${x.cipher_suite}, byte ${i}`);
    }
    const o = new m.Opener([key]);
    equal([await o.open(metadata.subarray(1), ct), Buffer.from(await o.open(metadata, ct)).toString('hex'), await o.open(metadata, ct)], [null, x.pt, null], `suite ${x.cipher_suite}`);
    equal(o.counters, { opened: 1, malformed: 0, unknownKey: 0, badTag: 1, replayed: 1, reordered: 0 }, 'counters');
  }
  return `${v.header.length} headers, ${v.sframe.length} suites`;
}

// proves: H137
async function hostile() {
  globalThis.crypto ??= webcrypto;
  const m = await import(MODULE), key = { kid: 1 << 8, key: bytes(hex()), ratchetBits: 8 }, none = new Uint8Array(0);
  const s = new m.Sealer(key), o = new m.Opener([key]), sealed = [];
  for (let i = 0; i < 1200; i++) sealed.push(await s.seal(none, Uint8Array.of(i)));
  const open = (i, time) => o.open(none, sealed[i], time), ok = x => x !== null;
  equal([ok(await open(1100)), ok(await open(77)), ok(await open(76)), ok(await open(77)), ok(await open(1101))], [true, true, false, false, true], 'the replay window');
  equal([ok(await open(1150, 90000)), ok(await open(1149, 93000)), ok(await open(1148, 87000)), ok(await open(1152, 87000)), ok(await open(1153, 93000))],
    [true, false, true, false, true], 'counters and times in another order');
  for (let i = 0; i < 16; i++) await s.ratchet();
  equal(ok(await o.open(none, await s.seal(none, none))), true, 'sixteen steps');
  for (let i = 0; i < 17; i++) await s.ratchet();
  equal(ok(await o.open(none, await s.seal(none, none))), false, 'seventeen');
  for (const h of ['ff' + 'ff'.repeat(16), '0fffffffffffffffff', 'f0', '', '08', '8007', '0807', '0900ff', '99001000ff']) equal(await o.open(none, bytes(h + (h.length > 4 ? '00'.repeat(16) : ''))), null, h);
  for (const h of ['8007', '0807', '0900ff', '99001000ff']) equal(m.readHeader(bytes(h)), null, `${h}: longer than it must be`);
  const size = n => ({ kid: 1, key: new Uint8Array(n) });
  for (const key of [size(15), size(65), { ...size(16), suite: 6 }, { ...size(16), suite: 0 }, { ...size(16), kid: 1n << 64n }, { ...size(16), kid: -1 },
    { ...size(16), ratchetBits: 1 }, { ...size(16), ratchetBits: 17 }]) {
    let refused = false;
    try { new m.Sealer(key); } catch { refused = true; }
    equal(refused, true, 'a key that is none');
  }
}

/* Whoever seals under a key, and however often it is given: no counter comes twice. */
// proves: S25
async function countersOnce() {
  globalThis.crypto ??= webcrypto;
  const m = await import(MODULE), key = { kid: 1 << 4, key: bytes(hex()), ratchetBits: 4 }, none = new Uint8Array(0), seen = new Set();
  const seal = async s => {
    const { kid, ctr } = m.readHeader(await s.seal(none, none)), one = `${kid} ${ctr}`;
    equal(seen.has(one), false, `a second ${one}`);
    seen.add(one);
  };
  const a = new m.Sealer(key), b = new m.Sealer(key);
  for (const s of [a, b, a, new m.Sealer(key), b]) await seal(s);
  await Promise.all([seal(a), seal(b), seal(a), a.ratchet(), seal(a), a.ratchet(), seal(a)]); /* both steps are made */
  await seal(a);
  for (const s of [a, b]) { await s.ratchet(); await seal(s); await s.ratchet(); await seal(s); }
  equal(Math.max(...[...seen].map(x => parseInt(x, 10))), (1 << 4) + 4, 'the last step');
  const last = new m.Sealer({ kid: 1, key: bytes(hex()), counter: (1n << 64n) - 2n });
  await seal(last);
  let refused = false;
  try { await last.seal(none, none); } catch { refused = true; }
  equal(refused, true, 'a counter of 65 bits');
}

/* What a receiver knows stays when it gets other keys, several frames at a time, or forgeries. */
// proves: S25 H137
async function openersRemember() {
  globalThis.crypto ??= webcrypto;
  const m = await import(MODULE), key = { kid: 1 << 8, key: bytes(hex()), ratchetBits: 8 }, other = { kid: 9, key: bytes(hex()) }, none = new Uint8Array(0);
  const s = new m.Sealer(key), o = new m.Opener([key]), seal = () => s.seal(none, none), open = x => o.open(none, x).then(y => y !== null);
  const a = await seal(), late = await seal(), later = await seal();
  equal(await Promise.all([open(a), open(a)]), [true, false], 'twice at a time');
  await s.ratchet();
  const b = await seal();
  equal([...await Promise.all([open(b), open(b)]), await open(late)], [true, false, true], 'a step, twice at a time, and a late one');
  const forged = step => m.join(m.writeHeader(BigInt(key.kid + step), 1n), new Uint8Array(30));
  equal([await open(forged(2)), await open(forged(5)), await open(later)], [false, false, true], 'a late one after forgeries');
  await o.set([other, key]);
  equal([await open(a), await open(b), await open(await seal())], [false, false, true], 'after another key was added');
  await o.set([other]);
  equal(await open(await seal()), false, 'without the key');
  await o.set([key]);
  await s.ratchet();
  const next = await seal(), { badTag, unknownKey } = o.counters, clock = Date.now;
  try {
    const now = clock() + 1e6; /* a second that does not pass */
    Date.now = () => now;
    for (let i = 0; i < 20; i++) await open(forged(16));
    equal([o.counters.badTag - badTag, o.counters.unknownKey - unknownKey], [16, 4], 'steps that are tried');
    equal(await open(next), false, 'nor a true one');
    Date.now = () => now + 1000;
    equal(await open(next), true, 'a second later');
  } finally { Date.now = clock; }
}

/* Frames of each shape, sealed and opened, and what must not be in them. */
// proves: S25
async function frameFormats() {
  globalThis.crypto ??= webcrypto;
  const m = await import(MODULE), key = { kid: 5, key: bytes(hex()) }, nal = (...b) => Uint8Array.of(0, 0, 0, 1, ...b), zeros = new Uint8Array(300);
  const frames = {
    'audio/opus': [Uint8Array.of(0xfc, 1, 2), Uint8Array.of(1)], 'video/VP9': [zeros],
    'video/VP8': [Uint8Array.of(0x10, 2, 0, 0x9d, 1, 0x2a, 1, 2, 3, 4, 5, 6), Uint8Array.of(1, 2, 3)],
    'video/H264': [m.join(nal(0x67, 1, 2), nal(0x68, 3), Uint8Array.of(0, 0, 1, 0x65, 0, 0, 3, 0, 0, 3), zeros, nal(0x65, 9, 9)), nal(0x41), nal(0x41, 0, 0)],
    'video/H265': [m.join(nal(0x40, 1, 2), nal(0x42, 1, 3), nal(0x26, 1, 0, 0, 0, 0), zeros), nal(0x02, 1)],
    'video/AV1': [Uint8Array.of(0x12, 0, 0x0a, 3, 1, 2, 3, 0x32, 2, 7, 8), Uint8Array.of(0x12, 0, 0x30, 1, 2, 3, 4, 5, 6)],
  };
  let n = 0;
  for (const [mime, list] of Object.entries(frames)) for (const frame of list) for (let k = 0; k < 40; k++, n++) {
    const s = new m.Sealer({ ...key, counter: k * 97 }), o = new m.Opener([key]), sealed = await m.sealFrame(s, mime, frame);
    const plain = await m.openFrame(o, mime, sealed);
    if (mime === 'video/AV1') equal(plain[0] >> 3 & 15, frame[2] >> 3 & 15, 'AV1: no temporal delimiter');
    else equal(Buffer.compare(Buffer.from(plain), Buffer.from(frame)), 0, `${mime}, counter ${k * 97}`);
    equal(await m.openFrame(o, mime, sealed), null, 'a second time');
    equal(await m.openFrame(o, mime, frame), null, 'in the clear');
  }
  for (const mime of ['video/H264', 'video/H265', 'video/AV1']) equal(await m.sealFrame(new m.Sealer(key), mime, nal(0x67, 1)), null, `${mime} without a slice`);
  for (const b of [[1, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8], []]) equal(await m.sealFrame(new m.Sealer(key), 'video/VP8', Uint8Array.from(b)), null, `VP8 of ${b.length} bytes`);
  /* A key stream is found, and a frame that it makes into zeros: what is worst for start codes. */
  const one = { kid: 6, key: bytes(hex()), suite: 1, counter: 5 }, front = nal(0x41), k = await m.deriveKey(1, 6, one.key);
  const counter = Uint8Array.from({ length: 16 }, (_, i) => (i < 12 ? k.salt[i] ^ (i === 11 ? 5 : 0) : 0));
  const stream = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 32 }, k.aes, new Uint8Array(500)));
  const frame = m.join(front, stream.subarray(front.length));
  const zeros500 = await m.sealFrame(new m.Sealer(one), 'video/H264', frame), opened = await m.openFrame(new m.Opener([one]), 'video/H264', zeros500);
  equal(Buffer.compare(Buffer.from(opened), Buffer.from(frame)), 0, 'a frame of zeros when sealed');
  equal([/\0\0[\0\x01\x02]/.test(Buffer.from(zeros500.subarray(4)).toString('latin1')), zeros500.length > 700], [false, true], 'start codes in what is sealed');
  return `${n + 1} frames`;
}

/* Parameter sets of H264 stay clear, as the format says: a server that has them has nothing. A slice is something. */
async function clearByFormat() {
  globalThis.crypto ??= webcrypto;
  const m = await import(MODULE), s = new m.Sealer({ kid: 7, key: bytes(hex()) }), start = Uint8Array.of(0, 0, 0, 1);
  const set = Uint8Array.from({ length: 40 }, (_, i) => 0x67 + 5 * i), frames = [], kept = [], clear = [];
  const packet = unit => { const p = Buffer.concat([Buffer.alloc(14), unit]); p.writeUInt16BE(p.length - 2); p[2] = 0x80; return p; };
  for (let i = 0; i < 60; i++) {
    const slice = m.join(Uint8Array.of(0x65, 0x88), randomBytes(300).map(b => b | 4)), frame = m.join(start, set, start, slice);
    frames.push(frame);
    clear.push(packet(slice));
    kept.push(packet(set), packet((await m.sealFrame(s, 'video/H264', frame)).subarray(2 * start.length + set.length)));
  }
  const { looked, found } = shared(Buffer.concat(frames), Buffer.concat(kept), 'video', 'H264');
  equal([looked > 1000, found], [true, 0], 'in what was sealed');
  const all = shared(Buffer.concat(frames), Buffer.concat(clear), 'video', 'H264');
  equal(all.found > all.looked * 0.9, true, 'in what was not');
}

export async function moduleSeries() {
  await test('sframe.mjs: the vectors of RFC 9605, and nothing else', 10000, vectors);
  await test('sframe.mjs: replays, swaps, ratchets and rubbish', 10000, hostile);
  await test('sframe.mjs: no counter twice under a key', 10000, countersOnce);
  await test('sframe.mjs: receivers remember what came', 10000, openersRemember);
  await test('sframe.mjs: frames of each codec', 10000, frameFormats);
  await test('sframe.mjs: what stays clear is not taken for what was sealed', 10000, clearByFormat);
}

/* Suites of sound and picture: all five are used. */
export async function e2eeSeries(name, browser) {
  const page = await protectingPage(browser), has = c => page.has(`video/${c}`);
  for (const [video, suites] of [['VP8', [4, 4]], ['H264', [1, 5]], ['VP9', [3, 2]], ['AV1', [2, 1]]])
    if (await has(video)) await measure(`${name}: end to end through a server that reads nothing: ${video} and Opus`, 30000, () => bothSee(page, video, suites));
  await measure(`${name}: a server reads what was not sealed from end to end`, 30000, () => control(page));
  await measure(`${name}: end to end: a wrong key shows nothing, the right one does`, 30000, () => wrongKey(page));
  await measure(`${name}: end to end: tampered, replayed and swapped frames are dropped`, 30000, () => attacked(page));
  await measure(`${name}: end to end: keys go on by the ratchet`, 30000, () => ratcheted(page));
  await measure(`${name}: end to end: messages`, 30000, () => messages(page));
  await page.end();
}
