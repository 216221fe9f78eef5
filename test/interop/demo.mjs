/* SPDX-License-Identifier: BSD-2-Clause */
/* The demo: what its web server answers and refuses, its page in several browsers at once, files that it plays; and the examples of media. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beepsIn, checkPicture, figures } from './demo-media.mjs';
import { measure, newPage, sleep, within } from './lib.mjs';

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), '../fixtures/media_file');

/* Runs `sotto demo` on a free port of this namespace; run(url, port). */
export async function withDemo(run, args = []) {
  const server = spawn(process.env.SOTTO_TOOL, ['demo', '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const line = await within(60000, 'the address of the demo', new Promise(done => server.stdout.once('data', d => done(String(d)))));
    const url = line.match(/http:\S+/)[0];
    return await run(url, +new URL(url).port);
  } finally {
    const exit = new Promise(done => server.once('exit', done));
    server.kill('SIGTERM');
    const code = await within(60000, 'the end of the demo', exit);
    if (code !== 0) throw new Error(`the demo ended with ${code}`);
  }
}

function ask(port, method, path, headers, body = '') {
  return new Promise((done, fail) => {
    const q = request({ host: '127.0.0.1', port, method, path, headers, setHost: !('host' in headers), agent: false }, r => {
      let text = '';
      r.on('data', d => { text += d; });
      r.on('end', () => done({ status: r.statusCode, headers: r.headers, text }));
    });
    q.on('error', fail);
    q.end(body);
  });
}

const SDP = { 'content-type': 'application/sdp' };

/* method, path, headers, body, status */
const TABLE = port => [
  ['GET', '/', {}, '', 200],
  ['HEAD', '/', {}, '', 200],
  ['GET', '/', { host: `localhost:${port}` }, '', 200],
  ['GET', '/', { host: `LOCALHOST:${port}` }, '', 200],
  ['GET', '/', { host: `[::1]:${port}` }, '', 200],
  ['GET', '/', { host: 'evil.example' }, '', 403],
  ['GET', '/', { host: `evil.example:${port}` }, '', 403],
  ['GET', '/', { host: `localhost.evil.example:${port}` }, '', 403],
  ['GET', '/', { host: `127.0.0.1:${port + 1}` }, '', 403],
  ['GET', '/', { host: '127.0.0.1' }, '', 403],
  ['GET', '/', { host: `10.77.0.1:${port}` }, '', 403],
  ['GET', '/', { origin: `http://127.0.0.1:${port}` }, '', 200],
  ['GET', '/', { origin: 'http://evil.example' }, '', 403],
  ['GET', '/', { 'sec-fetch-site': 'cross-site' }, '', 403],
  ['POST', '/offer', { ...SDP, origin: 'http://evil.example' }, 'v=0', 403],
  ['POST', '/offer', { ...SDP, origin: 'null' }, 'v=0', 403],
  ['POST', '/offer', { ...SDP, origin: `https://127.0.0.1:${port}` }, 'v=0', 403],
  ['POST', '/', SDP, 'v=0', 405],
  ['GET', '/sframe.mjs?x', {}, '', 200],
  ['GET', '/sframe.mjs', { origin: 'http://evil.example' }, '', 403],
  ['POST', '/sframe.mjs', SDP, 'v=0', 405],
  ['GET', '/offer', {}, '', 405],
  ['PUT', '/offer', SDP, 'v=0', 405],
  ['OPTIONS', '/offer', { origin: `http://127.0.0.1:${port}` }, '', 405],
  ['GET', '/favicon.ico', {}, '', 404],
  ['GET', '/../etc/passwd', {}, '', 404],
  ['POST', '/offer', {}, 'v=0', 415],
  ['POST', '/offer', { 'content-type': 'text/plain' }, 'v=0', 415],
  ['POST', '/offer', { 'content-type': 'application/sdpx' }, 'v=0', 415],
  ['POST', '/offer', { 'content-type': 'Application/SDP; charset=utf-8' }, 'v=0', 400],
  ['POST', '/offer', SDP, '', 400],
  ['POST', '/offer', SDP, 'garbage', 400],
  ['POST', '/offer', SDP, 'v=0\0', 400],
  ['POST', '/offer', SDP, 'a'.repeat(65536), 400],
  ['POST', '/offer', SDP, 'a'.repeat(65537), 413],
  ['POST', '/offer', { ...SDP, 'transfer-encoding': 'chunked' }, 'a'.repeat(200000), 413],
];

export async function requests() {
  return withDemo(async (url, port) => {
    const wrong = [];
    for (const [method, path, headers, body, status] of TABLE(port)) {
      const r = await ask(port, method, path, headers, body);
      if (r.status !== status) wrong.push(`${method} ${path} ${JSON.stringify(headers)}: ${r.status} instead of ${status}`);
      if (status === 200 && !path.startsWith('/sframe') && !/default-src 'none'.*nonce-[0-9a-f]{32}'/.test(r.headers['content-security-policy'])) wrong.push('no policy');
      if (r.headers['access-control-allow-origin']) wrong.push(`${method} ${path} is shared with other sites`);
    }
    const pages = [await ask(port, 'GET', '/', {}), await ask(port, 'GET', '/', {})].map(r => r.text);
    if (pages[0] === pages[1] || pages[0].includes('@NONCE@')) wrong.push('the nonce is not fresh');
    if (wrong.length) throw new Error(wrong.join('; '));
    return `${TABLE(port).length} requests`;
  });
}

/* The page itself, in all browsers at the same time: a call, moving pictures, a line of chat, both throughput runs. */
export async function pages(browsers) {
  return withDemo(async url => {
    const rates = await Promise.all(browsers.map(async browser => {
      const page = await browser.newPage();
      try {
        await page.goto(url);
        return await page.evaluate(async () => {
          const id = x => document.getElementById(x);
          const until = async (what, test, ms) => {
            for (const end = performance.now() + ms; !test();) {
              if (performance.now() > end) throw new Error('not in time: ' + what + '; ' + id('status').textContent);
              await new Promise(done => setTimeout(done, 20));
            }
          };
          await until('connected', () => id('status').textContent === 'connected' && !id('send').disabled && !id('run').disabled, 60000);
          await until('moving pictures', () => Number(id('m-frames').textContent) > 30, 60000);
          if (id('m-codec').textContent !== 'VP8 · opus') throw new Error(id('m-codec').textContent);
          id('text').value = 'hello <b>there</b>';
          id('send').click();
          await until('the line back', () => [...document.querySelectorAll('.line.it')].some(x => x.textContent.startsWith('hello <b>there</b>')), 60000);
          id('run').click();
          await until('the run', () => /^(done|failed)/.test(document.body.dataset.run || ''), 60000);
          if (document.body.dataset.run !== 'done') throw new Error(document.body.dataset.run);
          return id('down').textContent + '/' + id('up').textContent;
        });
      } finally { await page.close().catch(() => {}); }
    }));
    return `MB/s down/up: ${rates.join(', ')}`;
  });
}

/* Opens the page and waits until it is connected. */
async function openPage(browser, url) {
  const page = await browser.newPage();
  await page.goto(url);
  for (let i = 0; await page.evaluate(() => document.getElementById('status').textContent !== 'connected'); i++) {
    if (i === 1200) throw new Error('not connected');
    await sleep(100);
  }
  return page;
}

/* A file with pictures and one with sound are played; the browser decodes what is in them. */
async function files(browser, name, codec, width, height) {
  return withDemo(async url => {
    const page = await openPage(browser, url);
    try {
      const line = await checkPicture(page, { codec, width, height, clock: false, seconds: 2 });
      const f = await figures(page);
      if (f.audioCodec !== 'audio/opus' || !(f.samples > 48000)) throw new Error(`sound: ${f.audioCodec}, ${f.samples} samples`);
      return line;
    } finally { await page.close().catch(() => {}); }
  }, ['--file', join(FIXTURES, name), '--file', join(FIXTURES, 'mono.ogg')]);
}

/* Picture and sound sealed, both ways, under the key in the address; nothing to be seen under another one; no call without. */
// proves: S25
async function sealed(browser) {
  return withDemo(async url => {
    const page = await openPage(browser, url), report = () => page.evaluate(() => JSON.parse(document.body.dataset.report ?? '{}'));
    try {
      const line = await checkPicture(page, { codec: 'VP8', seconds: 1 });
      await page.click('#camera');
      for (let i = 0, r; !((r = await report()).video?.frames > 5 && r.audio.frames > 20); i++) {
        if (i === 200) throw new Error('the camera: ' + JSON.stringify(r));
        await sleep(100);
      }
      const shown = await page.evaluate(() => [document.getElementById('s-dtls').textContent, document.body.dataset.failed ?? '']);
      if (!/SFrame/.test(shown[0]) || shown[1]) throw new Error('the page says ' + shown);
      await page.goto('about:blank');
      await page.goto(url.replace(/=.*/, '=' + '0'.repeat(64)));
      for (let i = 0; !(JSON.parse(await page.evaluate(() => document.body.dataset.failed ?? '{}')).badTag > 40); i++) {
        if (i === 200) throw new Error('nothing fails under a wrong key');
        await sleep(100);
      }
      const f = await figures(page);
      if (f.framesDecoded > 0) throw new Error(`${f.framesDecoded} pictures under a wrong key`);
      await page.goto('about:blank');
      await page.goto(url.replace(/#.*/, ''));
      for (let i = 0; await page.evaluate(() => document.getElementById('status').textContent) !== 'no call'; i++) {
        if (i === 100) throw new Error('a call without a key');
        await sleep(100);
      }
      return line;
    } finally { await page.close().catch(() => {}); }
  }, ['--e2ee']);
}

/* --- the examples ------------------------------------------------------------------------------------------------------ */

/* Runs docs/examples/NAME against a call of the page: SDP in, SDP out. */
async function withExample(name, args, browser, setUp, run) {
  const page = await newPage(browser, true), raw = page.raw;
  const program = spawn(join(dirname(process.env.SOTTO_TOOL), '../docs/examples', name), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const offer = await raw.evaluate(async setUp => {
      const pc = globalThis.example = new RTCPeerConnection();
      await (0, eval)(setUp)(pc);
      await pc.setLocalDescription();
      while (pc.iceGatheringState !== 'complete') await new Promise(done => setTimeout(done, 20));
      return pc.localDescription.sdp;
    }, `(${setUp})`);
    let out = '';
    const answered = new Promise(done => program.stdout.on('data', d => { if (/\n\r?\n$/.test(out += d)) done(); }));
    program.stdin.end(offer);
    await within(60000, `the answer of ${name}`, answered);
    await raw.evaluate(sdp => globalThis.example.setRemoteDescription({ type: 'answer', sdp }), out.trimEnd() + '\r\n');
    const line = await run(raw);
    const exit = new Promise(done => program.once('exit', done));
    await raw.evaluate(() => globalThis.example.close());
    const code = await within(60000, `the end of ${name}`, exit);
    if (code !== 0) throw new Error(`${name} ended with ${code}`);
    return line;
  } finally {
    program.kill('SIGKILL');
    await page.end().catch(() => {});
  }
}

async function exampleCamera(browser) {
  const setUp = async pc => { pc.addTransceiver('video', { direction: 'recvonly' }); };
  return withExample('camera', [join(FIXTURES, 'baseline.h264')], browser, setUp, async page => {
    for (let i = 0; i < 600; i++) {
      await sleep(100);
      const v = await page.evaluate(async () => [...(await globalThis.example.getStats()).values()].find(x => x.type === 'inbound-rtp'));
      if (v?.framesDecoded >= 60) return `${v.framesDecoded} frames of ${v.frameWidth} × ${v.frameHeight}, ${v.freezeCount} freezes`;
    }
    throw new Error('60 frames were not decoded in a minute');
  });
}

async function exampleOpusWav(browser) {
  const directory = mkdtempSync(join(tmpdir(), 'sotto-wav-')), path = join(directory, 'call.wav'), seconds = 6;
  const setUp = async pc => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    pc.addTransceiver(stream.getAudioTracks()[0], { direction: 'sendonly', streams: [stream] });
  };
  try {
    await withExample('opus_wav', [path], browser, setUp, () => sleep(seconds * 1e3));
    const wav = readFileSync(path), pcm = new Int16Array((wav.length - 44) >> 2);
    if (wav.toString('latin1', 0, 4) !== 'RIFF' || wav.readUInt32LE(40) !== wav.length - 44) throw new Error('not a WAV file');
    for (let i = 0; i < pcm.length; i++) pcm[i] = wav.readInt16LE(44 + 4 * i);
    const beeps = beepsIn(pcm), loud = pcm.filter(x => Math.abs(x) > 1500).length / pcm.length, line = `${(pcm.length / 48000).toFixed(1)} s of sound, ${beeps.length} beeps, loud for ${(loud * 100).toFixed(0)} %`;
    if (pcm.length / 48000 < seconds - 1.5 || (beeps.length < seconds - 2 && loud < 0.5)) throw new Error(line); /* Firefox's microphone hums without end */
    return line;
  } finally { rmSync(directory, { recursive: true, force: true }); }
}

/* What a browser with devices does; this Firefox has no H.264. */
const FILES = {
  chromium: [['baseline.h264', 'H264', 178, 100], ['vp8.ivf', 'VP8', 176, 144], ['vp9.ivf', 'VP9', 178, 100], ['av1.ivf', 'AV1', 178, 100]],
  firefox: [['vp8.ivf', 'VP8', 176, 144], ['vp9.ivf', 'VP9', 178, 100], ['av1.ivf', 'AV1', 178, 100]],
};
export async function demoSeries(name, browser) {
  for (const file of FILES[name]) await measure(`${name}: the demo plays ${file[0]}`, 40000, () => files(browser, ...file));
  await measure(`${name}: the demo, sealed from end to end`, 30000, () => sealed(browser));
  await measure(`${name}: docs/examples/opus_wav records`, 40000, () => exampleOpusWav(browser));
  if (name === 'chromium') await measure(`${name}: docs/examples/camera is seen`, 40000, () => exampleCamera(browser));
}
