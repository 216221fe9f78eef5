/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures and sound with a real browser, both ways: each codec that both have, each side offering; what is seen, heard and recorded. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GREY, checkLate, lookTwice } from './demo-media.mjs';
import { CONNECTED, Peer, measure, newPage, sleep, trickle } from './lib.mjs';

const fixtures = join(dirname(fileURLToPath(import.meta.url)), '..', 'fixtures', 'media_file');
const FILES = { VP9: 'vp9.ivf', AV1: 'av1.ivf' }; /* what the tools do not encode themselves */
const A = codec => ({ kind: 'audio', stream: 's', codec }), V = codec => ({ kind: 'video', stream: 's', codec });

function ffmpeg(args) {
  const r = spawnSync('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', ...args], { maxBuffer: 1 << 28 });
  if (r.error) throw new Error('ffmpeg: ' + r.error.message);
  return { code: r.status, out: r.stdout, err: String(r.stderr).trim() };
}

/* Until what() gives something. */
async function until(what, text, ms = 60000) {
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

  /* again: both have what they want to send. edit: what the page does to its own descriptions before they are used. */
  async exchange(offerer, { again = false, edit } = {}) {
    const { page, peer, p } = this, described = async () => (edit ? await page.describeEdited(p, edit) : await page.describe(p)).sdp;
    const given = async () => (await peer.description(0)).sdp;
    if (offerer === 'browser') {
      peer.tell('D', 0, 'offer', await described());
      await page.accept(p, await given());
    } else {
      peer.tell('describe', 0);
      await page.remoteOffer(p, await given());
      if (!again) await page.giveBack(p);
      peer.tell('D', 0, 'answer', await described());
    }
  }

  /* Audio and video, both ways. asks: parameters of the library's audio codec. */
  async connect(offerer, audio, video, { rids, edit, asks = '' } = {}) {
    const { page, peer } = this;
    this.p = await page.make(true);
    const prefer = i => peer.tell('prefs', 0, i, audio + asks, 'audio/telephone-event');
    peer.tell('new', 0, 'trickle');
    if (offerer === 'browser') {
      await page.shape(this.p, [A(audio), { ...V(video), rids, large: true }].filter(m => m.codec));
      for (const kind of ['audio', 'video']) if (kind === 'audio' ? audio : video) peer.tell('track', 0, kind, 'stream=t');
      if (asks) prefer(0);
    } else {
      const both = [['audio', audio], ['video', video]].filter(([, codec]) => codec);
      both.forEach(([kind, codec], i) => {
        peer.tell('transceiver', 0, kind, 'sendrecv', 'stream=t');
        if (kind === 'audio') prefer(i);
        else peer.tell('prefs', 0, i, codec);
      });
    }
    this.stop = trickle(page, this.p, peer, 0);
    await this.exchange(offerer, { edit });
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
  const { f, late, rate, said } = await lookTwice(async () => {
    const before = await figures(), late = [], start = Date.now();
    while (Date.now() - start < seconds * 1e3) {
      await sleep(250);
      if (clock) late.push(await page.clock(p));
    }
    const f = await figures();
    return { f, late, freezes: f.freezes - before.freezes, rate: (f.decoded - before.decoded) / (Date.now() - start) * 1e3 };
  });
  if (f.codec.toLowerCase() !== `video/${video}`.toLowerCase()) throw new Error(`${f.codec} instead of ${video}`);
  if (rate < 12) throw new Error(`${rate.toFixed(1)} pictures a second`);
  if (clock && (f.width !== 640 || f.height !== 360)) throw new Error(`a picture of ${f.width} × ${f.height}`);
  if (clock) checkLate(late);
  return `${rate.toFixed(0)}/s${clock ? `, ${Math.min(...late)} to ${Math.max(...late)} ms late` : ''}${said}`;
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

/* Files begin with a key frame, and the first may have come already; if nothing came yet there is nobody to ask, and no need. */
async function record(c, directory, video) {
  await c.told('record', 0, directory);
  await c.peer.ask('key', 0, video);
}

async function recorded(c, directory, { layers = 1 } = {}) {
  const both = async () => [await c.of('video'), await c.of('audio')];
  await until(async () => { const [v, a] = await both(); return v.length >= layers && v.every(x => x.frames >= 20) && (a.length === 0 || a[0].frames >= 60); },
    async () => 'frames at the peer: ' + JSON.stringify(await c.frames()));
  const [v, a] = await both();
  for (const x of [...v, ...a]) if (x.dropped > 0) throw new Error(`${x.mime} ${x.rid}: ${x.dropped} frames lost`);
  for (const x of v) if (Math.abs(x.late) > 2000) throw new Error(`captured ${x.late} ms before it came`);
  await c.peer.ask('recorded', 0);
  for (const name of readdirSync(directory)) {
    const sound = name.includes('audio'), to = sound ? ['-f', 's16le', '-ac', '1', '-'] : GREY;
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
    await record(c, directory, 1);
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
      await c.connect('browser', null, 'video/VP8', { rids: ['q', 'h', 'f'] });
      await record(c, directory, 0);
      return recorded(c, directory, { layers: 3 });
    }));
  } finally { await page.end(); }
}

/* The library forwards the browser's own packets to it: what a server does. */
async function reflected(page) {
  return call(page, async c => {
    await c.connect('browser', null, 'video/VP8');
    await c.told('reflect', 0, 0);
    const f = await until(async () => { const v = (await page.figures(c.p)).video; return v?.decoded >= 20 && v; }, async () => JSON.stringify(await page.figures(c.p)));
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

/* --- what happens in calls ---------------------------------------------------------------------------------------------------- */

/* Drops so much of what comes and goes between the peer's port and us, while what() runs. */
async function withLoss(port, probability, what) {
  const rules = [[[], '--sport'], [['nsenter', `--net=/run/netns/${process.env.SOTTO_NETNS_OTHER}`], '--dport']].flatMap(([where, match]) =>
    ['iptables', 'ip6tables'].map(tool => change => {
      const args = [...where, tool, '-w', change, 'INPUT', '-p', 'udp', match, String(port), '-m', 'statistic', '--mode', 'random',
        '--probability', String(probability), '-j', 'DROP'];
      const r = spawnSync(args[0], args.slice(1));
      if (r.status !== 0) throw new Error(`${args.join(' ')}: ${r.error?.message ?? r.stderr}`);
    }));
  const done = [];
  try {
    for (const rule of rules) { rule('-A'); done.push(rule); }
    return await what();
  } finally { for (const rule of done) rule('-D'); }
}

/* The port of the peer's end of the path that is in use. */
async function portOf(peer) {
  const all = await peer.stats(0), id = all.find(x => x.type === 'transport')?.selectedCandidatePairId;
  const pair = all.find(x => x.id === id), port = all.find(x => x.id === pair?.localCandidateId)?.port;
  if (!port) throw new Error('the path has no port');
  return port;
}

async function lossy(page) {
  return call(page, async c => {
    const { peer } = c;
    await c.connect('browser', 'audio/opus', 'video/VP8');
    const { p } = c, frames = async () => (await c.of('video'))[0]?.frames ?? 0, figures = async () => page.figures(p);
    await page.busy(p, 320, 240);
    for (const t of [0, 1]) await c.told('play', 0, t);
    await until(async () => (await figures()).video?.decoded > 20 && (await figures()).audio?.samples > 48000 && await frames() > 10, 'a call');
    const before = await figures();
    let [decoded, came] = [before.video.decoded, await frames()];
    await withLoss(await portOf(peer), 0.05, async () => {
      for (let second = 1; second <= 5; second++) {
        await sleep(1000);
        const f = await figures(), n = await frames();
        if (f.video.decoded <= decoded || n <= came) throw new Error(`second ${second}: ${f.video.decoded - decoded} pictures seen, ${n - came} came`);
        [decoded, came] = [f.video.decoded, n];
      }
    });
    await sleep(300);
    const f = await figures(), all = await peer.stats(0), of = type => all.find(x => x.type === type && x.kind === 'video');
    const ours = { ...of('outbound-rtp'), asked: of('inbound-rtp').nackCount }, theirs = f.sent[0];
    const freezes = f.video.freezes - before.video.freezes, frozen = f.video.frozen - before.video.frozen;
    const gaps = (f.audio.concealed - f.audio.silent - before.audio.concealed + before.audio.silent) / (f.audio.samples - before.audio.samples);
    const figure = { ourNacks: ours.asked, theirNacks: f.video.nacks, weRepaired: ours.retransmittedPacketsSent, theyRepaired: theirs.repaired, theirNacksHere: ours.nackCount, ourNacksThere: theirs.nacks };
    for (const [name, n] of Object.entries(figure)) if (!(n > 0)) throw new Error(`${name}: ${n} of ${JSON.stringify(figure)}`);
    if (frozen > 0.5 * freezes) throw new Error(`${freezes} freezes of ${frozen} s`);
    if (gaps > 0.1) throw new Error(`${(gaps * 100).toFixed(1)} % of the sound is made up`);
    return `${theirs.repaired} and ${ours.retransmittedPacketsSent} repaired, ${freezes} freezes, ${(gaps * 100).toFixed(1)} % of the sound made up`;
  });
}

async function held(page) {
  return call(page, async c => {
    await c.connect('browser', 'audio/opus', 'video/VP8');
    await c.told('play', 0, 1);
    const count = async () => [(await page.figures(c.p)).video?.decoded ?? 0, (await c.of('video'))[0]?.frames ?? 0];
    const expect = async (what, ...wanted) => {
      let from = await count();
      if (wanted.includes(false)) { await sleep(500); from = await count(); } /* what was on its way */
      if (wanted.includes(true)) await until(async () => { const n = await count(); return wanted.every((w, i) => !w || n[i] > from[i] + 5); }, async () => `${what}: ${from} to ${await count()}`);
      else await sleep(700);
      const n = await count();
      wanted.forEach((w, i) => { if (!w && n[i] > from[i]) throw new Error(`${what}: ${n[i] - from[i]} pictures ${i ? 'came' : 'were seen'}`); });
    };
    const library = async direction => { c.peer.tell('direction', 0, 1, direction); await c.exchange('library', { again: true }); };
    const browser = async direction => { await page.direct(c.p, 1, direction); await c.exchange('browser', { again: true }); };
    await expect('at first', true, true);
    await library('recvonly');
    await expect('the library does not send', false, true);
    await library('sendrecv');
    await expect('the library sends again', true, true);
    await browser('recvonly');
    await expect('the browser does not send', true, false);
    await browser('inactive');
    await expect('the browser holds', false, false);
    await browser('sendrecv');
    await expect('the browser goes on', true, true);
  });
}

/* How much louder the first tone is than the other, in dB. */
function louder(samples, hz, other) {
  const power = f => { let re = 0, im = 0; samples.forEach((x, i) => { const a = 2 * Math.PI * f * i / 48000; re += x * Math.cos(a); im += x * Math.sin(a); }); return re * re + im * im + 1; };
  return 10 * Math.log10(power(hz) / power(other));
}

const LEFT = 400, RIGHT = 1000;
/* The library is asked to prefer it (RFC 7587 §6.1: stereo); a page has no other way than to change Chromium's descriptions. */
const ASKS_FOR_TWO = { edit: ['minptime=10;useinbandfec=1', 'minptime=10;stereo=1;useinbandfec=1'], asks: ';stereo=1;sprop-stereo=1' };

/* An Opus file with a tone for each ear. */
function twoTones(directory) {
  const file = join(directory, 'tones.ogg');
  const made = ffmpeg(['-f', 'lavfi', '-i', `sine=frequency=${LEFT}:sample_rate=48000:duration=3`, '-f', 'lavfi', '-i', `sine=frequency=${RIGHT}:sample_rate=48000:duration=3`,
    '-filter_complex', 'amerge=inputs=2', '-c:a', 'libopus', '-b:a', '96k', file]);
  if (made.code !== 0) throw new Error('ffmpeg: ' + made.err);
  return file;
}

/* How much louder the left tone is than the right one, on either channel at the end of a file; wrong if they are not apart. */
function apart(file) {
  const { out } = ffmpeg(['-i', file, '-f', 's16le', '-ac', '2', '-ar', '48000', '-']);
  const pcm = new Int16Array(out.buffer, out.byteOffset, out.length >> 1), end = pcm.length >> 1, from = Math.max(0, end - 24000);
  const ears = [0, 1].map(k => louder(Array.from({ length: end - from }, (_, i) => pcm[2 * (from + i) + k]), LEFT, RIGHT));
  if (!(ears[0] > 20 && ears[1] < -20)) throw new Error(`left and right: ${ears.map(x => x.toFixed(0))} dB`);
  return ears;
}

/* What Firefox plays, as its own recorder has it: Web Audio does not start there without a person. */
async function stereoPlayed(page, offerer) {
  return withDirectory(directory => call(page, async c => {
    await c.connect(offerer, 'audio/opus', null, ASKS_FOR_TWO);
    await c.told('play', 0, 0, twoTones(directory));
    await until(async () => (await page.figures(c.p)).audio?.samples > 60000, 'sound');
    const file = join(directory, 'page.ogg');
    writeFileSync(file, Buffer.from(await page.recorded(c.p, 2000), 'base64'));
    return `${apart(file).map(x => x.toFixed(0)).join(', ')} dB`;
  }));
}

async function stereo(page, offerer) {
  return withDirectory(directory => call(page, async c => {
    const file = twoTones(directory);
    await c.connect(offerer, 'audio/opus', null, ASKS_FOR_TWO);
    await page.twoTones(c.p, LEFT, RIGHT);
    await c.told('play', 0, 0, file);
    const records = join(directory, 'in');
    mkdirSync(records);
    await c.told('record', 0, records);
    const got = await until(async () => { const f = await page.tonesOf(c.p, LEFT, RIGHT); return f.length === 2 && f[0] > 20 && f[1] < -20 && f; }, async () => `left and right: ${await page.tonesOf(c.p, LEFT, RIGHT)} dB`);
    await until(async () => (await c.of('audio'))[0]?.frames > 120, 'sound');
    await c.peer.ask('recorded', 0);
    return `${[...got, ...apart(join(records, readdirSync(records)[0]))].map(x => x.toFixed(0)).join(', ')} dB`;
  }));
}

async function resized(page, video) {
  return withDirectory(directory => call(page, async c => {
    await c.connect('library', null, `video/${video}`);
    await page.busy(c.p, 320, 240);
    await c.told('record', 0, directory);
    for (const [width, height] of [[640, 360], [320, 240], [480, 272]]) { /* of different shapes: see below */
      await c.told('play', 0, 0, `${width}x${height}`);
      const keys = (await c.of('video'))[0]?.keys ?? 0, size = async () => { const v = (await page.figures(c.p)).video; return [v?.width, v?.height]; };
      await page.busy(c.p, width, height);
      await until(async () => String(await size()) === String([width, height]), async () => `${width} × ${height}: ${await size()}`);
      await until(async () => ((await c.of('video'))[0]?.keys ?? 0) > keys, `a key frame at ${width} × ${height}`);
    }
    await sleep(700);
    const dropped = (await c.of('video'))[0].dropped;
    await c.peer.ask('recorded', 0);
    const probe = spawnSync('ffprobe', ['-v', 'error', '-show_entries', 'frame=width,height', '-of', 'csv=p=0', join(directory, readdirSync(directory)[0])]);
    const sizes = [...new Set(String(probe.stdout).trim().split('\n').map(line => line.replace(/,$/, '')))];
    if (dropped > 0) throw new Error(`${dropped} frames lost`);
    if (probe.status !== 0 || String(probe.stderr).trim()) throw new Error('ffprobe: ' + String(probe.stderr).split('\n')[0]);
    if (sizes.length < 2) throw new Error(`recorded: ${sizes.join(' ')}`); /* which ones: Chromium makes pictures smaller when it sees fit */
    return sizes.map(size => size.replace(',', ' × ')).join(', ');
  }));
}

export async function framesSeries(name, browser) {
  if (name === 'chromium') await measure(`${name}: simulcast of three layers is received`, 60000, () => simulcast(browser));
  const page = await newPage(browser, true);
  for (const video of ['VP8', 'H264', 'VP9', 'AV1']) {
    if (!await page.has(`video/${video}`)) continue;
    for (const offerer of ['browser', 'library'])
      await measure(`${name}: ${offerer} offers; ${video} and Opus, both ways`, 60000, () => bothWays(page, offerer, 'opus', video));
  }
  for (const offerer of ['browser', 'library'])
    await measure(`${name}: ${offerer} offers; PCMU from the microphone`, 60000, () => bothWays(page, offerer, 'PCMU', 'VP8'));
  await measure(`${name}: its own packets come back to it`, 60000, () => reflected(page));
  await measure(`${name}: a key frame is asked for`, 30000, () => keyFrames(page));
  await measure(`${name}: 5 % of the packets are lost both ways`, 30000, () => lossy(page));
  await measure(`${name}: either side holds, and goes on`, 30000, () => held(page));
  for (const offerer of ['browser', 'library'])
    if (name === 'chromium') await measure(`${name}: ${offerer} offers; two channels of sound, both ways`, 30000, () => stereo(page, offerer));
    else await measure(`${name}: ${offerer} offers; two channels of sound to the browser`, 30000, () => stereoPlayed(page, offerer)); /* its own microphone has one */
  for (const video of ['VP8', 'H264'])
    if (await page.has(`video/${video}`)) await measure(`${name}: pictures of ${video} change their size in a call`, 30000, () => resized(page, video));
  if (name === 'chromium') /* Firefox has telephone-event at 8 kHz only, which does not go with Opus (RFC 7160) */
    await measure(`${name}: tones do not disturb the sound`, 30000, () => tones(page));
  await page.end();
}
