/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys from end to end in a browser: SFrame (RFC 9605) over encoded frames and over messages, by WebCrypto, in the format of
 * docs/reference/end-to-end.md. One file, to be copied: a module for pages and for node, and the worker of an RTCRtpScriptTransform.
 *
 *   import { CONFIGURATION, Protection } from './sframe.mjs';
 *   const pc = new RTCPeerConnection({ ...CONFIGURATION, iceServers });
 *   const p = new Protection(new Worker('./sframe.mjs', { type: 'module' }));
 *   p.send(sender, { kid: 1, suite: 4, key });        // key: Uint8Array of at least 16 bytes that both ends share
 *   p.receive(receiver, [{ kid: 2, suite: 4, key }]);
 *   p.onfailure = counters => …;                      // at most once a second for each sender and receiver
 *
 * A frame that does not open, because its key is unknown, its tag is wrong or it came before, is dropped and counted; nothing is ever
 * passed on in the clear. Nobody who has no key learns more than the clear prefix of a frame says.
 */

/* --- RFC 9605 ------------------------------------------------------------------------------------------------------- */

const SUITES = {
  1: { ctr: true, hash: 'SHA-256', nh: 32, nk: 48, tag: 10 }, /* AES_128_CTR_HMAC_SHA256_80 */
  2: { ctr: true, hash: 'SHA-256', nh: 32, nk: 48, tag: 8 },
  3: { ctr: true, hash: 'SHA-256', nh: 32, nk: 48, tag: 4 },
  4: { hash: 'SHA-256', nh: 32, nk: 16, tag: 16 }, /* AES_128_GCM_SHA256_128 */
  5: { hash: 'SHA-512', nh: 64, nk: 32, tag: 16 }, /* AES_256_GCM_SHA512_128 */
};
const NONCE = 12, WINDOW = 1024n, STEPS_AHEAD = 16n, GUESSES = 16, NEAR = 900000;

const ascii = s => Uint8Array.from(s, c => c.charCodeAt(0));
export function join(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) { all.set(p, at); at += p.length; }
  return all;
}
function bigEndian(value, length) {
  const out = new Uint8Array(length);
  for (let v = BigInt(value), i = length - 1; i >= 0; i--, v >>= 8n) out[i] = Number(v & 255n);
  return out;
}
const number = bytes => bytes.reduce((v, b) => v << 8n | BigInt(b), 0n);
const shortest = v => { let n = 1; while (BigInt(v) >> BigInt(8 * n)) n++; return bigEndian(v, n); };

async function hmac(hash, key, data) {
  const k = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', k, data));
}
/* Not WebCrypto's HKDF: its key derivation cannot begin with the extracted secret, and an HMAC key of no bytes is refused: RFC 5869 §2.2
 * fills it with zeros anyway. */
const extract = (s, key) => hmac(s.hash, new Uint8Array(s.nh), key);
async function expand(s, secret, info, length) {
  let last = new Uint8Array(0), out = last;
  for (let i = 1; out.length < length; i++) {
    last = await hmac(s.hash, secret, join(last, info, Uint8Array.of(i)));
    out = join(out, last);
  }
  return out.slice(0, length);
}

/* The header (RFC 9605 §4.3) of a key id and a counter. */
export function writeHeader(kid, ctr) {
  const [k, c] = [kid, ctr].map(BigInt), kb = k < 8n ? [] : shortest(k), cb = c < 8n ? [] : shortest(c);
  const field = (v, bytes) => (v < 8n ? Number(v) : 8 | bytes.length - 1);
  return join(Uint8Array.of(field(k, kb) << 4 | field(c, cb)), kb, cb);
}
/* … and back: { kid, ctr, length }, null if it is cut off, or longer than it must be. */
export function readHeader(bytes) {
  if (bytes.length < 1) return null;
  let at = 1;
  const read = f => {
    if (!(f & 8)) return BigInt(f);
    const from = at, value = at + (f & 7) < bytes.length ? number(bytes.subarray(from, at += (f & 7) + 1)) : null;
    return value === null || value < 8n || shortest(value).length < at - from ? null : value;
  };
  const kid = read(bytes[0] >> 4), ctr = kid === null ? null : read(bytes[0] & 15);
  return ctr === null ? null : { kid, ctr, length: at };
}

/* What is derived of one base key under one key id (§4.4.2); id: equal for what must not share a counter, and says nothing of the key. */
export async function deriveKey(suite, kid, base) {
  const s = SUITES[suite];
  if (!s) throw new RangeError(`no cipher suite ${suite}`);
  const secret = await extract(s, base), tail = join(bigEndian(kid, 8), bigEndian(suite, 2));
  const key = await expand(s, secret, join(ascii('SFrame 1.0 Secret key '), tail), s.nk);
  const salt = await expand(s, secret, join(ascii('SFrame 1.0 Secret salt '), tail), NONCE);
  const id = String(await expand(s, secret, join(ascii('sotto identity '), tail), 16));
  const raw = (bytes, algorithm, use) => crypto.subtle.importKey('raw', bytes, algorithm, false, use);
  if (!s.ctr) return { s, salt, id, aes: await raw(key, 'AES-GCM', ['encrypt', 'decrypt']) };
  return {
    s, salt, id, aes: await raw(key.subarray(0, 16), 'AES-CTR', ['encrypt', 'decrypt']),
    mac: await raw(key.subarray(16), { name: 'HMAC', hash: s.hash }, ['sign']),
  };
}
const nonceOf = (k, ctr) => bigEndian(ctr, NONCE).map((b, i) => b ^ k.salt[i]);
/* AES in counter mode with a truncated HMAC (§4.5.1). */
const counterMode = (k, way, nonce, bytes) =>
  crypto.subtle[way]({ name: 'AES-CTR', counter: join(nonce, new Uint8Array(4)), length: 32 }, k.aes, bytes).then(b => new Uint8Array(b));
async function tagOf(k, nonce, aad, secret) {
  const lengths = [aad.length, secret.length, k.s.tag].map(n => bigEndian(n, 8));
  return new Uint8Array(await crypto.subtle.sign('HMAC', k.mac, join(...lengths, nonce, aad, secret))).subarray(0, k.s.tag);
}
const gcm = (k, nonce, aad) => ({ name: 'AES-GCM', iv: nonce, additionalData: aad, tagLength: 8 * k.s.tag });

async function sealWith(k, ctr, aad, plain) {
  const nonce = nonceOf(k, ctr);
  if (!k.s.ctr) return new Uint8Array(await crypto.subtle.encrypt(gcm(k, nonce, aad), k.aes, plain));
  const secret = await counterMode(k, 'encrypt', nonce, plain);
  return join(secret, await tagOf(k, nonce, aad, secret));
}
/* null: the tag is wrong. */
async function openWith(k, ctr, aad, sealed) {
  const nonce = nonceOf(k, ctr);
  if (sealed.length < k.s.tag) return null;
  if (!k.s.ctr) return crypto.subtle.decrypt(gcm(k, nonce, aad), k.aes, sealed).then(b => new Uint8Array(b), () => null);
  const secret = sealed.subarray(0, sealed.length - k.s.tag), tag = sealed.subarray(secret.length);
  const wrong = (await tagOf(k, nonce, aad, secret)).reduce((d, b, i) => d | b ^ tag[i], 0);
  return wrong ? null : counterMode(k, 'decrypt', nonce, secret);
}

/* Which counters came already: the last WINDOW of them. */
export class Replay {
  #seen = 0n;
  top = -1n;
  isNew(ctr) {
    if (ctr > this.top) return true;
    const back = this.top - ctr;
    return back < WINDOW && !(this.#seen >> back & 1n);
  }
  add(ctr) {
    if (ctr > this.top) {
      const step = ctr - this.top;
      this.#seen = (step < WINDOW ? this.#seen << step & (1n << WINDOW) - 1n : 0n) | 1n;
      this.top = ctr;
    } else this.#seen |= 1n << this.top - ctr;
  }
}

/*
 * A key, as it is given to send() or receive(): { kid, suite, key, ratchetBits }. With ratchetBits R of 2 to 16 it is a ratchet (§5.1):
 * the low R bits of kid count its steps, and each step's base key comes of the one before.
 */
class Chain {
  opened = 0;
  constructor({ kid, suite = 4, key, ratchetBits = 0 }, first) {
    if (!SUITES[suite]) throw new RangeError(`no cipher suite ${suite}`);
    if (!(key?.length >= 16 && key.length <= 64)) throw new RangeError('a key has 16 to 64 bytes');
    if (BigInt(kid) >> 64n) throw new RangeError('a kid has 64 bits');
    if (ratchetBits !== 0 && !(ratchetBits >= 2 && ratchetBits <= 16)) throw new RangeError('a ratchet has 2 to 16 bits');
    Object.assign(this, { suite, base: Uint8Array.from(key), bits: BigInt(ratchetBits), kid: BigInt(kid), window: new Replay(), first });
  }
  derived() { return this.promise ??= deriveKey(this.suite, this.kid, this.base); }
  /* Which key it was at first: equal for the same one. */
  origin() { return this.first ??= this.derived().then(k => k.id); }
  is(kid) { return BigInt(kid) >> this.bits === this.kid >> this.bits; }
  async next() {
    const s = SUITES[this.suite], mask = (1n << this.bits) - 1n;
    const key = await expand(s, await extract(s, this.base), ascii('SFrame 1.0 Ratchet'), s.nh);
    const kid = this.kid & ~mask | this.kid + 1n & mask;
    return new Chain({ kid, suite: this.suite, key, ratchetBits: Number(this.bits) }, this.origin());
  }
}

/* The next counter of each key that sealed something, by its id: whoever seals with it here, again or elsewhere, goes on with the same. */
const reached = new Map();

/* Seals: one key, counters that go up, from key.counter (0) at least. Whoever seals with a key again, in a page that was loaded again, in
 * another tab or in another worker, needs another kid, or a counter that was not reached: two frames under one counter betray each other
 * and the key. */
export class Sealer {
  #turn = Promise.resolve();
  constructor(key) { this.chain = new Chain(key); this.least = BigInt(key.counter ?? 0); }
  async ratchet() {
    if (!this.chain.bits) throw new RangeError('not a ratchet');
    await (this.#turn = this.#turn.then(async () => { this.chain = await this.chain.next(); this.least = 0n; }));
  }
  async seal(metadata, plain) {
    const { chain, least } = this, k = await chain.derived(), after = reached.get(k.id) ?? 0n, ctr = after > least ? after : least;
    if (ctr < 0n || ctr + 1n >> 64n) throw new RangeError('no counter is left');
    reached.set(k.id, ctr + 1n);
    const header = writeHeader(chain.kid, ctr);
    return join(header, await sealWith(k, ctr, join(header, metadata), plain));
  }
}

/* Opens: many keys. counters says why what was dropped was. */
export class Opener {
  #chains = [];
  #turn = Promise.resolve();
  #guesses = 0;
  #since = 0;
  counters = { opened: 0, malformed: 0, unknownKey: 0, badTag: 0, replayed: 0, reordered: 0 };
  constructor(keys = []) { for (const k of keys) this.add(k); }
  /* One after the other: what a call finds is what the one before has left. */
  #do(what) {
    const done = this.#turn.then(what);
    this.#turn = done.catch(() => {});
    return done;
  }
  /* In place of the one with the same id; what came under that may come again. */
  add(key) {
    const made = new Chain(key);
    this.remove(key.kid);
    this.#chains.push(made);
  }
  remove(kid) { this.#chains = this.#chains.filter(c => !c.is(kid)); }
  /* These keys and no others. One that is among those before stays as it is: its step, and what came under it. */
  set(keys) {
    const made = keys.map(key => new Chain(key));
    return this.#do(async () => {
      const before = this.#chains, origins = await Promise.all(before.map(c => c.origin()));
      this.#chains = await Promise.all(made.map(async c => before[origins.indexOf(await c.origin())] ?? c));
    });
  }

  /* A step that is not there is work, for everybody who claims it: for so many a second that are not true. */
  #mayGuess() {
    if (Date.now() - this.#since >= 1000) { this.#since = Date.now(); this.#guesses = 0; }
    return this.#guesses++ < GUESSES;
  }
  /* The key under this id, at most STEPS_AHEAD steps further on, or the one before; undefined. Nothing is changed. */
  async #find(kid) {
    const c = this.#chains.find(x => x.is(kid));
    if (!c || c.kid === kid) return c;
    if (c.before?.kid === kid) return c.before;
    const steps = kid - c.kid & (1n << c.bits) - 1n;
    if (steps > STEPS_AHEAD || !this.#mayGuess()) return undefined;
    let chain = c;
    for (let i = 0n; i < steps; i++) chain = await chain.next();
    chain.before = c;
    return chain;
  }
  /* It has opened something. The one before stays for what is late, for a while, and goes no further. */
  #accept(chain) {
    const at = this.#chains.indexOf(chain.before);
    if (at >= 0) {
      this.#guesses--;
      chain.before.before = chain.before.base = undefined;
      this.#chains[at] = chain;
    }
    if (++chain.opened >= WINDOW) chain.before = undefined;
  }
  #drop(why) { this.counters[why]++; return null; }

  /*
   * The plain bytes, or null: dropped, and counted. time: the RTP time of the frame. Frames may come late, but whoever swaps two of them
   * makes the order of counters and that of times differ. Calls are answered in their order.
   */
  open(metadata, bytes, time) { return this.#do(() => this.#open(metadata, bytes, time)); }
  async #open(metadata, bytes, time) {
    const h = readHeader(bytes);
    if (!h) return this.#drop('malformed');
    const chain = await this.#find(h.kid);
    if (!chain) return this.#drop('unknownKey');
    const { window } = chain;
    if (!window.isNew(h.ctr)) return this.#drop('replayed');
    const plain = await openWith(await chain.derived(), h.ctr, join(bytes.subarray(0, h.length), metadata), bytes.subarray(h.length));
    if (!plain) return this.#drop('badTag');
    const newer = h.ctr > window.top, ahead = time === undefined || window.time === undefined ? 0 : time - window.time | 0;
    window.add(h.ctr);
    if (newer ? ahead < 0 && ahead > -NEAR : ahead > 0 && ahead < NEAR) return this.#drop('reordered');
    if (newer) window.time = time;
    this.#accept(chain);
    this.counters.opened++;
    return plain;
  }
}

/* --- frames and messages: docs/reference/end-to-end.md ----------------------------------------------------------------- */

const NOTHING = new Uint8Array(0), START = Uint8Array.of(0, 0, 0, 1);

/* Where each NAL unit of an Annex B frame begins and ends: [[begin, end]]. */
function nalUnits(b) {
  const found = [];
  for (let i = 0; i + 2 < b.length; i++) {
    if (b[i] || b[i + 1] || b[i + 2] !== 1) continue;
    if (found.length) found.at(-1)[1] = i;
    found.push([i + 3, b.length]);
    i += 2;
  }
  return found;
}
/* Emulation prevention (H.264 §7.4.1) from byte `from` on, put in or taken out. */
function escaped(b, from) {
  const out = new Uint8Array(b.length + (b.length >> 1) + 1);
  let n = 0, zeros = 0;
  b.forEach((x, i) => {
    if (zeros >= 2 && x < 4 && i >= from) { out[n++] = 3; zeros = 0; }
    out[n++] = x;
    zeros = x === 0 ? zeros + 1 : 0;
  });
  return out.slice(0, n);
}
function unescaped(b, from) {
  const out = new Uint8Array(b.length);
  let n = 0, zeros = 0;
  b.forEach((x, i) => {
    if (zeros >= 2 && x === 3 && i >= from) { zeros = 0; return; }
    out[n++] = x;
    zeros = x === 0 ? zeros + 1 : 0;
  });
  return out.slice(0, n);
}
const fourOf = b => join(b.subarray(0, 4), new Uint8Array(Math.max(0, 4 - b.length)).fill(0x80));

function nalFormat(header, isSlice, isParameters) {
  const FRONT = header + 4;
  return {
    async seal(sealer, b) {
      const units = nalUnits(b), slice = units.find(([at]) => isSlice(b[at]));
      if (!slice) return null;
      const sets = units.filter(([at]) => at < slice[0] && isParameters(b[at])).flatMap(([at, end]) => {
        while (end > at && b[end - 1] === 0) end--; /* of a start code of 4 bytes */
        return [START, b.subarray(at, end)];
      });
      const front = join(b.subarray(slice[0], slice[0] + header), fourOf(b.subarray(slice[0] + header, slice[1])));
      return join(...sets, START, escaped(join(front, await sealer.seal(NOTHING, b), Uint8Array.of(0x80)), FRONT));
    },
    sealed(b) {
      const slice = nalUnits(b).find(([at]) => isSlice(b[at]));
      let end = b.length;
      while (end > 0 && b[end - 1] === 0) end--;
      if (!slice || b[end - 1] !== 0x80 || slice[0] + FRONT > end - 1) return null;
      return { metadata: NOTHING, bytes: unescaped(b.subarray(slice[0], end - 1), FRONT).subarray(FRONT) };
    },
  };
}

function leb128(n) {
  const out = [];
  do { out.push(n & 127 | (n > 127 ? 128 : 0)); n >>>= 7; } while (n);
  return Uint8Array.from(out);
}
/* The OBUs of a temporal unit: [{ type, header, payload }]; null: it is none. */
function obus(b) {
  const found = [];
  for (let at = 0; at < b.length;) {
    const extended = b[at] >> 2 & 1, sized = b[at] >> 1 & 1, header = b.subarray(at, at + 1 + extended);
    let length = b.length - at - header.length, shift = 0;
    at += header.length;
    if (sized) {
      for (length = 0; ; shift += 7, at++) {
        if (at >= b.length || shift > 28) return null;
        length += (b[at] & 127) * 2 ** shift;
        if (!(b[at] & 128)) { at++; break; }
      }
    }
    if (at + length > b.length) return null;
    found.push({ type: header[0] >> 3 & 15, header, payload: b.subarray(at, at + length) });
    at += length;
  }
  return found;
}
const obu = (header, payload) => join(header.map((x, i) => (i ? x : x | 2)), leb128(payload.length), payload);
const AV1 = {
  async seal(sealer, b) {
    const all = obus(b)?.filter(o => o.type !== 2), first = all?.find(o => [3, 6, 7].includes(o.type)), sequence = all?.find(o => o.type === 1);
    if (!first) return null;
    const front = first.header.map((x, i) => (i ? x : 6 << 3 | x & 4 | 2));
    const secret = await sealer.seal(NOTHING, join(...all.map(o => obu(o.header, o.payload))));
    return join(sequence ? obu(sequence.header, sequence.payload) : NOTHING, obu(front, join(fourOf(first.payload), secret)));
  },
  sealed(b) {
    const frame = obus(b)?.find(o => o.type === 6);
    return frame && frame.payload.length >= 4 ? { metadata: NOTHING, bytes: frame.payload.subarray(4) } : null;
  },
};
/* So many bytes stay clear, and are authenticated. */
function prefixed(clearBytes) {
  const split = b => { const n = clearBytes(b); return b.length < n ? null : { metadata: b.subarray(0, n), bytes: b.subarray(n) }; };
  return {
    async seal(sealer, b) { const s = split(b); return s && join(s.metadata, await sealer.seal(s.metadata, s.bytes)); },
    sealed: split, keeps: true,
  };
}
const WHOLE = prefixed(() => 0);
const FORMATS = {
  'video/vp8': prefixed(b => (b[0] & 1 ? 3 : 10)),
  'video/h264': nalFormat(1, x => (x & 31) >= 1 && (x & 31) <= 5, x => (x & 31) === 7 || (x & 31) === 8),
  'video/h265': nalFormat(2, x => (x >> 1 & 63) < 32, x => (x >> 1 & 63) >= 32 && (x >> 1 & 63) <= 34),
  'video/av1': AV1,
};
const formatOf = mime => FORMATS[mime.toLowerCase()] ?? WHOLE;

/* One encoded frame, sealed; null: it is no frame of this codec. */
export const sealFrame = (sealer, mime, frame) => formatOf(mime).seal(sealer, frame);
/* … opened; null: dropped, and counted. */
export async function openFrame(opener, mime, frame, time) {
  const format = formatOf(mime), s = format.sealed(frame);
  if (!s) { opener.counters.malformed++; return null; }
  const plain = await opener.open(s.metadata, s.bytes, time);
  return plain && format.keeps ? join(s.metadata, plain) : plain;
}

/* A message of a data channel, text or bytes; what goes on the channel is always binary. */
export async function sealMessage(sealer, message) {
  const text = typeof message === 'string', kind = Uint8Array.of(text ? 1 : 0);
  return join(kind, await sealer.seal(kind, text ? new TextEncoder().encode(message) : new Uint8Array(message)));
}
export async function openMessage(opener, data) {
  const bytes = typeof data === 'string' ? NOTHING : new Uint8Array(data), kind = bytes.slice(0, 1);
  if (!(kind[0] <= 1)) { opener.counters.malformed++; return null; }
  const plain = await opener.open(kind, bytes.subarray(1));
  return plain && kind[0] ? new TextDecoder().decode(plain) : plain;
}

/* --- in the page ----------------------------------------------------------------------------------------------------- */

/* Chromium sends in the clear what gets its transform later than in the task that made the sender. With this it sends nothing until then. */
export const CONFIGURATION = { encodedInsertableStreams: true };

/*
 * Protects what senders send and receivers get. A transform without keys lets nothing pass, so a frame is never sent in the clear: set it
 * before the description is.
 */
export class Protection {
  #ports = new Map();
  counters = { sealed: 0, opened: 0, malformed: 0, unknownKey: 0, badTag: 0, replayed: 0, reordered: 0, unsealed: 0 };
  onfailure = () => {};
  constructor(worker) { this.worker = worker; }

  #attach(what, side, message) {
    let port = this.#ports.get(what);
    if (!port) {
      const channel = new MessageChannel();
      port = channel.port1;
      this.#ports.set(what, port);
      let last = {};
      port.onmessage = ({ data }) => {
        for (const k in data.counters) this.counters[k] += data.counters[k] - (last[k] ?? 0);
        last = data.counters;
        if (data.failed) this.onfailure(this.counters);
      };
      what.transform = new RTCRtpScriptTransform(this.worker, { side, port: channel.port2 }, [channel.port2]);
    }
    port.postMessage(message);
  }
  /* The key to seal with, instead of the one before. */
  send(sender, key) { this.#attach(sender, 'send', { key }); }
  /* The sender's ratchet goes one step on. */
  ratchet(sender) { this.#ports.get(sender).postMessage({ ratchet: true }); }
  /* The keys that may open, instead of those before. */
  receive(receiver, keys) { this.#attach(receiver, 'receive', { keys }); }
}

/* --- in the worker --------------------------------------------------------------------------------------------------- */

function onTransform({ transformer }) {
  const { side, port } = transformer.options, sends = side === 'send';
  const counters = { sealed: 0, unsealed: 0 };
  const opener = new Opener();
  let sealer, asked = 0, told = 0, failed = false, timer;
  const tell = () => { timer = undefined; told = Date.now(); port.postMessage({ counters: { ...counters, ...opener.counters }, failed }); failed = false; };
  const later = () => { timer ??= setTimeout(tell, Math.max(0, told + 1000 - Date.now())); };
  port.onmessage = async ({ data }) => {
    if (data.key) sealer = new Sealer(data.key);
    if (data.ratchet) await sealer?.ratchet();
    if (data.keys) await opener.set(data.keys);
  };
  const key = () => {
    if (Date.now() - asked < 1000) return;
    asked = Date.now();
    transformer.sendKeyFrameRequest?.()?.catch(() => {}); /* refused for sound, and before the first packet */
  };
  transformer.readable.pipeThrough(new TransformStream({
    async transform(frame, out) {
      const { mimeType: mime = '', rtpTimestamp } = frame.getMetadata(), data = new Uint8Array(frame.data);
      const done = sends ? sealer && await sealFrame(sealer, mime, data) : await openFrame(opener, mime, data, rtpTimestamp);
      if (sends) counters[done ? 'sealed' : 'unsealed']++;
      later();
      if (!done) {
        failed = true;
        if (!sends && 'type' in frame) key();
        return;
      }
      frame.data = done.buffer.byteLength === done.byteLength ? done.buffer : done.slice().buffer;
      out.enqueue(frame);
    },
  })).pipeTo(transformer.writable).catch(() => {}); /* the end of the connection */
}
if (typeof RTCTransformEvent !== 'undefined') globalThis.onrtctransform = onTransform;
