/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures and sound with a real browser, both ways: each codec that both have, each side offering; what is seen, heard and recorded. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONNECTED, Peer, newPage, sleep, test, trickle } from './lib.mjs';

const fixtures = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'media_file');
const FILES = { VP9: 'vp9.ivf', AV1: 'av1.ivf' }; /* what the tools do not encode themselves */
const LATE_MS = 300;
const A = codec => ({ kind: 'audio', stream: 's', codec }), V = codec => ({ kind: 'video', stream: 's', codec });

function ffmpeg(args) {
  const r = spawnSync('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', ...args], { maxBuffer: 1 << 28 });
  if (r.error) throw new Error('ffmpeg: ' + r.error.message);
  return { code: r.status, out: r.stdout, err: String(r.stderr).trim() };
}

/* Until what() gives something. */
async function until(what, text, ms = 10000) {
  for (const end = Date.now() + ms; ;) {
    const got = await what();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not in ${ms / 1e3} s: ${typeof text === 'function' ? await text() : text}`);
    await sleep(100);
  }
}

/* --- a call ----------------------------------------------------------------------------------------------------------------- */

class Call {
  constructor(page) { this.page = page; this.peer = new Peer(); }

  async #exchange(offerer) {
    const { page, peer, p } = this;
    if (offerer === 'browser') {
      peer.tell('D', 0, 'offer', (await page.describe(p)).sdp);
      await page.accept(p, (await peer.description(0)).sdp);
    } else {
      peer.tell('describe', 0);
      await page.remoteOffer(p, (await peer.description(0)).sdp);
      await page.giveBack(p);
      peer.tell('D', 0, 'answer', (await page.describe(p)).sdp);
    }
  }

  /* Audio and video, both ways. */
  async connect(offerer, audio, video, rids) {
    const { page, peer } = this;
    this.p = await page.make(true);
    peer.tell('new', 0, 'trickle');
    if (offerer === 'browser') {
      await page.shape(this.p, [A(audio), { ...V(video), rids, large: true }].filter(m => m.codec));
      for (const kind of ['audio', 'video']) if (kind === 'audio' ? audio : video) peer.tell('track', 0, kind, 'stream=t');
    } else {
      const both = [['audio', audio], ['video', video]].filter(([, codec]) => codec);
      both.forEach(([kind, codec], i) => {
        peer.tell('transceiver', 0, kind, 'sendrecv', 'stream=t');
        peer.tell('prefs', 0, i, codec, ...(kind === 'audio' ? ['audio/telephone-event'] : []));
      });
    }
    this.stop = trickle(page, this.p, peer, 0);
    await this.#exchange(offerer);
    await page.connected(this.p);
    await peer.state(0, CONNECTED);
    await page.play(this.p);
  }

  async told(...fields) {
    this.peer.tell(...fields);
    const r = await this.peer.wait([fields[0], fields[1]]);
    if (+r[2] < 0) throw new Error(`${fields.join(' ')}: ${r[2]}`);
  }

  async frames() {
    const r = await this.peer.ask('frames', 0);
    return r.slice(2).map(text => {
      const f = text.split(','), [frames, keys, bytes, dropped, packets, asked, muted, unmuted, late] = f.slice(3).map(Number);
      return { mid: f[0], rid: f[1], mime: f[2], frames, keys, bytes, dropped, packets, asked, muted, unmuted, late: late / 1e3 };
    });
  }
  async of(kind) { return (await this.frames()).filter(f => f.mime.startsWith(kind)); }

  async end() {
    this.stop?.();
    if (this.p !== undefined) await this.page.gone(this.p).catch(() => {});
    await this.peer.end();
  }
}

async function call(page, what) {
  const c = new Call(page);
  try { return await what(c); } finally { await c.end(); }
}

/* --- to the browser ---------------------------------------------------------------------------------------------------------- */

async function seen(c, video, { seconds = 3, clock = true } = {}) {
  const { page, p } = c, figures = async () => (await page.figures(p)).video ?? { decoded: 0 };
  await until(async () => (await figures()).decoded >= 10, async () => 'ten pictures: ' + JSON.stringify(await figures()));
  const before = await figures(), late = [], start = Date.now();
  while (Date.now() - start < seconds * 1e3) {
    await sleep(250);
    if (clock) late.push(await page.clock(p));
  }
  const f = await figures(), rate = (f.decoded - before.decoded) / (Date.now() - start) * 1e3;
  if (f.codec.toLowerCase() !== `video/${video}`.toLowerCase()) throw new Error(`${f.codec} instead of ${video}`);
  if (f.freezes > before.freezes) throw new Error(`${f.freezes - before.freezes} freezes`);
  if (rate < 12) throw new Error(`${rate.toFixed(1)} pictures a second`);
  if (clock && (f.width !== 640 || f.height !== 360)) throw new Error(`a picture of ${f.width} × ${f.height}`);
  if (clock && late.some(ms => ms === null || ms < 0 || ms > LATE_MS)) throw new Error(`the clock is behind by ${late} ms`);
  return `${rate.toFixed(0)}/s${clock ? `, ${Math.min(...late)} to ${Math.max(...late)} ms late` : ''}`;
}

async function heard(c, audio) {
  const { page, p } = c;
  const f = await until(async () => { const a = (await page.figures(p)).audio; return a?.samples > 60000 && a; }, 'sound');
  if (f.codec.toLowerCase() !== audio.toLowerCase()) throw new Error(`${f.codec} instead of ${audio}`);
  const gaps = (f.concealed - f.silent) / f.samples;
  if (!(f.energy > 0)) throw new Error('silence');
  if (gaps > 0.05) throw new Error(`${(gaps * 100).toFixed(1)} % of the sound is made up`);
}

/* --- from the browser -------------------------------------------------------------------------------------------------------- */

async function recorded(c, directory, { layers = 1 } = {}) {
  const both = async () => [await c.of('video'), await c.of('audio')];
  await until(async () => { const [v, a] = await both(); return v.length >= layers && v.every(x => x.frames >= 20) && (a.length === 0 || a[0].frames >= 60); },
    async () => 'frames at the peer: ' + JSON.stringify(await c.frames()), 15000);
  const [v, a] = await both();
  for (const x of [...v, ...a]) if (x.dropped > 0) throw new Error(`${x.mime} ${x.rid}: ${x.dropped} frames lost`);
  for (const x of v) if (Math.abs(x.late) > 2000) throw new Error(`captured ${x.late} ms before it came`);
  await c.peer.ask('recorded', 0);
  for (const name of readdirSync(directory)) {
    const sound = name.includes('audio'), to = sound ? ['-f', 's16le', '-ac', '1', '-'] : ['-vsync', 'passthrough', '-s', '64x36', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
    const r = ffmpeg(['-xerror', '-err_detect', 'explode', '-i', join(directory, name), ...to]);
    if (r.code !== 0 || r.err) throw new Error(`${name}: ffmpeg: ${r.err.split('\n')[0]}`);
    if (!sound && r.out.length / (64 * 36) < 20) throw new Error(`${name}: ${r.out.length / (64 * 36)} pictures`);
  }
  return [...v, ...a].map(x => `${x.mime.split('/')[1]}${x.rid && ' ' + x.rid} ${x.frames}`).join(', ');
}

async function withDirectory(what) {
  const directory = mkdtempSync(join(tmpdir(), 'sotto-frames-'));
  try { return await what(directory); } finally { rmSync(directory, { recursive: true, force: true }); }
}

/* One codec of each kind, both ways. */
async function bothWays(page, offerer, audio, video) {
  return withDirectory(directory => call(page, async c => {
    await c.connect(offerer, `audio/${audio}`, `video/${video}`);
    await c.told('record', 0, directory);
    const file = FILES[video] && join(fixtures, FILES[video]);
    await c.told('play', 0, 1, ...(file ? [file] : []));
    if (audio === 'opus') await c.told('play', 0, 0);
    const picture = await seen(c, video, { clock: !file });
    if (audio === 'opus') await heard(c, 'audio/opus');
    return `${picture}; ${await recorded(c, directory)}`;
  }));
}

/* A page of its own, before others: a camera that is open already does not get larger, whoever opened it. */
async function simulcast(browser) {
  const page = await newPage(browser, true);
  try {
    return await withDirectory(directory => call(page, async c => {
      await c.connect('browser', null, 'video/VP8', ['q', 'h', 'f']);
      await c.told('record', 0, directory);
      return recorded(c, directory, { layers: 3 });
    }));
  } finally { await page.end(); }
}

/* The library forwards the browser's own packets to it: what a server does. */
async function reflected(page) {
  return call(page, async c => {
    await c.connect('browser', null, 'video/VP8');
    await c.told('reflect', 0, 0);
    const f = await until(async () => { const v = (await page.figures(c.p)).video; return v?.decoded >= 20 && v; }, async () => JSON.stringify(await page.figures(c.p)), 15000);
    return `${f.decoded} pictures came back`;
  });
}

async function keyFrames(page) {
  return call(page, async c => {
    await c.connect('browser', null, 'video/VP8');
    await c.told('play', 0, 0);
    await until(async () => (await c.of('video'))[0]?.frames > 10, 'frames');
    const before = (await c.of('video'))[0].keys;
    await c.told('key', 0, 0);
    await until(async () => (await c.of('video'))[0].keys > before, 'a key frame');
  });
}

async function tones(page) {
  return call(page, async c => {
    await c.connect('library', 'audio/opus', null);
    await c.told('play', 0, 0);
    await heard(c, 'audio/opus');
    await c.told('dtmf', 0, 0, '12#');
    for (const tone of ['1', '2', '#', '-']) await c.peer.wait(['tone', 0, tone]);
    const { audio } = await page.figures(c.p);
    if (audio.lost > 0) throw new Error(`${audio.lost} packets lost`);
  });
}

export async function framesSeries(name, browser) {
  if (name === 'chromium') await test(`${name}: simulcast of three layers is received`, 60000, () => simulcast(browser));
  const page = await newPage(browser, true);
  for (const video of ['VP8', 'H264', 'VP9', 'AV1']) {
    if (!await page.has(`video/${video}`)) continue;
    for (const offerer of ['browser', 'library'])
      await test(`${name}: ${offerer} offers; ${video} and Opus, both ways`, 60000, () => bothWays(page, offerer, 'opus', video));
  }
  for (const offerer of ['browser', 'library'])
    await test(`${name}: ${offerer} offers; PCMU from the microphone`, 60000, () => bothWays(page, offerer, 'PCMU', 'VP8'));
  await test(`${name}: its own packets come back to it`, 60000, () => reflected(page));
  await test(`${name}: a key frame is asked for`, 30000, () => keyFrames(page));
  if (name === 'chromium') /* Firefox has telephone-event at 8 kHz only, which does not go with Opus (RFC 7160) */
    await test(`${name}: tones do not disturb the sound`, 30000, () => tones(page));
  await page.end();
}
