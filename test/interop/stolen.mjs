/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server makes of the packets that it kept (peer_forward.c): files for a decoder, and whether anything of what was said is in them. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { GREY } from './demo-media.mjs';

const PIECE = 16; /* bytes that are looked for */

/* The payloads: [{ time, marker, payload }]. */
export function packetsOf(file) {
  const found = [];
  for (let at = 0; at + 2 <= file.length;) {
    const n = file.readUInt16BE(at), p = file.subarray(at + 2, at + 2 + n);
    if (p.length < n) break; /* is being written */
    let begin = 12 + 4 * (p[0] & 15), end = p.length;
    if (p[0] & 16) begin += 4 + 4 * p.readUInt16BE(begin + 2);
    if (p[0] & 32) end -= p[end - 1];
    if (begin < end) found.push({ time: p.readUInt32BE(4), marker: p[1] >> 7, payload: p.subarray(begin, end) });
    at += 2 + n;
  }
  return found;
}

function vp8(payload) {
  let at = 1;
  if (payload[0] & 0x80) {
    const x = payload[at++];
    if (x & 0x80) at += payload[at] & 0x80 ? 2 : 1;
    if (x & 0x40) at++;
    if (x & 0x30) at++;
  }
  return payload.subarray(at);
}
const START = Buffer.from([0, 0, 0, 1]);
function h264(p) {
  const type = p[0] & 31;
  if (type === 28) return p[1] & 0x80 ? [START, Buffer.from([p[0] & 0xe0 | p[1] & 31]), p.subarray(2)] : [p.subarray(2)];
  if (type !== 24) return [START, p];
  const parts = [];
  for (let at = 1; at + 2 < p.length; at += 2 + p.readUInt16BE(at)) parts.push(START, p.subarray(at + 2, at + 2 + p.readUInt16BE(at)));
  return parts;
}

/* A file for ffmpeg: IVF for VP8, Annex B for H264. Returns its name. */
export function writeStolen(file, video, name) {
  const packets = packetsOf(file);
  if (video === 'H264') { writeFileSync(name, Buffer.concat(packets.flatMap(p => h264(p.payload)))); return name; }
  const head = Buffer.alloc(32), frames = new Map();
  head.write('DKIF'); head.writeUInt16LE(32, 6); head.write('VP80', 8); head.writeUInt16LE(160, 12); head.writeUInt16LE(120, 14);
  head.writeUInt32LE(90000, 16); head.writeUInt32LE(1, 20);
  for (const p of packets) frames.set(p.time, [...(frames.get(p.time) ?? []), vp8(p.payload)]);
  const out = [head];
  for (const [time, parts] of frames) {
    const f = Buffer.alloc(12), data = Buffer.concat(parts);
    f.writeUInt32LE(data.length); f.writeBigUInt64LE(BigInt((time - packets[0].time) >>> 0), 4);
    out.push(f, data);
  }
  writeFileSync(name, Buffer.concat(out));
  return name;
}

/* Small grey pictures, of as many as can be decoded. */
function pictures(name) {
  const r = spawnSync('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'quiet', '-i', name, ...GREY], { maxBuffer: 1 << 28 });
  if (r.error) throw new Error('ffmpeg: ' + r.error.message);
  return Array.from({ length: Math.floor(r.stdout.length / 2304) }, (_, i) => r.stdout.subarray(i * 2304, (i + 1) * 2304));
}
function correlation(a, b) {
  let sa = 0, sb = 0, aa = 0, bb = 0, ab = 0;
  a.forEach((x, i) => { const y = b[i]; sa += x; sb += y; aa += x * x; bb += y * y; ab += x * y; });
  const n = a.length, d = Math.sqrt((n * aa - sa * sa) * (n * bb - sb * sb));
  return d ? (n * ab - sa * sb) / d : 0;
}
/* How much the pictures of two files are alike: the median, over those of the first, of what the most similar one of the other has; 0: there
 * are none. */
export function likeness(plain, stolen) {
  const a = pictures(plain), b = pictures(stolen);
  if (a.length < 5) throw new Error(`${plain}: ${a.length} pictures`);
  if (!b.length) return 0;
  const best = a.map(x => Math.max(...b.map(y => Math.abs(correlation(x, y))))).sort((x, y) => x - y);
  return best[best.length >> 1];
}

/* Which bytes of an H264 file stay clear by the format, in every frame that has them: parameter sets, and five bytes of a slice. */
function clearOf(file) {
  const clear = new Uint8Array(file.length), starts = [];
  for (let at = file.indexOf(START.subarray(1)); at >= 0; at = file.indexOf(START.subarray(1), at + 3)) starts.push(at + 3);
  starts.forEach((at, i) => {
    const type = file[at] & 31, end = (starts[i + 1] ?? file.length + 3) - 3;
    clear.fill(1, Math.max(0, at - START.length), type === 7 || type === 8 ? end : Math.min(at + 5, end));
  });
  return clear;
}

/* How many pieces of a recorded file, far enough from headers that stay clear, are in what the server has. */
export function shared(plain, file, kind, video) {
  const has = new Set(), all = packetsOf(file).map(p => (video === 'VP8' && kind === 'video' ? vp8(p.payload) : p.payload));
  for (const p of all) for (let i = 0; i + PIECE <= p.length; i++) has.add(p.latin1Slice(i, i + PIECE));
  let looked = 0, found = 0;
  const clear = kind === 'video' && video === 'H264' ? clearOf(plain) : null;
  const step = Math.max(1, Math.floor(plain.length / 4000));
  for (let at = 200; at + PIECE <= plain.length; at += step) {
    const piece = plain.latin1Slice(at, at + PIECE);
    if (new Set(piece).size < 12) continue; /* headers of files, counters, zeros */
    if (clear?.subarray(at, at + PIECE).includes(1)) continue;
    looked++;
    if (has.has(piece)) found++;
  }
  return { looked, found };
}

/* Bits of entropy a byte has in all payloads, without their first 24, which may be clear. */
export function readable(file) {
  const count = new Float64Array(256);
  let n = 0;
  for (const { payload } of packetsOf(file)) for (const b of payload.subarray(24)) { count[b]++; n++; }
  return count.reduce((h, c) => (c ? h - c / n * Math.log2(c / n) : h), 0);
}
