/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be seen, heard and recorded of the media of `sotto demo`: from its page, from screenshots, from files by ffmpeg. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from './lib.mjs';

export const LATE_MS = 300; /* the clock in the picture may be so far behind */

/*
 * Throws unless the clocks that were read, in ms behind, are in time: the picture is never ahead, one reading at most is beyond LATE_MS (a
 * machine of two cores that decodes, encodes and paints in software stands still for a moment now and then, and freezes are counted
 * apart), and the median keeps well below it, which a path that delays does not.
 */
export function checkLate(late) {
  const sorted = [...late].sort((a, b) => a - b), beyond = late.filter(ms => ms > LATE_MS).length;
  if (late.some(ms => ms === null || ms < 0) || beyond > 1 || sorted[sorted.length >> 1] > LATE_MS / 2)
    throw new Error(`the clock is behind by ${late} ms`);
}

/*
 * Looks for some seconds, by look(), which gives { freezes, … }, and once more if the picture froze. The browsers encode and decode in
 * software here, on two cores and side by side: a thread of theirs that waits for a core freezes a picture, too, and a second look tells that
 * from a stream that freezes. Throws if it froze again; `said` goes into the line of the test.
 */
export async function lookTwice(look) {
  const first = await look(), last = first.freezes ? await look() : first;
  if (last.freezes) throw new Error(`${first.freezes} freezes, and ${last.freezes} when looked at again`);
  return { ...last, said: first.freezes ? ` (at the second look: ${first.freezes} freezes at the first)` : '' };
}

/*
 * ffmpeg's output for small grey pictures, each with its own time: ffmpeg would else count them in a guessed frame rate, in which two that a
 * busy camera took shortly after each other have the same number, and complain.
 */
export const GREY = ['-vsync', 'passthrough', '-enc_time_base', '-1', '-s', '64x36', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];

function ffmpeg(args, input) {
  const r = spawnSync('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', ...args], { input, maxBuffer: 1 << 28 });
  if (r.error) throw new Error('ffmpeg: ' + r.error.message);
  return { code: r.status, out: r.stdout, err: String(r.stderr).trim() };
}

/* The clock of the pattern (tools/media.h) in grey pixels, or null. */
function readClock(grey, width) {
  const side = width / 20, bytes = [0, 0, 0, 0, 0];
  for (let i = 0; i < 40; i++) {
    let sum = 0, n = 0;
    for (let y = Math.round(side / 4); y < side * 3 / 4; y++)
      for (let x = Math.round(side / 4); x < side * 3 / 4; x++, n++)
        sum += grey[Math.round(Math.floor(i / 20) * side + y) * width + Math.round(i % 20 * side + x)];
    bytes[i >> 3] = bytes[i >> 3] << 1 | (sum / n > 126 ? 1 : 0);
  }
  const [a, b, c, d, check] = bytes;
  return (a + b + c + d + 0x5a & 255) === check ? a * 2 ** 24 + b * 2 ** 16 + c * 256 + d : null;
}

/* A screenshot of the picture: how far its clock is behind, at least and at most: a screenshot takes a while. */
export async function clockOnScreen(page) {
  const video = await page.$('#video'), box = await video.boundingBox();
  const before = Date.now(), png = await video.screenshot({ type: 'png' }), after = Date.now();
  const width = Math.round(box.width), height = Math.round(box.height);
  const grey = ffmpeg(['-f', 'png_pipe', '-i', '-', '-vf', `scale=${width}:${height}`, '-f', 'rawvideo', '-pix_fmt', 'gray', '-'], png);
  if (grey.code !== 0) throw new Error('the screenshot cannot be read: ' + grey.err);
  const clock = readClock(grey.out, width);
  if (clock === null) throw new Error('no clock in the screenshot');
  return { least: (before - clock) | 0, most: (after - clock) | 0 };
}

/* The page's own figures. */
export async function figures(page) {
  return page.evaluate(async () => {
    const all = [...(await pc.getStats()).values()], find = kind => all.find(x => x.type === 'inbound-rtp' && x.kind === kind) || {};
    const v = find('video'), a = find('audio'), codec = x => all.find(c => c.id === x.codecId)?.mimeType;
    return {
      framesDecoded: v.framesDecoded || 0, freezes: v.freezeCount || 0, width: v.frameWidth, height: v.frameHeight, codec: codec(v), jitter: v.jitter,
      lost: (v.packetsLost || 0) + (a.packetsLost || 0), keyFrames: v.keyFramesDecoded, decoder: v.decoderImplementation, nacks: v.nackCount, plis: v.pliCount,
      audioCodec: codec(a), concealed: a.concealedSamples, samples: a.totalSamplesReceived, concealments: a.concealmentEvents,
    };
  });
}

/* Pictures come, of the right size, without a freeze, and not late. Returns a line that says so. */
export async function checkPicture(page, { codec, width = 640, height = 360, seconds = 3, clock = true } = {}) {
  for (let i = 0; (await figures(page)).framesDecoded < 15; i++) {
    if (i === 240) throw new Error('no picture after a minute: ' + JSON.stringify(await figures(page)));
    await sleep(250);
  }
  const { f, late, rate, said } = await lookTwice(async () => {
    const before = await figures(page), late = [], start = Date.now();
    while (Date.now() - start < seconds * 1e3) {
      await sleep(300);
      if (!clock) continue;
      const ms = await page.evaluate(() => clockIn(document.getElementById('video')));
      if (ms === null) throw new Error('no clock in the picture');
      late.push(ms);
    }
    const f = await figures(page);
    return { f, late, freezes: f.freezes - before.freezes, rate: (f.framesDecoded - before.framesDecoded) / (Date.now() - start) * 1e3 };
  });
  if (codec && f.codec.toLowerCase() !== 'video/' + codec.toLowerCase()) throw new Error(`${f.codec} instead of ${codec}`);
  if (f.width !== width || f.height !== height) throw new Error(`a picture of ${f.width} × ${f.height}`);
  if (rate < 20) throw new Error(`${rate.toFixed(1)} frames a second`);
  const line = `${f.codec} ${f.width} × ${f.height}, ${rate.toFixed(1)}/s, ${f.framesDecoded} decoded, ${f.freezes} freezes, ${f.lost} packets lost${said}`;
  if (!clock) return line;
  const shot = await clockOnScreen(page);
  checkLate(late);
  if (shot.least > LATE_MS || shot.most < 0) throw new Error(`the clock on the screenshot is behind by ${shot.least} to ${shot.most} ms`);
  return `${line}; clock behind by ${Math.min(...late)} to ${Math.max(...late)} ms, on a screenshot by ${Math.max(0, shot.least)} to ${shot.most} ms`;
}

/* Beeps at full seconds: listened to by the analyser of the page, for some seconds. */
export async function checkSound(page, seconds = 5) {
  await page.click('#sound');
  await page.waitForFunction(() => document.body.dataset.level !== undefined, null, { timeout: 10000 });
  await sleep(700);
  const heard = await page.evaluate(async seconds => {
    const all = [];
    for (const end = Date.now() + seconds * 1e3; Date.now() < end;) {
      all.push([Date.now(), Number(document.body.dataset.level)]);
      await new Promise(done => setTimeout(done, 20));
    }
    return all;
  }, seconds);
  const beeps = [];
  for (let i = 1; i < heard.length; i++) if (heard[i][1] > 0.15 && heard[i - 1][1] <= 0.15) beeps.push(heard[i][0] % 1000);
  const quiet = heard.filter(x => x[1] < 0.05).length / heard.length;
  if (beeps.length < seconds - 1 || beeps.length > seconds + 1) throw new Error(`${beeps.length} beeps in ${seconds} s`);
  if (beeps.some(ms => ms > LATE_MS + 100)) throw new Error(`beeps ${beeps} ms behind the full second`); /* the analyser adds 43 ms, the sample 60 */
  if (quiet < 0.5) throw new Error(`between the beeps it is quiet for ${(quiet * 100).toFixed(0)} % only`);
  return `${beeps.length} beeps in ${seconds} s, ${Math.min(...beeps)} to ${Math.max(...beeps)} ms behind the full second`;
}

/* The page sends its camera and microphone for some seconds; what the program says of it. */
export async function sendCamera(page, seconds = 6) {
  await page.click('#camera');
  await page.waitForFunction(() => JSON.parse(document.body.dataset.report || '{}').video?.frames > 0, null, { timeout: 15000 });
  await sleep(seconds * 1e3);
  await page.click('#camera');
  await sleep(1500);
  const r = JSON.parse(await page.evaluate(() => document.body.dataset.report));
  if (r.video.frames < seconds * 10) throw new Error(`${r.video.frames} pictures came in ${seconds} s`);
  if (r.audio.frames < seconds * 40) throw new Error(`${r.audio.frames} packets of sound came in ${seconds} s`);
  return r;
}

/* --- what was recorded ------------------------------------------------------------------------------------------------ */

/* Loud stretches in 10 ms steps of mono PCM: where they begin, in ms. */
export function beepsIn(pcm) {
  const begin = [];
  let was = false;
  for (let at = 0; at + 480 <= pcm.length; at += 480) {
    let loudest = 0;
    for (let i = at; i < at + 480; i++) loudest = Math.max(loudest, Math.abs(pcm[i]));
    const is = loudest > 1500;
    if (is && !was && (begin.length === 0 || at / 48 - begin.at(-1) > 100)) begin.push(at / 48);
    was = is;
  }
  return begin;
}

/* Every file there decodes without an error; returns what is in each. */
export function checkRecordings(directory, seconds) {
  const names = readdirSync(directory), lines = [];
  if (!names.some(n => n.includes('video')) || !names.some(n => n.includes('audio'))) throw new Error('recorded: ' + (names.join(', ') || 'nothing'));
  for (const name of names) {
    const path = join(directory, name), isAudio = name.includes('audio');
    const args = isAudio ? ['-f', 's16le', '-ac', '1', '-ar', '48000', '-'] : GREY;
    const r = ffmpeg(['-xerror', '-err_detect', 'explode', '-i', path, ...args]);
    if (r.code !== 0 || r.err) throw new Error(`${name}: ffmpeg: ${r.code} ${r.err.split('\n')[0]}`);
    if (!isAudio) {
      const frames = r.out.length / (64 * 36);
      if (frames < seconds * 10) throw new Error(`${name}: ${frames} pictures in ${seconds} s`);
      lines.push(`${name}: ${frames} pictures`);
      continue;
    }
    const pcm = new Int16Array(r.out.buffer, r.out.byteOffset, r.out.length >> 1), beeps = beepsIn(pcm), gaps = beeps.slice(1).map((b, i) => b - beeps[i]);
    if (pcm.length / 48000 < seconds - 1) throw new Error(`${name}: ${pcm.length / 48000} s of sound in ${seconds} s`);
    if (beeps.length < seconds - 2) throw new Error(`${name}: ${beeps.length} beeps in ${seconds} s`);
    lines.push(`${name}: ${(pcm.length / 48000).toFixed(1)} s of sound, ${beeps.length} beeps, ${Math.min(...gaps)} to ${Math.max(...gaps)} ms apart`);
  }
  return lines;
}
